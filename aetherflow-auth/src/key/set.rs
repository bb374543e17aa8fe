use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};

use super::algorithm::Algorithm;
use super::jwk;
use super::unknown::Unknown;
use super::verifying::VerifyingKey;
use crate::environment::Environment;
use crate::error::{ConfigError, TokenError};
use crate::familiar::Familiar;

/// The keys of one issuer in one environment, swapped as a whole while requests go on.
///
/// Clones share the keys: what [`replace`](Self::replace) puts in, every verifier that holds the set uses at its
/// next request.
#[derive(Clone, Debug)]
pub struct KeySet {
    issuer: Arc<str>,
    environment: Environment,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    current: ArcSwap<Keys>,
    unknown: OnceLock<Unknown>,
}

impl KeySet {
    /// Says for which issuer and environment the keys speak.
    ///
    /// # Errors
    ///
    /// [`ConfigError::EmptyName`] without an issuer, [`ConfigError::DuplicateKeyId`] if two keys share an id,
    /// [`ConfigError::MixedKeySet`] if shared secrets and public keys are mixed.
    pub fn new(
        issuer: &str,
        environment: Environment,
        keys: impl IntoIterator<Item = VerifyingKey>,
    ) -> Result<Self, ConfigError> {
        if issuer.is_empty() {
            return Err(ConfigError::EmptyName);
        }
        let all: Vec<_> = checked(keys)?.into_iter().map(Arc::new).collect();
        let keys = Keys::new(0, all.len(), all, DateTime::<Utc>::MAX_UTC);
        let shared = Shared { current: ArcSwap::from_pointee(keys), unknown: OnceLock::new() };
        Ok(Self { issuer: issuer.into(), environment, shared: Arc::new(shared) })
    }

    /// Reads a JWKS (RFC 7517 §5): the good keys, and why each other one was refused.
    ///
    /// # Errors
    ///
    /// [`ConfigError::MalformedJwk`] if the text is no JWKS at all.
    pub fn read_jwks(text: &str) -> Result<(Vec<VerifyingKey>, Vec<RefusedKey>), ConfigError> {
        let (mut good, mut refused) = (Vec::new(), Vec::new());
        for (position, text) in jwk::read_set(text)?.into_iter().enumerate() {
            match VerifyingKey::from_jwk(text) {
                Ok(key) => good.push(key),
                Err(error) => refused.push(RefusedKey { position, error }),
            }
        }
        Ok((good, refused))
    }

    /// Swaps all keys at once. A key that stays keeps what was cached under it.
    ///
    /// Keys that a [`JwksRefresh`](super::JwksRefresh) fetched stay beside them, but for those whose id is now given
    /// to another, and none stays beside shared secrets.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new); the keys then stay as they were.
    pub fn replace(&self, keys: impl IntoIterator<Item = VerifyingKey>) -> Result<(), ConfigError> {
        let keys = checked(keys)?;
        let shared: Vec<Arc<VerifyingKey>> = keys.into_iter().map(Arc::new).collect();
        self.shared.current.rcu(|old| old.with_own(&shared));
        Ok(())
    }

    /// The public keys as a JWKS; shared secrets are left out.
    #[must_use]
    pub fn to_jwks(&self) -> String {
        let keys: Vec<String> =
            self.shared.current.load().all.iter().filter_map(|key| jwk::write(key)).collect();
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
    }

