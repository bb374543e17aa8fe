//! What a limiter did so far, for a metrics system.

use std::sync::atomic::{AtomicU64, Ordering};

use thread_local::ThreadLocal;

use crate::book::Verdict;

/// How often a limiter decided what, since it was made.
///
/// Each only grows, until it wraps at 2⁶⁴.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counts {
    /// Requests that were admitted, those of cost 0 included.
    pub allowed: u64,
    /// Requests that were refused.
    pub denied: u64,
    /// Of these, such as no wait would help.
    pub never_fit: u64,
    /// Requests that were given back.
    pub refunded: u64,
    /// Keys that gave way while they still owed something: above zero, the limiter is too small.
    pub replaced: u64,
}

/// Counts without a word that two cores would fight over: each thread has words of its own.
#[derive(Debug, Default)]
pub(crate) struct Tally(ThreadLocal<Words>);

/// On cache lines of their own, and of the pair that some processors fetch together.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Words([AtomicU64; 4]);

impl Tally {
    pub(crate) fn decided(&self, verdict: Verdict) {
        self.add(match verdict {
            Verdict::Allowed => 0,
            Verdict::Denied => 1,
            Verdict::NeverFits => 2,
        });
    }

    pub(crate) fn refunded(&self) {
        self.add(3);
    }

    pub(crate) fn sum(&self) -> Counts {
        let sum = |at: usize| {
            self.0.iter().fold(0, |sum: u64, words| sum.wrapping_add(words.0[at].load(Ordering::Relaxed)))
        };
        let never_fit = sum(2);
        Counts {
            allowed: sum(0),
            denied: sum(1).wrapping_add(never_fit),
            never_fit,
            refunded: sum(3),
            replaced: 0,
        }
    }

    fn add(&self, at: usize) {
        let word = &self.0.get_or_default().0[at];
        // No other thread writes here.
        word.store(word.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }
}
