//! When to try again, and when to stop.

use std::time::Duration;

use rand::{Rng, RngExt as _};

/// Waits between the attempts of one request: exponential, with full jitter, never before `Retry-After`.
///
/// The wait before retry n, counted from 0, is drawn evenly from nothing to base × 2ⁿ, at most `cap`: "full jitter" of
/// the AWS Architecture Blog, "Exponential Backoff And Jitter". Where the answer had a `Retry-After`, the draw comes on
/// top of it, so that clients refused together do not come back together.
///
/// It is `Copy`: keep one as the policy, and copy it for each request.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use aetherflow_ratelimit::client::Backoff;
///
/// let (base, cap) = (Duration::from_millis(100), Duration::from_secs(10));
/// let mut backoff = Backoff::new(base, cap, 2);
/// let (told, mut random) = (Duration::from_secs(3), rand::rng());
/// let wait = backoff.next_wait(Some(told), &mut random);
/// assert!(wait >= Some(told) && wait <= Some(told + base));
/// assert!(backoff.next_wait(None, &mut random) <= Some(2 * base));
/// assert_eq!(backoff.next_wait(None, &mut random), None);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Backoff {
    ceiling: Duration,
    cap: Duration,
    left: u32,
    longest: Duration,
    total: Duration,
}

impl Backoff {
    /// Makes the waits of a request that is retried at most `retries` times.
    #[must_use]
    pub const fn new(base: Duration, cap: Duration, retries: u32) -> Self {
        Self { ceiling: base, cap, left: retries, longest: Self::LONGEST, total: Duration::MAX }
    }

    /// Obeys a `Retry-After` up to `longest` instead of an hour; after a longer one it gives up.
    ///
    /// # Security
    /// This is what an answer can make a request wait. Coming back before the server said would be the other way to
    /// bound it, and would add to an overload.
    #[must_use]
    pub const fn with_longest_retry_after(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// Bounds the sum of all waits, instead of not at all; the wait that would pass it is not begun.
    #[must_use]
    pub const fn with_total(self, total: Duration) -> Self {
        Self { total, ..self }
    }

    /// Returns how long to wait before the next attempt; `None` to give up.
    ///
    /// It gives up when the retries are used, when `retry_after` is longer than it obeys, and when the sum of the waits
    /// would pass its bound.
    pub fn next_wait(&mut self, retry_after: Option<Duration>, random: &mut impl Rng) -> Option<Duration> {
        let told = retry_after.unwrap_or_default();
        if told > self.longest {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        let wait = told.saturating_add(jitter(self.ceiling.min(self.cap), random));
        self.ceiling = self.ceiling.saturating_mul(2);
        self.total = self.total.checked_sub(wait)?;
        Some(wait)
    }

    /// What a `Retry-After` may ask for unless the host says otherwise.
    const LONGEST: Duration = Duration::from_secs(3_600);
}

/// Draws evenly from nothing to `most`, both included, in nanoseconds.
pub(super) fn jitter(most: Duration, random: &mut impl Rng) -> Duration {
    Duration::from_nanos(random.random_range(0..=u64::try_from(most.as_nanos()).unwrap_or(u64::MAX)))
}
