//! Two token buckets counted in whole milliseconds.

use crate::state::Moments;

/// The rates of a plan's shorter and longer window.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Pair {
    pub(crate) short: Rate,
    pub(crate) long: Rate,
}

/// A bucket of which each request is paid back in `interval` milliseconds, and all of it in `capacity`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Rate {
    // Invariant: the capacity is a multiple of the interval, or there is no window: then nothing is charged, and what
    // other plans left there always fits.
    interval: u32,
    capacity: u32,
}

impl Rate {
    pub(crate) const NONE: Self = Self { interval: 0, capacity: u32::MAX };

    /// Nothing, if the bucket takes longer than `u32` counts.
    pub(crate) fn new(limit: u32, interval: u32) -> Option<Self> {
        Some(Self { interval, capacity: limit.checked_mul(interval)? })
    }

    pub(crate) fn is_some(self) -> bool {
        self.interval > 0
    }

    pub(crate) fn interval(self) -> u32 {
        self.interval
    }

    /// Milliseconds until a whole bucket is paid back.
    pub(crate) fn capacity(self) -> u32 {
        self.capacity
    }

    fn fits(self, cost: u32) -> bool {
        self.charge(cost) <= u64::from(self.capacity)
    }

    fn twentieth(self) -> Self {
        if !self.is_some() {
            return Self::NONE;
        }
        let (limit, interval) = (self.capacity / self.interval / 20, self.interval.saturating_mul(20));
        Self { interval, capacity: limit.saturating_mul(interval) }
    }

    fn charge(self, cost: u32) -> u64 {
        u64::from(cost) * u64::from(self.interval)
    }
}

impl Pair {
    /// Whether empty buckets have room for `cost`.
    pub(crate) fn fits(self, cost: u32) -> bool {
        self.short.fits(cost) && self.long.fits(cost)
    }

    /// The moments after a request of `cost` at `now`, if both windows have room for it.
    pub(crate) fn admit(self, moments: Moments, cost: u32, now: u64) -> Option<Moments> {
        let debts = owed(moments, now);
        let (short, long) = (debts[0] + self.short.charge(cost), debts[1] + self.long.charge(cost));
        let fits = short <= u64::from(self.short.capacity) && long <= u64::from(self.long.capacity);
        fits.then_some([now + short, now + long])
    }

    /// The moments without a request of `cost`.
    pub(crate) fn give_back(self, moments: Moments, cost: u32, now: u64) -> Moments {
        let debts = owed(moments, now);
        [(self.short, debts[0]), (self.long, debts[1])]
            .map(|(rate, debt)| now + debt.saturating_sub(rate.charge(cost)))
    }

    /// Of what is given back, no more than a tenth of a window in any of its periods: a bucket of a twentieth, which
    /// refills by another one.
    pub(crate) fn tenth(self) -> Self {
        Self { short: self.short.twentieth(), long: self.long.twentieth() }
    }
}

/// What is owed at `now`: the milliseconds until each moment.
pub(crate) fn owed(moments: Moments, now: u64) -> [u64; 2] {
    moments.map(|moment| moment.saturating_sub(now))
}
