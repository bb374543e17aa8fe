//! Tokens seen before, matched whole.
//!
//! Only genuine tokens are remembered, so a flood of forged ones cannot push anything out. An entry is bound to the
//! key that verified it, not to the key set: a refresh that changes nothing empties nothing.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::{DefaultHashBuilder, HashTable};
use zeroize::Zeroizing;

use super::rules::Judged;
use crate::error::TokenError;
use crate::key::VerifyingKey;
use crate::key::set::Keys;
use crate::revocation::Clearance;

/// A bounded table in shards, each read under one lock for no longer than one decision.
#[derive(Debug)]
pub(super) struct Cache {
    shards: Vec<RwLock<Shard>>,
    hasher: DefaultHashBuilder,
    capacity: usize,
    // The bound is on all shards together: tokens do not spread over them evenly.
    count: AtomicUsize,
}

impl Cache {
    pub(super) fn new(capacity: usize) -> Self {
        let shards = (capacity / LEAST_SHARD).clamp(1, MOST_SHARDS).next_power_of_two().min(MOST_SHARDS);
        let shards = (0..shards).map(|_| RwLock::new(Shard::default())).collect();
        Self { shards, hasher: DefaultHashBuilder::default(), capacity, count: AtomicUsize::new(0) }
    }

    /// How many tokens are remembered at most.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Gives what is remembered of the token to `read`.
    pub(super) fn find<T>(&self, token: &[u8], read: impl FnOnce(&Memo) -> Option<T>) -> Option<T> {
        let hash = self.hash(token);
        let shard = self.shard(hash).read().unwrap_or_else(PoisonError::into_inner);
        read(&shard.find(hash, token)?.memo)
    }

    pub(super) fn insert(&self, token: &[u8], memo: Memo) {
        let hash = self.hash(token);
        let slot = Slot::new(hash, token, memo);
        let replaced = {
            let mut shard = self.shard(hash).write().unwrap_or_else(PoisonError::into_inner);
            shard.insert(token, slot, || self.has_room())
        };
        // Dropped, and so zeroized, outside the lock.
        drop(replaced);
    }

    /// Of the signature's end alone, which no two genuine tokens share; whatever has it is compared whole.
    fn hash(&self, token: &[u8]) -> u64 {
        self.hasher.hash_one(&token[token.len().saturating_sub(HASHED)..])
    }

    /// Whether one more fits, which it then does.
    fn has_room(&self) -> bool {
        let more = |count| (count < self.capacity).then_some(count + 1);
        self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn shard(&self, hash: u64) -> &RwLock<Shard> {
        // The table below uses the other end of the hash.
        let at = usize::try_from(hash >> 48).unwrap_or(0) & (self.shards.len() - 1);
        &self.shards[at]
    }
}

/// What is remembered of one token.
#[derive(Debug)]
pub(super) struct Memo {
    trust: usize,
    key: Arc<VerifyingKey>,
    judged: Result<Judged, TokenError>,
    clearance: Clearance,
    is_used: AtomicBool,
}

impl Memo {
    pub(super) fn new(
        trust: usize,
        key: Arc<VerifyingKey>,
        judged: Result<Judged, TokenError>,
        clearance: Clearance,
    ) -> Self {
        Self { trust, key, judged, clearance, is_used: AtomicBool::new(false) }
    }

    pub(super) fn trust(&self) -> usize {
        self.trust
    }

    /// The key that verified the token, if it is still one of these.
    pub(super) fn key_among(&self, keys: &Keys) -> Option<&VerifyingKey> {
        keys.holds(&self.key).then_some(&*self.key)
    }

    pub(super) fn judged(&self) -> Result<&Judged, TokenError> {
        self.judged.as_ref().map_err(|error| *error)
    }

    pub(super) fn clearance(&self) -> &Clearance {
        &self.clearance
    }

    /// Spares the entry at the next eviction.
    pub(super) fn keep(&self) {
        if !self.is_used.load(Ordering::Relaxed) {
            self.is_used.store(true, Ordering::Relaxed);
        }
    }
}

/// A table of slots, and the hand of a clock that evicts (second chance).
#[derive(Debug, Default)]
struct Shard {
    table: HashTable<Box<Slot>>,
    hand: usize,
}

impl Shard {
    fn find(&self, hash: u64, token: &[u8]) -> Option<&Slot> {
        self.table.find(hash, |slot| slot.is(hash, token)).map(Box::as_ref)
    }

    /// Puts the slot in, and gives back the one it replaces: its own former one, or the victim if there is no room.
    fn insert(
        &mut self,
        token: &[u8],
        slot: Box<Slot>,
        has_room: impl FnOnce() -> bool,
    ) -> Option<Box<Slot>> {
        let hash = slot.hash;
        if let Some(known) = self.table.find_mut(hash, |known| known.is(hash, token)) {
            return Some(std::mem::replace(known, slot));
        }
        let mut victim = None;
        if !has_room() {
            // Without a victim the slot itself is the one that goes.
            let Some(slot) = self.evict() else { return Some(slot) };
            victim = Some(slot);
        }
        self.table.insert_unique(hash, slot, |slot| slot.hash);
        victim
    }

