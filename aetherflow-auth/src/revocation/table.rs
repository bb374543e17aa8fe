use std::hash::BuildHasher;
use std::sync::PoisonError;

use hashbrown::HashTable;

use super::name::Packed;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{DefaultHashBuilder, RwLock, RwLockWriteGuard};

/// The revocations of one kind, each with the second it ends; ends only grow.
///
/// A reader takes one read lock of one shard, and none while the table is empty. The locks are never poisoned in
/// earnest: each critical section is one call of the map.
pub(super) struct Table {
    shards: Box<[Shard]>,
    count: AtomicUsize,
    hasher: DefaultHashBuilder,
}

impl Table {
    pub(super) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Shard::default()).collect();
        Self { shards, count: AtomicUsize::new(0), hasher: DefaultHashBuilder::default() }
    }

    /// When the entry of that name ends, if there is one.
    pub(super) fn end_of(&self, parts: &[&str]) -> Option<i64> {
        if self.len() == 0 {
            return None;
        }
        let hash = self.hasher.hash_one(parts);
        let shard = self.shard(hash).0.read().unwrap_or_else(PoisonError::into_inner);
        shard.find(hash, |entry| entry.hash == hash && entry.name.is(parts)).map(|entry| entry.end)
    }

    /// Lets the entry last at least until `end`, and says whether that is later than before.
    pub(super) fn raise(&self, parts: &[&str], end: i64) -> bool {
        let hash = self.hasher.hash_one(parts);
        let mut shard = self.shard(hash).write();
        if let Some(known) = shard.find_mut(hash, |entry| entry.hash == hash && entry.name.is(parts)) {
            let is_later = end > known.end;
            known.end = known.end.max(end);
            return is_later;
        }
        // Before the entry is there: whoever reads a count of none finds no entry missing.
        self.count.fetch_add(1, Ordering::Release);
        let entry = Entry { hash, end, name: Packed::new(parts.iter().copied()) };
        shard.insert_unique(hash, entry, |entry| entry.hash);
        true
    }

    /// Forgets what has ended by `now`, and gives how many that were.
    pub(super) fn forget(&self, now: i64) -> usize {
        let mut forgotten = 0;
        for shard in &self.shards {
            let mut shard = shard.write();
            let before = shard.len();
            shard.retain(|entry| entry.end > now);
            let gone = before - shard.len();
            self.count.fetch_sub(gone, Ordering::Release);
            forgotten += gone;
        }
        forgotten
    }

    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Calls `visit` with each entry; one shard's lock is held at a time.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&Packed, i64)) {
        for shard in &self.shards {
            let shard = shard.0.read().unwrap_or_else(PoisonError::into_inner);
            shard.iter().for_each(|entry| visit(&entry.name, entry.end));
        }
    }

    fn shard(&self, hash: u64) -> &Shard {
        // The tables use the lowest and the highest bits themselves.
        &self.shards[usize::try_from(hash >> 40).unwrap_or(0) % SHARDS]
    }
}

/// On cache lines of its own, so that readers of two shards do not slow each other.
#[derive(Default)]
#[repr(align(64))]
struct Shard(RwLock<HashTable<Entry>>);

impl Shard {
    fn write(&self) -> RwLockWriteGuard<'_, HashTable<Entry>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Entry {
    hash: u64,
    end: i64,
    name: Packed,
}

const SHARDS: usize = 64;
