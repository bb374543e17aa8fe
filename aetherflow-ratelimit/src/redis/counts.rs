//! What the limiter did, for a metrics system.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often the limiter did what, since it was made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RedisCounts {
    /// Calls of the script that Redis answered.
    pub round_trips: u64,
    /// Calls that were repeated with the script's text, since the server did not know it.
    pub reloads: u64,
    /// Calls that failed or were not answered within the deadline.
    pub failures: u64,
    /// Checks that went to Redis together with others of the same key, plan and cost.
    pub grouped: u64,
    /// Refusals repeated without asking.
    pub repeated_denials: u64,
    /// Requests admitted from a lease.
    pub leased: u64,
    /// Checks left to the [`Fallback`](crate::Fallback).
    pub fallbacks: u64,
}

/// The counters themselves.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) round_trips: Count,
    pub(super) reloads: Count,
    pub(super) failures: Count,
    pub(super) grouped: Count,
    pub(super) repeated_denials: Count,
    pub(super) leased: Count,
    pub(super) fallbacks: Count,
}

#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Tally {
    pub(super) fn read(&self) -> RedisCounts {
        RedisCounts {
            round_trips: self.round_trips.read(),
            reloads: self.reloads.read(),
            failures: self.failures.read(),
            grouped: self.grouped.read(),
            repeated_denials: self.repeated_denials.read(),
            leased: self.leased.read(),
            fallbacks: self.fallbacks.read(),
        }
    }
}

impl Count {
    pub(super) fn add(&self, count: u32) {
        self.0.fetch_add(u64::from(count), Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
