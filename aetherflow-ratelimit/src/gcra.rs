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
    /// Milliseconds in which one request is paid back, rounded up; the most there are, if it takes longer.
    interval: u32,
}

/// A bucket and what its key owes there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Balance {
    pub(crate) bucket: Bucket,
    /// Units of the bucket, at most its capacity, or more where a clock went back.
    pub(crate) debt: u64,
}

/// What one window says, or all of a plan: the worst of theirs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Verdict {
    Allowed,
    Denied,
    NeverFits,
}

/// Charges `cost` to every balance, or, if any has no room, to none.
///
/// A refusal leaves the balances bit for bit as they were: one that added debt would let anyone who shares a key keep
/// its owner out for ever.
pub(crate) fn decide(balances: &mut [Balance], cost: u32) -> Verdict {
    let verdict = balances.iter().map(|balance| balance.verdict(cost)).max().unwrap_or(Verdict::Allowed);
    if verdict == Verdict::Allowed {
        for balance in balances {
            balance.debt += balance.bucket.charge(cost);
        }
    }
    verdict
}

impl Balance {
    pub(crate) fn verdict(&self, cost: u32) -> Verdict {
        match self.bucket.wait(self.debt, cost) {
            Some(0) => Verdict::Allowed,
            Some(_) => Verdict::Denied,
            None => Verdict::NeverFits,
        }
    }
}

impl Bucket {
    pub(crate) fn new(limit: u32, period: u64) -> Option<Self> {
        let capacity = u64::from(limit).checked_mul(period)?;
        let is_counted = (1..1 << 63).contains(&capacity);
        is_counted.then(|| Self { limit, period, interval: interval(limit, period) })
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
        (self.interval >= 10).then_some(Rate { limit: self.limit, interval: u64::from(self.interval) })
    }

    /// The balance of a key that a table says takes so many milliseconds to pay back, in the bucket as the table counts
    /// it: one request takes a whole number of them, so that what remains and how long to wait stay exact.
    pub(crate) fn balance_of(self, milliseconds: u64) -> Balance {
        let bucket = Self { period: u64::from(self.interval) * u64::from(self.limit), ..self };
        Balance { bucket, debt: milliseconds.saturating_mul(u64::from(self.limit)) }
    }

    fn capacity(self) -> u64 {
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

    /// Whether `debt` uses a larger fraction here than `other_debt` does of `other`, which has the same period.
    pub(crate) fn owes_more(self, debt: u64, other: Self, other_debt: u64) -> bool {
        u128::from(debt) * u128::from(other.limit) > u128::from(other_debt) * u128::from(self.limit)
    }
}

fn interval(limit: u32, period: u64) -> u32 {
    u32::try_from(period.div_ceil(u64::from(limit))).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