    /// The issuer the keys speak for.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The environment the keys speak for.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// How often the keys were replaced.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.shared.current.load().generation
    }

    pub(crate) fn shared_issuer(&self) -> &Arc<str> {
        &self.issuer
    }

    /// The keys that count at `now`: fetched ones whose time is over are dropped by the first request that meets
    /// them, so that the limit holds even if nothing refreshes the set any more.
    pub(crate) fn current_at(&self, now: DateTime<Utc>) -> arc_swap::Guard<Arc<Keys>> {
        let keys = self.shared.current.load();
        if now < keys.fetched_until {
            return keys;
        }
        drop(keys);
        self.shared.current.rcu(|old| old.lasting(now));
        self.shared.current.load()
    }

    /// The place in `keys`, current at `now`, of the key a header means; nothing the header says is believed yet.
    pub(crate) fn meant_among(
        &self,
        keys: &Keys,
        id: Option<&str>,
        algorithm: &str,
        now: DateTime<Utc>,
    ) -> Result<usize, TokenError> {
        let Some(at) = keys.find(id, algorithm) else {
            id.into_iter().for_each(|id| self.note_unknown(id, now));
            return Err(TokenError::UnknownKey);
        };
        if keys.at(at).algorithm().is_named(algorithm) { Ok(at) } else { Err(TokenError::Algorithm) }
    }

    /// Puts fetched keys in the place of those fetched before; own ones stay.
    pub(super) fn replace_fetched(&self, fetched: &[Arc<VerifyingKey>], until: DateTime<Utc>) {
        self.shared.current.rcu(|old| old.with_fetched(fetched, until));
    }

    /// The keys as they are, whatever the time.
    pub(super) fn snapshot(&self) -> arc_swap::Guard<Arc<Keys>> {
        self.shared.current.load()
    }

    /// Begins to remember ids that no key has; false if that began before.
    pub(super) fn watch_unknown(&self, unknown: Unknown) -> bool {
        self.shared.unknown.set(unknown).is_ok()
    }

    pub(super) fn unknown(&self) -> Option<&Unknown> {
        self.shared.unknown.get()
    }

    /// Tells who refreshes the set, if anyone does, that a header named a key that is not here.
    fn note_unknown(&self, id: &str, now: DateTime<Utc>) {
        if let Some(unknown) = self.shared.unknown.get() {
            unknown.ask(id, now);
        }
    }
}

/// A key of a JWKS that was left out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RefusedKey {
    position: usize,
    error: ConfigError,
}

impl RefusedKey {
    pub(super) fn new(position: usize, error: ConfigError) -> Self {
        Self { position, error }
    }

    /// Where in `keys` it stood, from 0.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Why it was refused.
    #[must_use]
    pub fn error(&self) -> &ConfigError {
        &self.error
    }
}

/// The keys between two swaps.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) generation: u64,
    /// First those the host put in, then those that were fetched.
    all: Vec<Arc<VerifyingKey>>,
    own: usize,
    /// The first moment at which the fetched keys no longer count.
    fetched_until: DateTime<Utc>,
    familiar: Familiar<Meant, 4>,
}

/// What a header means among the keys between two swaps.
#[derive(Debug)]
struct Meant {
    place: usize,
    typ: Option<Box<str>>,
}

impl Keys {
    fn new(generation: u64, own: usize, all: Vec<Arc<VerifyingKey>>, fetched_until: DateTime<Utc>) -> Self {
        Self { generation, all, own, fetched_until, familiar: Familiar::new() }
    }

    /// The key at a place that [`find`](Self::find) or [`familiar`](Self::familiar) gave.
    pub(crate) fn at(&self, place: usize) -> &Arc<VerifyingKey> {
        &self.all[place]
    }

    /// Whether the key is still one of the set.
    pub(crate) fn holds(&self, key: &Arc<VerifyingKey>) -> bool {
        self.all.iter().any(|one| Arc::ptr_eq(one, key))
    }

    /// The place of the key that a header known letter by letter means, and the header's `typ`.
    pub(crate) fn familiar(&self, header: &[u8]) -> Option<(usize, Option<&str>)> {
        self.familiar.find(header).map(|meant| (meant.place, meant.typ.as_deref()))
    }

    /// Whether a header whose signature held would be kept.
    pub(crate) fn learns(&self) -> bool {
        self.familiar.has_room()
    }

