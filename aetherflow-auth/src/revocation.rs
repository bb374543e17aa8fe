//! Revocation, effective at the next request.
//!
//! What is revoked is an identifier of an issuer, never a token's bytes: the same token in another spelling is
//! revoked with it.

use std::hash::BuildHasher;
use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, Utc};
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::Principal;

/// What is revoked in this process; a reader takes one sharded read lock.
///
/// # Examples
///
/// ```
/// use aetherflow_auth::revocation::Revocations;
/// use chrono::{TimeDelta, Utc};
///
/// let (revocations, now) = (Revocations::new(), Utc::now());
/// revocations.revoke_token("https://auth.example", "token-1", now + TimeDelta::days(90));
/// assert_eq!(revocations.len(), 1);
/// assert_eq!(revocations.forget_expired_at(now + TimeDelta::days(90)), 1);
/// ```
#[derive(Debug)]
pub struct Revocations {
    shards: [RwLock<HashTable<Entry>>; SHARDS],
    hasher: DefaultHashBuilder,
}

impl Revocations {
    /// Begins with nothing revoked.
    #[must_use]
    pub fn new() -> Self {
        let shards = std::array::from_fn(|_| RwLock::new(HashTable::new()));
        Self { shards, hasher: DefaultHashBuilder::default() }
    }

    /// Revokes one token of an issuer by its `jti`; `until` is the token's expiry.
    pub fn revoke_token(&self, issuer: &str, id: &str, until: DateTime<Utc>) {
        let hash = self.hash(issuer, id);
        let mut shard = self.shard(hash).write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shard.find_mut(hash, |entry| entry.is(issuer, id)) {
            known.until = known.until.max(until);
            return;
        }
        let entry = Entry { hash, issuer: issuer.into(), id: id.into(), until };
        shard.insert_unique(hash, entry, |entry| entry.hash);
    }

    /// Whether the principal's credential is revoked.
    #[must_use]
    pub fn contains(&self, principal: &Principal) -> bool {
        let (issuer, id) = (principal.identity().issuer(), principal.credential_id());
        let hash = self.hash(issuer, id);
        let shard = self.shard(hash).read().unwrap_or_else(PoisonError::into_inner);
        shard.find(hash, |entry| entry.is(issuer, id)).is_some()
    }

    /// Forgets what has expired by `now`, and gives how many that were.
    pub fn forget_expired_at(&self, now: DateTime<Utc>) -> usize {
        let mut forgotten = 0;
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            let before = shard.len();
            shard.retain(|entry| entry.until > now);
            forgotten += before - shard.len();
        }
        forgotten
    }

    /// How many entries are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// Whether nothing is revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn hash(&self, issuer: &str, id: &str) -> u64 {
        self.hasher.hash_one((issuer, id))
    }

    fn shard(&self, hash: u64) -> &RwLock<HashTable<Entry>> {
        let at = usize::try_from(hash >> 48).unwrap_or(0) % SHARDS;
        &self.shards[at]
    }
}

impl Default for Revocations {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    issuer: Box<str>,
    id: Box<str>,
    until: DateTime<Utc>,
}

impl Entry {
    fn is(&self, issuer: &str, id: &str) -> bool {
        *self.id == *id && *self.issuer == *issuer
    }
}

const SHARDS: usize = 16;
