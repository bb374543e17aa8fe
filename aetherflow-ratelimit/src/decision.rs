//! What became of one request.

use std::borrow::Cow;
use std::time::Duration;

use smallvec::SmallVec;

use crate::account::Account;
use crate::book::{self, Book, Verdict};
use crate::counted::Counted;
#[cfg(feature = "redis")]
use crate::gcra::Balance;
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
    books: Books,
}

/// What is owed after the request, as the engine counts it.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Books {
    /// By a table, in milliseconds of the shorter and the longer window.
    Table { counted: Counted, debts: [u64; 2] },
    /// Window by window, in the plan's order.
    Exact {
        unit: Unit,
        /// By how many units the key's own time was ahead of the caller's.
        lag: u64,
        books: SmallVec<[Book; 2]>,
    },
}

impl Decision {
    /// Decides a request of `cost` for a key that owes what `account` says.
    pub(crate) fn new(account: &Account, plan: &Plan, cost: u32, now: Tick) -> Self {
        let moment = account.moment(now);
        let mut books: SmallVec<_> = plan.windows().map(|window| account.book(window, moment)).collect();
        let verdict = book::decide(&mut books, cost);
        Self {
            verdict,
            cost,
            books: Books::Exact { unit: Unit::Milliseconds, lag: moment.since(now), books },
        }
    }

    /// What a table said of a request of `cost` at `now`, which it counts from its own beginning.
    pub(crate) fn by_table(counted: Counted, ruling: Ruling, cost: u32, now: u64) -> Self {
        let verdict = match ruling.is_allowed {
            true => Verdict::Allowed,
            false if counted.pair.fits(cost) => Verdict::Denied,
            false => Verdict::NeverFits,
        };
        Self { verdict, cost, books: Books::Table { counted, debts: pair::owed(ruling.moments, now) } }
    }

    /// What Redis said of a request of `cost`, by balances in microseconds, which include its charge if it is admitted.
    #[cfg(feature = "redis")]
    pub(crate) fn by_redis(is_admitted: bool, cost: u32, balances: impl Iterator<Item = Balance>) -> Self {
        let books: SmallVec<[Book; 2]> = balances.map(Book::Debt).collect();
        let refusal = books.iter().map(|book| book.verdict(cost)).max();
        let verdict = if is_admitted { Verdict::Allowed } else { refusal.unwrap_or(Verdict::Denied) };
        Self { verdict, cost, books: Books::Exact { unit: Unit::Microseconds, lag: 0, books } }
    }

    /// The same decision, allowed whatever the windows say.
    #[cfg(feature = "redis")]
    pub(crate) fn let_through(self) -> Self {
        Self { verdict: Verdict::Allowed, ..self }
    }

    /// The books to store; none, if the request changes nothing.
    pub(crate) fn to_record(&self) -> Option<&[Book]> {
        match &self.books {
            Books::Exact { books, .. } if self.is_allowed() && self.cost > 0 => Some(books),
            Books::Exact { .. } | Books::Table { .. } => None,
        }
    }

    fn books(&self) -> impl Iterator<Item = Cow<'_, Book>> {
        (0..).map_while(|at| match &self.books {
            Books::Table { counted, debts } => {
                counted.balance(at, *debts).map(|balance| Cow::Owned(Book::Debt(balance)))
            }
            Books::Exact { books, .. } => books.get(at).map(Cow::Borrowed),
        })
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict
    }

    pub(crate) fn cost(&self) -> u32 {
        self.cost
    }

    /// As a table counts it, if one decided.
    pub(crate) fn counted(&self) -> Option<Counted> {
        match self.books {
            Books::Table { counted, .. } => Some(counted),
            Books::Exact { .. } => None,
        }
    }

    fn unit(&self) -> Unit {
        match self.books {
            Books::Table { .. } => Unit::Milliseconds,
            Books::Exact { unit, .. } => unit,
        }
    }

    fn lag(&self) -> u64 {
        match self.books {
            Books::Table { .. } => 0,
            Books::Exact { lag, .. } => lag,
        }
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
    /// It is exact: one millisecond earlier (by Redis, one microsecond) the request would still be refused. `None` if it
    /// was allowed, and if it never fits.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        if self.verdict != Verdict::Denied {
            return None;
        }
        let waits = self.books().filter_map(|book| book.wait(self.cost));
        waits.max().map(|wait| self.unit().time(wait.saturating_add(self.lag())))
    }

    /// Lists how many more requests of cost 1 each window would let through at once, in the plan's order.
    pub fn remaining(&self) -> impl Iterator<Item = u32> {
        self.books().map(|book| book.remaining())
    }

    /// Lists every window as it stands after the request, in the order of `plan`, under which it was decided.
    pub fn windows<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = Standing<'a>> {
        let windows = plan.windows().zip(self.books());
        windows.map(|(window, book)| Standing { window, book, unit: self.unit(), lag: self.lag() })
    }

    /// Lists the windows that had no room; none, if the request was allowed.
    pub fn violated<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = Standing<'a>> {
        self.reported(plan).filter(|_| !self.is_allowed())
    }

    /// The windows an answer lists: all, or after a refusal the violated ones.
    pub(crate) fn reported<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = Standing<'a>> {
        self.windows(plan)
            .filter(|standing| self.is_allowed() || standing.book.verdict(self.cost) > Verdict::Allowed)
    }
}

/// One window as it stands after a request.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    window: &'a Window,
    book: Cow<'a, Book>,
    unit: Unit,
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
        self.book.remaining()
    }

    /// Returns the time over which to spread what remains, so as to spend no faster than the bucket refills.
    ///
    /// This is parameter `t` of the `RateLimit` field, before rounding up to seconds: what remains × period ÷ limit;
    /// when nothing remains, the wait until one request fits.
    #[must_use]
    pub fn effective_window(&self) -> Duration {
        let units = match self.remaining() {
            0 => self.book.wait(1).unwrap_or(0).saturating_add(self.lag),
            remaining => self.book.time_of(remaining),
        };
        self.unit.time(units)
    }

    /// Returns how long until the bucket is full again, if nothing else were charged meanwhile.
    #[must_use]
    pub fn reset(&self) -> Duration {
        let units = match self.book.reset() {
            0 => 0,
            reset => reset.saturating_add(self.lag),
        };
        self.unit.time(units)
    }
}

/// In what a decision counts time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Unit {
    Milliseconds,
    #[cfg(feature = "redis")]
    Microseconds,
}

impl Unit {
    fn time(self, units: u64) -> Duration {
        match self {
            Self::Milliseconds => Duration::from_millis(units),
            #[cfg(feature = "redis")]
            Self::Microseconds => Duration::from_micros(units),
        }
    }
}
