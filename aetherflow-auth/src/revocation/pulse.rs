use chrono::{DateTime, Utc};

use crate::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// Until when what is revoked elsewhere is known here: one atomic, asked at every request.
///
/// A beat proves the feed up to the time it was sent, not heard: what lies behind it, unread in a buffer, is younger.
#[derive(Debug)]
pub(super) struct Pulse {
    /// Milliseconds since 1970 of the latest proof, or one of the marks below.
    proven: AtomicI64,
    /// Whether the host chose to go on without a feed.
    is_open: AtomicBool,
}

impl Pulse {
    /// No feed at all: this process is the only one.
    pub(super) fn alone() -> Self {
        Self { proven: AtomicI64::new(ALONE), is_open: AtomicBool::new(false) }
    }

    /// Whether a request may be decided at `now`.
    pub(super) fn is_current_at(&self, now: DateTime<Utc>) -> bool {
        match self.proven.load(Ordering::Acquire) {
            ALONE => true,
            NEVER => false,
            LOST => self.is_open.load(Ordering::Relaxed),
            // A clock set back is no reason to trust an old proof for longer.
            proven => {
                now.timestamp_millis().abs_diff(proven) < LOST_AFTER_MS
                    || self.is_open.load(Ordering::Relaxed)
            }
        }
    }
}

#[cfg(feature = "redis")]
impl Pulse {
    /// From now on there is a feed, and nothing is known of it yet.
    pub(super) fn begin(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::Relaxed);
        self.proven.store(NEVER, Ordering::Release);
    }

    pub(super) fn prove(&self, sent: DateTime<Utc>) {
        self.proven.store(sent.timestamp_millis().max(LOST + 1), Ordering::Release);
    }

    /// Ends a proof at once; who never had one still has none.
    pub(super) fn lose(&self) {
        // An update that finds no proof to end is no failure.
        let _ = self.proven.fetch_update(Ordering::AcqRel, Ordering::Acquire, |proven| {
            (proven != NEVER && proven != ALONE).then_some(LOST)
        });
    }
}

const ALONE: i64 = i64::MAX;
const NEVER: i64 = i64::MIN;
const LOST: i64 = i64::MIN + 1;
/// Three beats. The rest of the second is for the way of a revocation from its node to the server.
const LOST_AFTER_MS: u64 = 750;

#[cfg(all(test, feature = "redis"))]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(milliseconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1_767_225_600_000 + milliseconds)
    }

    #[test]
    fn a_beat_holds_for_three_quarters_of_a_second_from_its_sending() {
        let pulse = Pulse::alone();
        pulse.begin(false);
        pulse.prove(at(0));
        let asked = [-750, -749, 0, 749, 750].map(|time| (time, pulse.is_current_at(at(time))));
        assert_eq!(asked, [(-750, false), (-749, true), (0, true), (749, true), (750, false)]);
    }

    #[test]
    fn nothing_is_served_before_the_first_proof_whatever_the_host_chose() {
        for (is_open, after_loss) in [(false, false), (true, true)] {
            let pulse = Pulse::alone();
            assert!(pulse.is_current_at(at(0)));
            pulse.begin(is_open);
            assert!(!pulse.is_current_at(at(0)));
            pulse.lose();
            assert!(!pulse.is_current_at(at(0)));
            pulse.prove(at(0));
            assert!(pulse.is_current_at(at(1)));
            assert_eq!(pulse.is_current_at(at(5_000)), after_loss);
            pulse.lose();
            assert_eq!(pulse.is_current_at(at(1)), after_loss);
        }
    }
}
