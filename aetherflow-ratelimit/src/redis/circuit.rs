//! Whether to ask Redis at all.

use std::sync::atomic::{AtomicU64, Ordering};

/// Lets every call through until one fails, and then one in a while, until one succeeds.
///
/// So that while Redis is away, one check in a while waits for it, not all. Times are this node's own, in microseconds.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    /// When the next call may try; 0 while all may.
    next: AtomicU64,
}

impl Circuit {
    pub(super) fn lets_through(&self, now: u64) -> bool {
        let next = self.next.load(Ordering::Relaxed);
        next == 0 || (next <= now && self.claim(next, now))
    }

    pub(super) fn succeeded(&self) {
        // Read first: in good times no core takes the line from another.
        if self.next.load(Ordering::Relaxed) != 0 {
            self.next.store(0, Ordering::Relaxed);
        }
    }

    pub(super) fn failed(&self, now: u64) {
        self.next.store(now + PAUSE, Ordering::Relaxed);
    }

    /// Of those that find the pause over, one goes.
    fn claim(&self, next: u64, now: u64) -> bool {
        self.next.compare_exchange(next, now + PAUSE, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// A tenth of a second.
const PAUSE: u64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_one_call_in_a_tenth_of_a_second_tries_until_one_succeeds() {
        let circuit = Circuit::default();
        let tries = |now| [circuit.lets_through(now), circuit.lets_through(now)];
        assert_eq!(tries(1_000), [true, true]);
        circuit.failed(1_000);
        assert_eq!(tries(100_999), [false, false]);
        assert_eq!(tries(101_000), [true, false]);
        assert_eq!(tries(200_999), [false, false]);
        assert_eq!(tries(201_000), [true, false]);
        circuit.succeeded();
        assert_eq!(tries(201_000), [true, true]);
    }
}
