//! The decision itself, over integers alone.
//!
//! A key's state is what it owes, not what it has left: a full bucket owes nothing, every request adds to the debt,
//! time pays it back (GCRA, ITU-T I.371, with the arrival time kept as its distance from now). The unit is chosen so
//! that nothing is ever rounded: one part in `limit × period` of the bucket. A request owes `period` units, a
//! millisecond pays `limit` units, and the bucket holds `limit × period`, so that odd quotas are as exact as even ones.
//!
//! 1. A cost above the limit of any window never fits.
//! 2. Otherwise, if one window has no room for the cost, none is charged.
//! 3. Otherwise all are charged.

use crate::pair::Rate;

/// One token bucket: `limit` requests, paid back evenly over `period` milliseconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Bucket {
    // Invariant: both are at least 1, and limit * period < 2^63, so that a debt plus a charge fits in 64 bits.
    limit: u32,
    period: u64,
}

/// A bucket and what its key owes there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Balance {
    pub(crate) bucket: Bucket,
    /// Units of the bucket, at most its capacity, or more where a clock went back.
    pub(crate) debt: u64,
}

impl Balance {
    /// What a key owes that takes so many milliseconds to pay back, in the bucket as a table counts it: one request takes
    /// a whole number of them, so that what remains and how long to wait stay exact.
    pub(crate) fn counted(rate: Rate, milliseconds: u64) -> Self {
        let limit = rate.capacity() / rate.interval().max(1);
        let bucket = Bucket { limit, period: u64::from(rate.capacity()) };
        Self { bucket, debt: milliseconds.saturating_mul(u64::from(limit)) }
    }

    pub(crate) fn charge(&mut self, cost: u32) {
        self.debt += self.bucket.charge(cost);
    }
}

impl Bucket {
    pub(crate) fn new(limit: u32, period: u64) -> Option<Self> {
        let capacity = u64::from(limit).checked_mul(period)?;
        let is_counted = (1..1 << 63).contains(&capacity);
        is_counted.then_some(Self { limit, period })
    }

    pub(crate) fn limit(self) -> u32 {
        self.limit
    }

    /// Milliseconds.
    pub(crate) fn period(self) -> u64 {
        self.period
    }

    /// The bucket as a table counts it, if a whole millisecond is at most a tenth of what one request takes.
    pub(crate) fn rate(self) -> Option<Rate> {
        let interval = u32::try_from(self.period.div_ceil(u64::from(self.limit))).ok()?;
        Rate::new(self.limit, interval).filter(|_| interval >= 10)
    }

    pub(crate) fn capacity(self) -> u64 {
        u64::from(self.limit) * self.period
    }

    fn charge(self, cost: u32) -> u64 {
        u64::from(cost) * self.period
    }

    /// What is left of `debt` after `elapsed` milliseconds.
    pub(crate) fn drained(self, debt: u64, elapsed: u64) -> u64 {
        // Saturation is exact: a product that does not fit is more than any debt.
        debt.saturating_sub(elapsed.saturating_mul(u64::from(self.limit)))
    }

    /// Milliseconds until a request of `cost` fits; `None` if it never does.
    pub(crate) fn wait(self, debt: u64, cost: u32) -> Option<u64> {
        if cost > self.limit {
            return None;
        }
        let over = debt.saturating_add(self.charge(cost)).saturating_sub(self.capacity());
        Some(self.time_to_drain(over))
    }

    /// Milliseconds until nothing of `debt` is left.
    pub(crate) fn time_to_drain(self, debt: u64) -> u64 {
        debt.div_ceil(u64::from(self.limit))
    }

    /// Whole requests that would fit at once.
    pub(crate) fn remaining(self, debt: u64) -> u32 {
        u32::try_from(self.capacity().saturating_sub(debt) / self.period).unwrap_or(self.limit)
    }

    /// Milliseconds, rounded up, in which `requests` requests are paid back.
    pub(crate) fn time_of(self, requests: u32) -> u64 {
        self.charge(requests).div_ceil(u64::from(self.limit))
    }

    /// The debt here that uses the same fraction of the bucket as `debt` does of `other`, which has the same period.
    ///
    /// Rounded up, by less than one unit: a change of plan never admits extra.
    pub(crate) fn converted(self, debt: u64, other: Self) -> u64 {
        if self.limit == other.limit {
            return debt;
        }
        let scaled = (u128::from(debt) * u128::from(self.limit)).div_ceil(u128::from(other.limit));
        u64::try_from(scaled).unwrap_or(u64::MAX).min(self.capacity())
    }

    /// A twentieth of the bucket; nothing, if that is less than one request.
    pub(crate) fn twentieth(self) -> Option<Self> {
        Self::new(self.limit / 20, self.period)
    }

    /// What `cost` requests of `other`, which has the same period, are here, rounded down.
    pub(crate) fn part(self, cost: u32, other: Self) -> u64 {
        let scaled = u128::from(other.charge(cost)) * u128::from(self.limit) / u128::from(other.limit);
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }

    /// Whether `debt` uses a larger fraction here than `other_debt` does of `other`, which has the same period.
    pub(crate) fn owes_more(self, debt: u64, other: Self, other_debt: u64) -> bool {
        u128::from(debt) * u128::from(other.limit) > u128::from(other_debt) * u128::from(self.limit)
    }
}

#[cfg(test)]
mod tests;
