//! The engine that keeps every key whole: sharded, locked, bounded.

use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(feature = "redis")]
use crate::book::Book;
use crate::decision::Decision;
use crate::key::Key;
use crate::permit::Permit;
use crate::plan::Plan;
use crate::shard::Shard;
use crate::tick::Tick;

/// Keys spread over locked shards by their fingerprints.
#[derive(Debug)]
pub(crate) struct Exact {
    // Invariant: the number of shards is a power of two, at most 256.
    shards: Box<[Mutex<Shard>]>,
}

impl Exact {
    pub(crate) fn new(max_keys: usize) -> Self {
        let count = 1 << (max_keys / LEAST_IN_SHARD).clamp(1, MOST_SHARDS).ilog2();
        let capacity = (max_keys / count).max(1);
        let shards = (0..count).map(|_| Mutex::new(Shard::new(capacity))).collect();
        Self { shards }
    }

    #[inline(never)]
    pub(crate) fn check(&self, hash: u64, key: &Key<'_>, plan: &Plan, cost: u32, now: Tick) -> Decision {
        self.shard(hash).check(hash, key, plan, cost, now)
    }

    pub(crate) fn peek(&self, hash: u64, key: &Key<'_>, plan: &Plan, cost: u32, now: Tick) -> Decision {
        self.shard(hash).peek(hash, key, plan, cost, now)
    }

    pub(crate) fn refund(&self, hash: u64, key: &Key<'_>, permit: &Permit, now: Tick) -> bool {
        self.shard(hash).refund(hash, key, permit, now)
    }

    /// Takes over what a key owes, as somebody else counted it.
    #[cfg(feature = "redis")]
    pub(crate) fn learn(&self, hash: u64, key: &Key<'_>, books: &[Book], now: Tick) {
        self.shard(hash).learn(hash, key, books, now);
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    pub(crate) fn replaced(&self) -> u64 {
        self.shards.iter().map(|shard| lock(shard).replaced()).sum()
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        // The low bits choose the place within a shard's table and the top seven mark it: these are neither.
        let [_, _, _, _, middle, ..] = hash.to_le_bytes();
        lock(&self.shards[usize::from(middle) & (self.shards.len() - 1)])
    }
}

/// A panic under the lock must not refuse every request after it: the worst it leaves is a key charged too much.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

const MOST_SHARDS: usize = 64;

/// Large enough that, at 1.6 slots a live key, a shard by chance over-full is one in many millions.
const LEAST_IN_SHARD: usize = 256;