    /// Takes out the next slot not used since the hand came by; the second round finds one for certain, if there are any.
    fn evict(&mut self) -> Option<Box<Slot>> {
        while !self.table.is_empty() {
            let at = self.hand % self.table.num_buckets();
            self.hand = at + 1;
            if let Ok(slot) = self.table.get_bucket_entry(at)
                && !slot.get().memo.is_used.swap(false, Ordering::Relaxed)
            {
                return Some(slot.remove().0);
            }
        }
        None
    }
}

/// One token in one piece of memory, so that a hit waits for it once: where many are in use no cache holds it.
struct Slot {
    hash: u64,
    length: usize,
    near: Zeroizing<[u8; NEAR]>,
    /// What of the token is beyond.
    far: Zeroizing<Box<[u8]>>,
    memo: Memo,
}

impl Slot {
    fn new(hash: u64, token: &[u8], memo: Memo) -> Box<Self> {
        let (near, far) = token.split_at(token.len().min(NEAR));
        let (length, far) = (near.len(), Zeroizing::new(far.into()));
        let mut slot = Box::new(Self { hash, length, near: Zeroizing::new([0; NEAR]), far, memo });
        // In its place, so that no copy of the token stays behind.
        slot.near[..length].copy_from_slice(near);
        slot
    }

    fn is(&self, hash: u64, token: &[u8]) -> bool {
        let is_same = |(near, far): (&[u8], &[u8])| self.near[..self.length] == *near && **self.far == *far;
        self.hash == hash && token.split_at_checked(self.length).is_some_and(is_same)
    }
}

// By hand, since the token is a secret.
impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("memo", &self.memo).finish_non_exhaustive()
    }
}

/// Characters of a signature of 32 bytes; none is shorter.
const HASHED: usize = 43;
/// Most tokens under HS256, ES256 and EdDSA are shorter.
const NEAR: usize = 512;
const MOST_SHARDS: usize = 16;
const LEAST_SHARD: usize = 64;

#[cfg(test)]
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod tests {
    use super::*;
    use crate::key::Algorithm;

    fn memo() -> Memo {
        let key = VerifyingKey::from_secret("k1", Algorithm::Hs256, &[7; 32]).unwrap();
        Memo::new(0, Arc::new(key), Err(TokenError::Expired), Clearance::default())
    }

    #[test]
    fn what_was_used_since_the_hand_came_by_is_spared() {
        let mut shard = Shard::default();
        let hash = |at: u64| at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let insert = |shard: &mut Shard, at: u64, has_room| {
            let token = at.to_le_bytes();
            shard.insert(&token, Slot::new(hash(at), &token, memo()), || has_room).map(|slot| slot.hash)
        };
        let is_there = |shard: &Shard, at: u64| shard.find(hash(at), &at.to_le_bytes()).is_some();
        assert_eq!(insert(&mut shard, 0, false), Some(hash(0)), "nothing is there to give way");
        assert!(!is_there(&shard, 0));
        for at in 0..8 {
            assert_eq!(insert(&mut shard, at, true), None);
        }
        for newcomer in 100..132 {
            for at in 0..4 {
                shard.find(hash(at), &at.to_le_bytes()).unwrap().memo.keep();
            }
            let gone = insert(&mut shard, newcomer, false).unwrap();
            assert!((0..4).all(|at| hash(at) != gone), "{newcomer}");
        }
        assert_eq!(shard.table.len(), 8);
        assert_eq!((100..132).filter(|at| is_there(&shard, *at)).count(), 4);
    }

    #[test]
    fn a_token_is_matched_whole_however_long_it_is() {
        for length in [1, NEAR - 1, NEAR, NEAR + 1, 2 * NEAR] {
            let token = vec![b'a'; length];
            let slot = Slot::new(7, &token, memo());
            assert!(slot.is(7, &token), "{length}");
            assert!(!slot.is(8, &token), "{length}");
            // The same hash for all: equality must not rest on it.
            let cut = &token[..length - 1];
            let longer = [token.as_slice(), b"a"].concat();
            let zero = [token.as_slice(), b"\0"].concat();
            assert_eq!([cut, &longer, &zero, b""].map(|other| slot.is(7, other)), [false; 4], "{length}");
            for at in 0..length {
                let mut other = token.clone();
                other[at] = b'b';
                assert!(!slot.is(7, &other), "{length}, {at}");
            }
        }
    }

    #[test]
    fn as_many_tokens_as_were_asked_for_are_remembered_however_they_spread() {
        for capacity in [1, 63, 64, 1_000, 5_000] {
            let cache = Cache::new(capacity);
            let held = |from: usize, to: usize| {
                (from..to)
                    .filter(|at| cache.find(format!("token-{at}").as_bytes(), |_| Some(())).is_some())
                    .count()
            };
            let insert = |from: usize, to: usize| {
                for at in from..to {
                    cache.insert(format!("token-{at}").as_bytes(), memo());
                }
            };
            insert(0, capacity);
            insert(0, capacity);
            assert_eq!(held(0, capacity), capacity, "{capacity}");
            insert(capacity, 3 * capacity);
            assert_eq!(held(0, 3 * capacity), capacity, "{capacity}");
        }
    }
}
