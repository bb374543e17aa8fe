//! What one key owes, window by window.

use smallvec::SmallVec;

use crate::book::{self, Book, Verdict};
use crate::decision::Decision;
use crate::gcra::{Balance, Bucket};
use crate::plan::Window;
use crate::strict::Log;
use crate::tick::Tick;

/// The debts of a key as they stood at one moment.
///
/// A window is known by its period, so that a key keeps its debts whatever plan the next request comes under.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Account {
    // Invariant: periods differ, and no debt is zero. A tick before `since` reads as `since`.
    since: Tick,
    debts: SmallVec<[Debt; 2]>,
    /// Of strict windows, in which something counts.
    logs: Vec<Log>,
    /// What was given back, as debts in buckets of their own.
    refunds: Option<Box<Account>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Debt {
    bucket: Bucket,
    owed: u64,
}

impl Account {
    /// The moment at which `now` is read: time never goes back for a key.
    pub(crate) fn moment(&self, now: Tick) -> Tick {
        now.max(self.since)
    }

    /// What is held for a window at `now`.
    pub(crate) fn book(&self, window: &Window, now: Tick) -> Book {
        if window.is_strict() {
            Book::Log(self.log(window, now))
        } else {
            Book::Debt(self.balance(window.bucket(), now))
        }
    }

    fn balance(&self, bucket: Bucket, now: Tick) -> Balance {
        let elapsed = now.since(self.since);
        let known = self.debts.iter().find(|debt| debt.bucket.period() == bucket.period());
        let debt = known.map_or(0, |debt| bucket.converted(debt.drained(elapsed), debt.bucket));
        Balance { bucket, debt }
    }

    fn log(&self, window: &Window, now: Tick) -> Log {
        let period = window.bucket().period();
        let known = self.logs.iter().find(|log| log.period() == period).cloned();
        known.unwrap_or_else(|| Log::new(window.limit(), period)).at(window.limit(), now.as_millis())
    }

    /// Stores the books of an admitted request.
    ///
    /// What is owed in windows of other plans stays, as long as it lasts: leaving a plan for one request must not clear it.
    pub(crate) fn record(&mut self, books: &[Book], now: Tick) {
        self.settle(now);
        for book in books {
            match book {
                Book::Debt(Balance { bucket, debt }) => self.owe(*bucket, *debt),
                Book::Log(log) => self.keep(log),
            }
        }
    }

    /// Gives the request back that was decided `then`, if there is room left among the refunds.
    pub(crate) fn refund(&mut self, decision: &Decision, then: Tick, now: Tick) -> bool {
        self.settle(now);
        let is_paid = self.debts.is_empty() && self.logs.is_empty();
        let Some(books) = decision.to_record().filter(|_| !is_paid) else { return false };
        let refunds = self.refunds.get_or_insert_default();
        let moment = refunds.moment(now);
        let shares =
            books.iter().map(|book| Some(Book::Debt(refunds.balance(book.bucket()?.twentieth()?, moment))));
        let Some(mut shares) = shares.collect::<Option<SmallVec<[_; 2]>>>() else { return false };
        if book::decide(&mut shares, decision.cost()) != Verdict::Allowed {
            return false;
        }
        refunds.record(&shares, moment);
        books.iter().for_each(|book| self.give_back(book, decision.cost(), then));
        true
    }

    fn give_back(&mut self, book: &Book, cost: u32, then: Tick) {
        match book {
            Book::Debt(Balance { bucket, .. }) => {
                let debt = self.debts.iter_mut().find(|debt| debt.bucket.period() == bucket.period());
                if let Some(debt) = debt {
                    debt.owed = debt.owed.saturating_sub(debt.bucket.part(cost, *bucket));
                }
            }
            Book::Log(given) => {
                if let Some(log) = self.logs.iter_mut().find(|log| log.period() == given.period()) {
                    log.refund(cost, then.as_millis());
                }
            }
        }
    }

    /// Takes over what `other` owes at `now`, wherever that is more.
    pub(crate) fn raise(&mut self, other: &Self, now: Tick) {
        self.settle(other.moment(now));
        let elapsed = self.since.since(other.since);
        for debt in &other.debts {
            let owed = debt.drained(elapsed);
            let mine = self.debts.iter().find(|mine| mine.bucket.period() == debt.bucket.period());
            if mine.is_none_or(|mine| debt.bucket.owes_more(owed, mine.bucket, mine.owed)) {
                self.owe(debt.bucket, owed);
            }
        }
        if let Some(refunds) = &other.refunds {
            self.refunds.get_or_insert_default().raise(refunds, now);
        }
        for log in &other.logs {
            match self.logs.iter_mut().find(|mine| mine.period() == log.period()) {
                Some(mine) => mine.raise(log),
                None => self.logs.push(log.clone()),
            }
        }
    }

    /// The first moment at which nothing is owed.
    pub(crate) fn full_at(&self) -> Tick {
        let wait = self.debts.iter().map(|debt| debt.bucket.time_to_drain(debt.owed)).max().unwrap_or(0);
        let paid = self.since.as_millis().saturating_add(wait);
        let own = Tick::from_millis(self.logs.iter().map(Log::empty_at).fold(paid, u64::max));
        self.refunds.as_ref().map_or(own, |refunds| own.max(refunds.full_at()))
    }

    fn settle(&mut self, now: Tick) {
        let moment = self.moment(now);
        let elapsed = moment.since(self.since);
        self.since = moment;
        self.debts.retain(|debt| {
            debt.owed = debt.drained(elapsed);
            debt.owed > 0
        });
        self.logs.retain_mut(|log| {
            log.advance(moment.as_millis());
            log.used() > 0
        });
    }

    fn owe(&mut self, bucket: Bucket, owed: u64) {
        match self.debts.iter_mut().find(|debt| debt.bucket.period() == bucket.period()) {
            Some(debt) => *debt = Debt { bucket, owed },
            None if owed > 0 => self.debts.push(Debt { bucket, owed }),
            None => {}
        }
    }

    fn keep(&mut self, log: &Log) {
        match self.logs.iter_mut().find(|known| known.period() == log.period()) {
            Some(known) => known.clone_from(log),
            None => self.logs.push(log.clone()),
        }
    }
}

impl Debt {
    fn drained(&self, elapsed: u64) -> u64 {
        self.bucket.drained(self.owed, elapsed)
    }
}

#[cfg(test)]
mod tests;
