//! How much retries may add to the load.

use crate::sync::atomic::{AtomicU64, Ordering};

/// Bounds the retries of a whole client by a share of its requests.
///
/// Backoff delays each retry; when a server fails for everyone, all of them still come. Over any stretch of its life,
/// however threads interleave, a budget grants at most `percent`/100 × requests + `reserve` retries. Nothing is rounded,
/// and there is no lock: one word, changed by compare-and-swap.
///
/// # Examples
/// ```
/// use aetherflow_ratelimit::client::RetryBudget;
///
/// let budget = RetryBudget::new(20, 1);
/// assert!(budget.withdraw());
/// assert!(!budget.withdraw());
/// (0..5).for_each(|_| budget.deposit());
/// assert!(budget.withdraw());
/// ```
#[derive(Debug)]
pub struct RetryBudget {
    percent: u64,
    most: u64,
    /// Hundredths of a retry, at most `most`.
    saved: AtomicU64,
}

impl RetryBudget {
    /// Makes a budget that holds `reserve` retries, and never saves more than that.
    ///
    /// With a reserve of 0 it grants nothing.
    #[must_use]
    pub fn new(percent: u32, reserve: u32) -> Self {
        let most = u64::from(reserve) * RETRY;
        Self { percent: u64::from(percent), most, saved: AtomicU64::new(most) }
    }

    /// Counts one request that is no retry.
    pub fn deposit(&self) {
        self.change(|saved| Some((saved + self.percent).min(self.most)));
    }

    /// Takes one retry, if it is there.
    #[must_use = "without a grant there must be no retry"]
    pub fn withdraw(&self) -> bool {
        self.change(|saved| saved.checked_sub(RETRY))
    }

    fn change(&self, next: impl Fn(u64) -> Option<u64>) -> bool {
        // The word guards no other memory.
        self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

/// One retry, in hundredths.
const RETRY: u64 = 100;
