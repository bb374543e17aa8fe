use crate::sync::atomic::{AtomicU64, Ordering};

/// How often something was revoked here: who has looked and finds the count unchanged need not look again.
#[derive(Debug, Default)]
pub(super) struct News(AtomicU64);

/// How many news a token was looked for in without being found; at first none.
#[derive(Debug, Default)]
pub(crate) struct Clearance(AtomicU64);

impl News {
    /// Puts an entry in its table, and then tells of it. Also of one that was there before: whoever put it there may be
    /// about to tell, and who revokes a token twice must not see it pass in between.
    pub(super) fn tell_of<T>(&self, put: impl FnOnce() -> T) -> T {
        let done = put();
        self.0.fetch_add(1, Ordering::Release);
        done
    }

    /// Whether `find` finds a revocation; not asked, if nothing was revoked since it found none.
    pub(super) fn found_since(&self, clearance: &Clearance, find: impl FnOnce() -> bool) -> bool {
        // Before the search: what is told during it is news to the next.
        let so_far = self.0.load(Ordering::Acquire);
        if clearance.0.load(Ordering::Relaxed) == so_far {
            return false;
        }
        let is_found = find();
        if !is_found {
            clearance.0.store(so_far, Ordering::Relaxed);
        }
        is_found
    }
}
