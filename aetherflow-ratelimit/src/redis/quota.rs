//! A plan as Redis counts it.

use std::hash::{Hash, Hasher};

use smallvec::SmallVec;

use super::error::LimitError;
use crate::book::Book;
use crate::decision::Decision;
use crate::gcra::{Balance, Bucket};
use crate::plan::{Plan, Window};

/// What a key owes in the windows of a plan, in their order, in microseconds until it is paid back.
pub(super) type Debts = SmallVec<[u64; 2]>;

/// The windows of a plan in whole microseconds.
///
/// What one request takes to be paid back is rounded up, so that a quota is never larger than the plan's.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Quota(SmallVec<[Rate; 2]>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Rate {
    /// As the plan has it, in milliseconds.
    window: Bucket,
    /// As it is counted here, in microseconds; below 2⁵³ of them, so that doubles are exact.
    bucket: Bucket,
    /// Microseconds in which one request is paid back.
    interval: u64,
}

impl Quota {
    pub(super) fn of(plan: &Plan) -> Result<Self, LimitError> {
        if plan.windows().any(Window::is_strict) {
            return Err(LimitError::Plan);
        }
        let rates: Option<SmallVec<[Rate; 2]>> = plan.windows().map(Rate::of).collect();
        rates.map(Self).ok_or(LimitError::Plan)
    }

    /// What the script is asked: how many requests of `cost`, under which windows.
    pub(super) fn question(&self, cost: u32, wanted: u32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + 24 * self.0.len());
        push(u64::from(wanted), &mut bytes);
        for rate in &self.0 {
            push(rate.window.period(), &mut bytes);
            push(rate.charge(cost.max(1)), &mut bytes);
            push(rate.capacity(), &mut bytes);
        }
        bytes
    }

    pub(super) fn windows(&self) -> usize {
        self.0.len()
    }

    /// What is said of a request of `cost`, by what is owed after it.
    pub(super) fn decision(&self, is_admitted: bool, cost: u32, debts: &Debts) -> Decision {
        let balance = |(rate, &debt): (&Rate, &u64)| Balance {
            bucket: rate.bucket,
            debt: debt.saturating_mul(u64::from(rate.bucket.limit())),
        };
        Decision::by_redis(is_admitted, cost, self.0.iter().zip(debts).map(balance))
    }

    /// What would be said of a request of `cost`, by what is owed before it.
    pub(super) fn foreseen(&self, cost: u32, debts: &Debts) -> Decision {
        let fits = self.wait(cost, debts) == Some(0);
        let after =
            debts.iter().zip(&self.0).map(|(debt, rate)| debt + if fits { rate.charge(cost) } else { 0 });
        self.decision(fits, cost, &after.collect())
    }

    /// The same debts as a limiter in this process counts them, rounded up.
    pub(super) fn books(&self, debts: &Debts) -> SmallVec<[Book; 2]> {
        let balance = |(rate, &debt): (&Rate, &u64)| {
            let units = (u128::from(debt) * u128::from(rate.window.limit())).div_ceil(1_000);
            let debt = u64::try_from(units).unwrap_or(u64::MAX).min(rate.window.capacity());
            Book::Debt(Balance { bucket: rate.window, debt })
        };
        self.0.iter().zip(debts).map(balance).collect()
    }

    /// What was owed before the last `requests` of `cost` of those charged.
    pub(super) fn less(&self, debts: &Debts, cost: u32, requests: u32) -> Debts {
        let charged = self.0.iter().map(|rate| rate.charge(cost).saturating_mul(u64::from(requests)));
        debts.iter().zip(charged).map(|(debt, charge)| debt.saturating_sub(charge)).collect()
    }

    /// Microseconds until a request of `cost` fits, if it ever does.
    pub(super) fn wait(&self, cost: u32, debts: &Debts) -> Option<u64> {
        let wait = |(rate, debt): (&Rate, &u64)| {
            let full = rate.capacity().checked_sub(rate.charge(cost))?;
            Some(debt.saturating_sub(full))
        };
        self.0.iter().zip(debts).try_fold(0, |longest: u64, one| Some(longest.max(wait(one)?)))
    }

    /// Microseconds in which the fastest window pays a request of `cost` back.
    pub(super) fn pace(&self, cost: u32) -> u64 {
        self.0.iter().map(|rate| rate.charge(cost)).min().unwrap_or(0)
    }

    /// How many requests of `cost` are one part in `parts` of the tightest window.
    pub(super) fn share(&self, cost: u32, parts: u32) -> u32 {
        self.0.iter().map(|rate| rate.bucket.limit() / parts.max(1) / cost.max(1)).min().unwrap_or(0)
    }
}

impl Rate {
    fn of(window: &Window) -> Option<Self> {
        let window = window.bucket();
        let (limit, period) = (u64::from(window.limit()), window.period().checked_mul(1_000)?);
        if limit > period {
            return None;
        }
        let interval = period.div_ceil(limit);
        let capacity = interval.checked_mul(limit).filter(|&capacity| capacity < 1 << 53)?;
        Some(Self { window, bucket: Bucket::new(window.limit(), capacity)?, interval })
    }

    fn charge(&self, cost: u32) -> u64 {
        self.interval.saturating_mul(u64::from(cost))
    }

    fn capacity(&self) -> u64 {
        self.interval * u64::from(self.bucket.limit())
    }
}

impl Hash for Rate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The rest follows from these.
        state.write_u64(self.window.period());
        state.write_u32(self.window.limit());
    }
}

/// Exact below 2⁵³; what is above fits into no bucket, whatever it is rounded to.
#[expect(clippy::cast_precision_loss, reason = "what is not exact is larger than any bucket")]
fn push(number: u64, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&(number as f64).to_le_bytes());
}
