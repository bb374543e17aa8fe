//! A moment of a monotonic clock.

use std::time::Duration;

/// Counts milliseconds on a monotonic clock.
///
/// Where it starts is the clock's affair: only differences count, and every tick up to [`u64::MAX`] is valid. A
/// [`Limiter`](crate::Limiter)'s own clock starts at zero when the limiter is made.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tick(u64);

impl Tick {
    /// Makes the tick `millis` milliseconds after the clock's start.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the clock's start.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Returns the first tick at which `wait` has passed, or the last one there is.
    #[must_use]
    pub fn saturating_add(self, wait: Duration) -> Self {
        let millis = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// Returns the milliseconds since `earlier`; none, if that is still to come.
    pub(crate) fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
