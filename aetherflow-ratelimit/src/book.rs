//! What is held of a key for one window, in the window's own form.

use crate::gcra::{Balance, Bucket};
use crate::strict::Log;

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Book {
    Debt(Balance),
    Log(Log),
}

/// What one window says, or all of a plan: the worst of theirs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Verdict {
    Allowed,
    Denied,
    NeverFits,
}

/// Charges `cost` to every book, or, if any has no room, to none.
///
/// A refusal leaves the books bit for bit as they were: one that added debt would let anyone who shares a key keep its
/// owner out for ever.
pub(crate) fn decide(books: &mut [Book], cost: u32) -> Verdict {
    let verdict = books.iter().map(|book| book.verdict(cost)).max().unwrap_or(Verdict::Allowed);
    if verdict == Verdict::Allowed {
        books.iter_mut().for_each(|book| book.charge(cost));
    }
    verdict
}

impl Book {
    pub(crate) fn verdict(&self, cost: u32) -> Verdict {
        match self.wait(cost) {
            Some(0) => Verdict::Allowed,
            Some(_) => Verdict::Denied,
            None => Verdict::NeverFits,
        }
    }

    /// Units of time until a request of `cost` fits; `None` if it never does.
    pub(crate) fn wait(&self, cost: u32) -> Option<u64> {
        match self {
            Self::Debt(balance) => balance.bucket.wait(balance.debt, cost),
            Self::Log(log) => log.wait(cost),
        }
    }

    /// Whole requests that would fit at once.
    pub(crate) fn remaining(&self) -> u32 {
        match self {
            Self::Debt(balance) => balance.bucket.remaining(balance.debt),
            Self::Log(log) => log.limit().saturating_sub(u32::try_from(log.used()).unwrap_or(u32::MAX)),
        }
    }

    /// Units of time until nothing is owed.
    pub(crate) fn reset(&self) -> u64 {
        match self {
            Self::Debt(balance) => balance.bucket.time_to_drain(balance.debt),
            Self::Log(log) => log.reset(),
        }
    }

    /// Units of time, rounded up, over which the window lets so many requests through.
    pub(crate) fn time_of(&self, requests: u32) -> u64 {
        match self {
            Self::Debt(balance) => balance.bucket.time_of(requests),
            Self::Log(log) => (u128::from(requests) * u128::from(log.period()))
                .div_ceil(u128::from(log.limit()))
                .try_into()
                .unwrap_or(u64::MAX),
        }
    }

    /// The window as a bucket, whatever its form.
    pub(crate) fn bucket(&self) -> Option<Bucket> {
        match self {
            Self::Debt(balance) => Some(balance.bucket),
            Self::Log(log) => Bucket::new(log.limit(), log.period()),
        }
    }

    fn charge(&mut self, cost: u32) {
        match self {
            Self::Debt(balance) => balance.charge(cost),
            Self::Log(log) => log.charge(cost),
        }
    }
}

#[cfg(test)]
mod tests;
