//! Refusals that are known to hold for a while, so that Redis need not be asked again.
//!
//! What a key owes only grows by what is admitted, so nothing that is refused now is admitted before its wait is over.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::quota::Debts;

/// Refusals by mark of key, plan and cost; times are this node's own, in microseconds.
#[derive(Debug)]
pub(super) struct Denials {
    shards: Box<[Mutex<Shard>]>,
    /// The most that one shard keeps.
    most: usize,
}

/// One refusal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Denial {
    /// What was owed when Redis answered.
    pub(super) debts: Debts,
    /// When the answer came: whoever waits from then on is not early.
    pub(super) answered: u64,
    /// When the request may fit: the wait as counted from when Redis was asked, so that it ends early rather than late.
    pub(super) until: u64,
}

#[derive(Debug)]
struct Shard {
    denials: HashMap<u64, Denial>,
    /// Nothing ends before this.
    soonest: u64,
}

impl Denials {
    /// Makes room for at most so many, and for at least one a shard.
    pub(super) fn new(most: usize) -> Self {
        let shard = || Mutex::new(Shard { denials: HashMap::new(), soonest: u64::MAX });
        Self { shards: (0..SHARDS).map(|_| shard()).collect(), most: (most / SHARDS).max(1) }
    }

    /// What is owed at `now`, if the refusal still holds.
    pub(super) fn debts(&self, mark: u64, now: u64) -> Option<Debts> {
        let shard = self.shard(mark);
        let denial = shard.denials.get(&mark).filter(|denial| now < denial.until)?;
        let passed = now.saturating_sub(denial.answered);
        Some(denial.debts.iter().map(|debt| debt.saturating_sub(passed)).collect())
    }

    /// Keeps a refusal; when there is no room, those that have ended give way, and if none has, it is not kept.
    pub(super) fn keep(&self, mark: u64, denial: Denial, now: u64) {
        let mut shard = self.shard(mark);
        if shard.denials.len() >= self.most && !shard.denials.contains_key(&mark) {
            shard.forget_ended(now);
            if shard.denials.len() >= self.most {
                return;
            }
        }
        shard.soonest = shard.soonest.min(denial.until);
        shard.denials.insert(mark, denial);
    }

    fn shard(&self, mark: u64) -> MutexGuard<'_, Shard> {
        let [.., top] = mark.to_le_bytes();
        self.shards[usize::from(top) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn forget_ended(&mut self, now: u64) {
        if self.soonest > now {
            return;
        }
        self.denials.retain(|_, denial| denial.until > now);
        self.soonest = self.denials.values().map(|denial| denial.until).min().unwrap_or(u64::MAX);
    }
}

const SHARDS: usize = 64;

#[cfg(test)]
mod tests;
