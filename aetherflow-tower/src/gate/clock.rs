use std::fmt;

use aetherflow_ratelimit::{Limiter, Tick};
use chrono::{DateTime, Utc};

/// One moment on both clocks a gate goes by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Now {
    /// The calendar's, for the validity of credentials.
    pub time: DateTime<Utc>,
    /// A monotonic clock's, for limits.
    pub tick: Tick,
}

impl Now {
    /// The system's calendar and the limiter's own clock.
    #[expect(clippy::disallowed_methods, reason = "the thin form that reads the clock")]
    pub(crate) fn read(limiter: &Limiter) -> Self {
        Self { time: Utc::now(), tick: limiter.now() }
    }
}

/// Where a gate reads the time; the system, unless a test gives it another.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The moment it is.
    fn now(&self) -> Now;
}
