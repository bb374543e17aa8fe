use std::sync::Arc;

use arc_swap::ArcSwap;

use super::algorithm::Algorithm;
use super::jwk;
use super::verifying::VerifyingKey;
use crate::environment::Environment;
use crate::error::ConfigError;

/// The keys of one issuer in one environment, swapped as a whole while requests go on.
///
/// Clones share the keys: what [`replace`](Self::replace) puts in, every verifier that holds the set uses at its
/// next request.
#[derive(Clone, Debug)]
pub struct KeySet {
    issuer: Arc<str>,
    environment: Environment,
    current: Arc<ArcSwap<Keys>>,
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
        let keys = Keys { generation: 0, all: checked(keys)?.into_iter().map(Arc::new).collect() };
        Ok(Self { issuer: issuer.into(), environment, current: Arc::new(ArcSwap::from_pointee(keys)) })
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
    /// # Errors
    ///
    /// Those of [`new`](Self::new); the keys then stay as they were.
    pub fn replace(&self, keys: impl IntoIterator<Item = VerifyingKey>) -> Result<(), ConfigError> {
        let keys = checked(keys)?;
        let shared: Vec<Arc<VerifyingKey>> = keys.into_iter().map(Arc::new).collect();
        self.current.rcu(|old| Keys {
            generation: old.generation + 1,
            all: shared.iter().map(|key| old.same(key).unwrap_or_else(|| Arc::clone(key))).collect(),
        });
        Ok(())
    }

    /// The public keys as a JWKS; shared secrets are left out.
    #[must_use]
    pub fn to_jwks(&self) -> String {
        let keys: Vec<String> = self.current.load().all.iter().filter_map(|key| jwk::write(key)).collect();
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
        self.current.load().generation
    }

    pub(crate) fn shared_issuer(&self) -> &Arc<str> {
        &self.issuer
    }

    pub(crate) fn current(&self) -> arc_swap::Guard<Arc<Keys>> {
        self.current.load()
    }
}

/// A key of a JWKS that was left out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RefusedKey {
    position: usize,
    error: ConfigError,
}

impl RefusedKey {
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
    all: Vec<Arc<VerifyingKey>>,
}

impl Keys {
    /// The one key a header means: by its id, or without one the only key for its algorithm.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: &str) -> Option<&Arc<VerifyingKey>> {
        match id {
            Some(id) => self.all.iter().find(|key| key.id() == id),
            None => self.only(algorithm),
        }
    }

    /// Whether the key is still one of the set.
    pub(crate) fn holds(&self, key: &Arc<VerifyingKey>) -> bool {
        self.all.iter().any(|one| Arc::ptr_eq(one, key))
    }

    fn only(&self, algorithm: &str) -> Option<&Arc<VerifyingKey>> {
        let mut fitting = self.all.iter().filter(|key| key.algorithm().is_named(algorithm));
        let only = fitting.next()?;
        if fitting.next().is_some() { None } else { Some(only) }
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
