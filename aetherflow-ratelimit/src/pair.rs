//! Two token buckets counted in whole milliseconds.

use crate::state::Moments;

/// The rates of a plan's shorter and longer window.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Pair {
    pub(crate) short: Rate,
    pub(crate) long: Rate,
}

/// A bucket that holds `limit` requests, of which each is paid back in `interval` milliseconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Rate {
    pub(crate) limit: u32,
    /// 0 for a window the plan does not have.
    pub(crate) interval: u64,
}

impl Rate {
    pub(crate) const NONE: Self = Self { limit: u32::MAX, interval: 0 };

    /// Milliseconds until a whole bucket is paid back.
    pub(crate) fn capacity(self) -> u64 {
        u64::from(self.limit) * self.interval
    }

    /// What is owed after `cost` more, if it fits; where there is no window, what other plans left there stays.
    fn admit(self, debt: u64, cost: u32) -> Option<u64> {
        if self == Self::NONE {
            return Some(debt);
        }
        let debt = debt + u64::from(cost) * self.interval;
        (debt <= self.capacity()).then_some(debt)
    }
}

impl Pair {
    /// The moments after a request of `cost` at `now`, if both windows have room for it.
    pub(crate) fn admit(self, moments: Moments, cost: u32, now: u64) -> Option<Moments> {
        let debts = owed(moments, now);
        let short = self.short.admit(debts[0], cost)?;
        let long = self.long.admit(debts[1], cost)?;
        Some([now + short, now + long])
    }
}

/// What is owed at `now`: the milliseconds until each moment.
pub(crate) fn owed(moments: Moments, now: u64) -> [u64; 2] {
    moments.map(|moment| moment.saturating_sub(now))
}
