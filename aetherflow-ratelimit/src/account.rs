//! What one key owes, window by window.

use smallvec::SmallVec;

use crate::gcra::{Balance, Bucket};
use crate::tick::Tick;

/// The debts of a key as they stood at one moment.
///
/// A window is known by its period, so that a key keeps its debts whatever plan the next request comes under.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Account {
    // Invariant: periods differ, and no debt is zero. A tick before `since` reads as `since`.
    since: Tick,
    debts: SmallVec<[Debt; 2]>,
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

    /// What is owed in `bucket` at `now`.
    pub(crate) fn balance(&self, bucket: Bucket, now: Tick) -> Balance {
        let elapsed = now.since(self.since);
        let known = self.debts.iter().find(|debt| debt.bucket.period() == bucket.period());
        let debt = known.map_or(0, |debt| bucket.converted(debt.drained(elapsed), debt.bucket));
        Balance { bucket, debt }
    }

    /// Stores the balances of an admitted request.
    ///
    /// Debts in windows of other plans stay, as long as they last: leaving a plan for one request must not clear them.
    pub(crate) fn record(&mut self, balances: &[Balance], now: Tick) {
        self.settle(now);
        for &Balance { bucket, debt } in balances {
            self.owe(bucket, debt);
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
    }

    /// The first moment at which nothing is owed.
    pub(crate) fn full_at(&self) -> Tick {
        let wait = self.debts.iter().map(|debt| debt.bucket.time_to_drain(debt.owed)).max().unwrap_or(0);
        Tick::from_millis(self.since.as_millis().saturating_add(wait))
    }

    fn settle(&mut self, now: Tick) {
        let moment = self.moment(now);
        let elapsed = moment.since(self.since);
        self.since = moment;
        self.debts.retain(|debt| {
            debt.owed = debt.drained(elapsed);
            debt.owed > 0
        });
    }

    fn owe(&mut self, bucket: Bucket, owed: u64) {
        match self.debts.iter_mut().find(|debt| debt.bucket.period() == bucket.period()) {
            Some(debt) => *debt = Debt { bucket, owed },
            None if owed > 0 => self.debts.push(Debt { bucket, owed }),
            None => {}
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
