//! Tokens seen before, matched whole.
//!
//! Only genuine tokens are remembered, so a flood of forged ones cannot push anything out. An entry is bound to the
//! key that verified it, not to the key set: a refresh that changes nothing empties nothing.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::{DefaultHashBuilder, HashTable};
use zeroize::Zeroizing;

use super::rules::Judged;
use crate::error::TokenError;
use crate::key::VerifyingKey;
use crate::key::set::Keys;

/// A bounded table in shards, each read under one lock for no longer than the look-up.
#[derive(Debug)]
pub(super) struct Cache {
    shards: Vec<RwLock<Shard>>,
    hasher: DefaultHashBuilder,
}

impl Cache {
    pub(super) fn new(tokens: usize) -> Self {
        let shards = (tokens / LEAST_SHARD).clamp(1, MOST_SHARDS).next_power_of_two().min(MOST_SHARDS);
        let room = tokens.div_ceil(shards);
        let shards = (0..shards).map(|_| RwLock::new(Shard::new(room))).collect();
        Self { shards, hasher: DefaultHashBuilder::default() }
    }

    pub(super) fn find(&self, token: &str) -> Option<Arc<Memo>> {
        let hash = self.hasher.hash_one(token);
        self.shard(hash).read().unwrap_or_else(PoisonError::into_inner).find(hash, token)
    }

    pub(super) fn insert(&self, memo: Memo) {
        let hash = self.hasher.hash_one(memo.token.as_str());
        let replaced =
            self.shard(hash).write().unwrap_or_else(PoisonError::into_inner).insert(hash, Arc::new(memo));
        // Dropped, and so zeroized, outside the lock.
        drop(replaced);
    }

    fn shard(&self, hash: u64) -> &RwLock<Shard> {
        // The table below uses the other end of the hash.
        let at = usize::try_from(hash >> 48).unwrap_or(0) & (self.shards.len() - 1);
        &self.shards[at]
    }
}

/// What is remembered of one token.
pub(super) struct Memo {
    token: Zeroizing<String>,
    trust: usize,
    key: Arc<VerifyingKey>,
    /// The last generation of the key set that was seen to hold the key.
    generation: AtomicU64,
    judged: Result<Judged, TokenError>,
    is_used: AtomicBool,
}

impl Memo {
    pub(super) fn new(
        token: &str,
        trust: usize,
        key: Arc<VerifyingKey>,
        generation: u64,
        judged: Result<Judged, TokenError>,
    ) -> Self {
        let token = Zeroizing::new(token.to_owned());
        Self {
            token,
            trust,
            key,
            generation: AtomicU64::new(generation),
            judged,
            is_used: AtomicBool::new(false),
        }
    }

    pub(super) fn trust(&self) -> usize {
        self.trust
    }

    pub(super) fn key(&self) -> &VerifyingKey {
        &self.key
    }

    pub(super) fn judged(&self) -> Result<&Judged, TokenError> {
        self.judged.as_ref().map_err(|error| *error)
    }

    /// Whether the key that verified the token is still in the set.
    pub(super) fn is_current(&self, keys: &Keys) -> bool {
        if self.generation.load(Ordering::Relaxed) == keys.generation {
            return true;
        }
        let holds = keys.holds(&self.key);
        if holds {
            self.generation.store(keys.generation, Ordering::Relaxed);
        }
        holds
    }

    /// Spares the entry at the next eviction.
    pub(super) fn keep(&self) {
        if !self.is_used.load(Ordering::Relaxed) {
            self.is_used.store(true, Ordering::Relaxed);
        }
    }
}

// By hand, since the token is a secret.
impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Memo");
        shown.field("trust", &self.trust).field("key", &self.key).field("judged", &self.judged);
        shown.finish_non_exhaustive()
    }
}

/// A table of slots, and the hand of a clock that evicts (second chance).
#[derive(Debug)]
struct Shard {
    table: HashTable<usize>,
    slots: Vec<Slot>,
    room: usize,
    hand: usize,
}

impl Shard {
    fn new(room: usize) -> Self {
        Self { table: HashTable::new(), slots: Vec::new(), room, hand: 0 }
    }

    fn find(&self, hash: u64, token: &str) -> Option<Arc<Memo>> {
        let at = self.table.find(hash, |&at| self.slots[at].is(hash, token))?;
        Some(Arc::clone(&self.slots[*at].memo))
    }

    /// Puts the entry in, and gives back the one it replaces.
    fn insert(&mut self, hash: u64, memo: Arc<Memo>) -> Option<Slot> {
        let slots = &self.slots;
        let known = self.table.find(hash, |&at| slots[at].is(hash, &memo.token)).copied();
        let slot = Slot { hash, memo };
        if let Some(at) = known {
            return Some(std::mem::replace(&mut self.slots[at], slot));
        }
        if self.slots.len() < self.room {
            self.slots.push(slot);
            self.index(hash, self.slots.len() - 1);
            return None;
        }
        let at = self.victim();
        let old = std::mem::replace(&mut self.slots[at], slot);
        if let Ok(entry) = self.table.find_entry(old.hash, |&other| other == at) {
            entry.remove();
        }
        self.index(hash, at);
        Some(old)
    }

    fn index(&mut self, hash: u64, at: usize) {
        let slots = &self.slots;
        self.table.insert_unique(hash, at, |&other| slots[other].hash);
    }

    /// The next slot not used since the hand came by; the second round finds one for certain.
    fn victim(&mut self) -> usize {
        loop {
            let at = self.hand;
            self.hand = (self.hand + 1) % self.slots.len();
            if !self.slots[at].memo.is_used.swap(false, Ordering::Relaxed) {
                return at;
            }
        }
    }
}

#[derive(Debug)]
struct Slot {
    hash: u64,
    memo: Arc<Memo>,
}

impl Slot {
    fn is(&self, hash: u64, token: &str) -> bool {
        self.hash == hash && self.memo.token.as_str() == token
    }
}

const MOST_SHARDS: usize = 16;
const LEAST_SHARD: usize = 64;
