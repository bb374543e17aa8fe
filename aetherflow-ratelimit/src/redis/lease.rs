//! Requests paid for in advance, and what of them may still be served.
//!
//! A node that buys n requests has them charged at once and serves them later. A charge drains from then on, as every debt
//! does; if what is held did not, the node could serve n requests long after their debt is gone, on top of a full bucket.
//! So what is held decays as fast as the bucket refills: at time e after the purchase was sent, at most n − ⌈e ÷ pace⌉
//! requests may be held, pace being what one request takes in the fastest window.
//!
//! Then no key passes its envelope by the time of service. Take the requests that all nodes serve between u and t. Each is
//! bought after u, or held at u. Of the purchases of which something is held at u let s be the first's time: those of it
//! that are held are at most what it bought less what drains from s to u. The debt at t is at least everything bought from s
//! on, less what drains from s to t: at least what is served from u on, less what drains from u to t. It is at most the
//! bucket.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::quota::Debts;

/// Leases by mark of key, plan and cost; times are this node's own, in microseconds.
#[derive(Debug)]
pub(super) struct Leases {
    shards: Box<[Mutex<HashMap<u64, Lease>>]>,
    /// The most that one shard keeps.
    most: usize,
}

/// What was bought at once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Lease {
    /// When Redis was asked: not later than the charge.
    pub(super) sent: u64,
    /// Requests charged then, those served at once included.
    pub(super) bought: u32,
    /// Requests that may be served, but for what has decayed.
    pub(super) held: u32,
    /// Microseconds in which the fastest window pays one request back.
    pub(super) pace: u64,
    /// What is owed with all of it charged.
    pub(super) debts: Debts,
}

/// What a lease gave: so many requests, after which so many are held and so much is owed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Taken {
    pub(super) count: u32,
    pub(super) left: u32,
    pub(super) debts: Debts,
}

impl Leases {
    /// Makes room for at most so many, and for at least one a shard.
    pub(super) fn new(most: usize) -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), most: (most / SHARDS).max(1) }
    }

    /// Takes up to `wanted` requests of what is held.
    pub(super) fn take(&self, mark: u64, wanted: u32, now: u64) -> Option<Taken> {
        let mut shard = self.shard(mark);
        let lease = shard.get_mut(&mark)?;
        let held = lease.held_at(now);
        let count = wanted.min(held);
        lease.held = held - count;
        let passed = now.saturating_sub(lease.sent);
        let debts = lease.debts.iter().map(|debt| debt.saturating_sub(passed)).collect();
        (count > 0).then_some(Taken { count, left: lease.held, debts })
    }

    /// How many requests to buy for a key that comes again, at most `most`: twice as many as the last time if those were
    /// spent before they had decayed, half as many otherwise. One for a key that does not come again soon.
    pub(super) fn appetite(&self, mark: u64, most: u32, now: u64) -> u32 {
        let shard = self.shard(mark);
        let Some(last) = shard.get(&mark) else { return 1 };
        let next = if last.ends() > now { last.bought.saturating_mul(2) } else { last.bought / 2 };
        next.clamp(1, most.max(1))
    }

    /// Keeps what was bought. Without room, leases that have decayed give way; one that holds nothing is then not kept.
    pub(super) fn keep(&self, mark: u64, lease: Lease, now: u64) {
        let mut shard = self.shard(mark);
        if shard.len() >= self.most && !shard.contains_key(&mark) {
            shard.retain(|_, lease| lease.ends() > now);
        }
        // What is held is paid for. It is bought only for a mark that is kept, so that few ever come on top.
        if shard.len() < self.most || shard.contains_key(&mark) || lease.held > 0 {
            shard.insert(mark, lease);
        }
    }

    fn shard(&self, mark: u64) -> MutexGuard<'_, HashMap<u64, Lease>> {
        let [.., top] = mark.to_le_bytes();
        self.shards[usize::from(top) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    fn held_at(&self, now: u64) -> u32 {
        let decayed = now.saturating_sub(self.sent).div_ceil(self.pace.max(1));
        let most = u64::from(self.bought).saturating_sub(decayed);
        self.held.min(u32::try_from(most).unwrap_or(u32::MAX))
    }

    /// When all of it has decayed.
    fn ends(&self) -> u64 {
        self.sent.saturating_add(self.pace.saturating_mul(u64::from(self.bought)))
    }
}

const SHARDS: usize = 64;

#[cfg(test)]
mod tests;
