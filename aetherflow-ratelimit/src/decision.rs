//! What became of one request.

use std::time::Duration;

use smallvec::SmallVec;

use crate::account::Account;
use crate::gcra::{self, Balance, Verdict};
use crate::pair;
use crate::plan::{Plan, Window};
use crate::table::Ruling;
use crate::tick::Tick;

/// The outcome of one check.
///
/// Only a [`Limiter`](crate::Limiter) makes one. It holds what each window owes after the request; what remains and how
/// long to wait is computed when asked. The windows themselves stay with the plan, which is given again to name them. A
/// decision over one or two windows allocates nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use = "a refused request must not be served"]
pub struct Decision {
    verdict: Verdict,
    cost: u32,
    /// Milliseconds by which the key's own time was ahead of the caller's.
    lag: u64,
    // Invariant: one for each window of the plan, in its order.
    balances: SmallVec<[Balance; 2]>,
}

impl Decision {
    /// Decides a request of `cost` for a key that owes what `account` says.
    pub(crate) fn new(account: &Account, plan: &Plan, cost: u32, now: Tick) -> Self {
        let moment = account.moment(now);
        let mut balances = SmallVec::new();
        for window in plan.windows() {
            balances.push(account.balance(window.bucket(), moment));
        }
        let verdict = gcra::decide(&mut balances, cost);
        Self { verdict, cost, lag: moment.since(now), balances }
    }

    /// What a table said of a request of `cost` at `now`, which it counts from its own beginning.
    pub(crate) fn by_table(plan: &Plan, periods: [u64; 2], ruling: Ruling, cost: u32, now: u64) -> Self {
        let debts = pair::owed(ruling.moments, now);
        let mut balances = SmallVec::new();
        for window in plan.windows() {
            let bucket = window.bucket();
            let debt = if bucket.period() == periods[0] { debts[0] } else { debts[1] };
            balances.push(bucket.balance_of(debt));
        }
        let fits = plan.windows().all(|window| cost <= window.limit());
        let verdict = match (ruling.is_allowed, fits) {
            (true, _) => Verdict::Allowed,
            (false, true) => Verdict::Denied,
            (false, false) => Verdict::NeverFits,
        };
        Self { verdict, cost, lag: 0, balances }
    }

    /// The balances to store; none, if the request changes nothing.
    pub(crate) fn to_record(&self) -> Option<&[Balance]> {
        (self.is_allowed() && self.cost > 0).then_some(&self.balances)
    }

    /// Returns whether the request may be served.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.verdict == Verdict::Allowed
    }

    /// Returns whether the cost exceeds a window's limit, so that no wait would help.
    #[must_use]
    pub fn never_fits(&self) -> bool {
        self.verdict == Verdict::NeverFits
    }

    /// Returns how long to wait until the same request would be allowed, if nothing else were charged meanwhile.
    ///
    /// It is exact: one millisecond earlier the request would still be refused. `None` if it was allowed, and if it
    /// never fits.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        if self.verdict != Verdict::Denied {
            return None;
        }
        let waits = self.balances.iter().filter_map(|balance| balance.bucket.wait(balance.debt, self.cost));
        waits.max().map(|wait| Duration::from_millis(wait.saturating_add(self.lag)))
    }

    /// Lists how many more requests of cost 1 each window would let through at once, in the plan's order.
    pub fn remaining(&self) -> impl Iterator<Item = u32> {
        self.balances.iter().map(|balance| balance.bucket.remaining(balance.debt))
    }

    /// Lists every window as it stands after the request, in the order of `plan`, under which it was decided.
    pub fn windows<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = Standing<'a>> {
        let windows = plan.windows().zip(&self.balances);
        windows.map(|(window, balance)| Standing { window, balance, lag: self.lag })
    }

    /// Lists the windows that had no room; none, if the request was allowed.
    pub fn violated<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = Standing<'a>> {
        self.reported(plan).filter(|_| !self.is_allowed())
    }

    /// The windows an answer lists: all, or after a refusal the violated ones.
    pub(crate) fn reported<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = Standing<'a>> {
        self.windows(plan)
            .filter(|standing| self.is_allowed() || standing.balance.verdict(self.cost) > Verdict::Allowed)
    }
}

/// One window as it stands after a request.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    window: &'a Window,
    balance: &'a Balance,
    lag: u64,
}

impl<'a> Standing<'a> {
    /// Returns the window itself.
    #[must_use]
    pub fn window(&self) -> &'a Window {
        self.window
    }

    /// Returns the window's name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.window.name()
    }

    /// Returns the window's limit.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.window.limit()
    }

    /// Returns the window's period.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.window.period()
    }

    /// Returns how many more requests of cost 1 this window would let through at once.
    #[must_use]
    pub fn remaining(&self) -> u32 {
        self.balance.bucket.remaining(self.balance.debt)
    }

    /// Returns the time over which to spread what remains, so as to spend no faster than the bucket refills.
    ///
    /// This is parameter `t` of the `RateLimit` field, before rounding up to seconds: what remains × period ÷ limit;
    /// when nothing remains, the wait until one request fits.
    #[must_use]
    pub fn effective_window(&self) -> Duration {
        let bucket = self.balance.bucket;
        let millis = match self.remaining() {
            0 => bucket.wait(self.balance.debt, 1).unwrap_or(0).saturating_add(self.lag),
            remaining => bucket.time_of(remaining),
        };
        Duration::from_millis(millis)
    }

    /// Returns how long until the bucket is full again, if nothing else were charged meanwhile.
    #[must_use]
    pub fn reset(&self) -> Duration {
        let millis = match self.balance.debt {
            0 => 0,
            debt => self.balance.bucket.time_to_drain(debt).saturating_add(self.lag),
        };
        Duration::from_millis(millis)
    }
}