    /// Keeps a header whose signature held under the key at `place`.
    pub(crate) fn learn(&self, header: &[u8], place: usize, typ: Option<&str>) {
        self.familiar.insert(header, Meant { place, typ: typ.map(Box::from) });
    }

    /// The keys the host put in.
    pub(super) fn own(&self) -> &[Arc<VerifyingKey>] {
        &self.all[..self.own]
    }

    /// The keys that were fetched.
    pub(super) fn fetched(&self) -> &[Arc<VerifyingKey>] {
        &self.all[self.own..]
    }

    fn with_own(&self, own: &[Arc<VerifyingKey>]) -> Self {
        self.joined(own, self.fetched(), self.fetched_until)
    }

    fn with_fetched(&self, fetched: &[Arc<VerifyingKey>], until: DateTime<Utc>) -> Self {
        self.joined(self.own(), fetched, until)
    }

    fn without_fetched(&self) -> Self {
        self.joined(self.own(), &[], DateTime::<Utc>::MAX_UTC)
    }

    /// The same keys, or without the fetched ones if their time is over.
    fn lasting(self: &Arc<Self>, now: DateTime<Utc>) -> Arc<Self> {
        // Whoever saw them stale may be late: they may have been fetched again since.
        if now < self.fetched_until { Arc::clone(self) } else { Arc::new(self.without_fetched()) }
    }

    fn joined(&self, own: &[Arc<VerifyingKey>], fetched: &[Arc<VerifyingKey>], until: DateTime<Utc>) -> Self {
        let holds_secrets = own.iter().any(|key| key.algorithm().is_symmetric());
        let beside =
            |key: &&Arc<VerifyingKey>| !holds_secrets && !own.iter().any(|other| other.id() == key.id());
        let kept = own.iter().chain(fetched.iter().filter(beside));
        let all = kept.map(|key| self.same(key).unwrap_or_else(|| Arc::clone(key))).collect();
        Self::new(self.generation + 1, own.len(), all, until)
    }

    /// The place of the one key a header means: by its id, or without one the only key for its algorithm.
    fn find(&self, id: Option<&str>, algorithm: &str) -> Option<usize> {
        match id {
            Some(id) => self.all.iter().position(|key| key.id() == id),
            None => self.only(algorithm),
        }
    }

    fn only(&self, algorithm: &str) -> Option<usize> {
        let fits = |key: &Arc<VerifyingKey>| key.algorithm().is_named(algorithm);
        let only = self.all.iter().position(fits)?;
        if self.all[only + 1..].iter().any(fits) { None } else { Some(only) }
    }

    fn same(&self, key: &VerifyingKey) -> Option<Arc<VerifyingKey>> {
        self.all.iter().find(|old| old.is_same(key)).cloned()
    }
}

fn checked(keys: impl IntoIterator<Item = VerifyingKey>) -> Result<Vec<VerifyingKey>, ConfigError> {
    let keys: Vec<VerifyingKey> = keys.into_iter().collect();
    let symmetric = keys.iter().filter(|key| Algorithm::is_symmetric(key.algorithm())).count();
    if symmetric != 0 && symmetric != keys.len() {
        return Err(ConfigError::MixedKeySet);
    }
    for (at, key) in keys.iter().enumerate() {
        if keys[..at].iter().any(|other| other.id() == key.id()) {
            return Err(ConfigError::DuplicateKeyId);
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_late_drops_no_keys_that_were_fetched_again() {
        let limit = DateTime::UNIX_EPOCH;
        let keys = Arc::new(Keys::new(7, 0, Vec::new(), limit));
        let before = keys.lasting(limit - chrono::TimeDelta::nanoseconds(1));
        assert!(Arc::ptr_eq(&before, &keys), "they are the same");
        let dropped = keys.lasting(limit);
        assert_eq!((dropped.generation, dropped.fetched_until), (8, DateTime::<Utc>::MAX_UTC));
    }
}
