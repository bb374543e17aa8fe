//! The secrets under which API keys are hashed, and the check against a record.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use subtle::ConstantTimeEq;

use super::{ApiKey, ApiKeyError, ApiKeyRecord};
use crate::mac::{MacKey, TAG_BYTES};
use crate::{ConfigError, Environment, Identity, Principal};

/// The peppers of one environment: one for new keys, and former ones under which older keys still verify.
///
/// # Security
///
/// A pepper is kept apart from the records: whoever reads the store alone can verify no guess. Without its pepper a
/// record verifies nobody.
#[derive(Clone, Debug)]
pub struct Peppers {
    environment: Environment,
    current: Pepper,
    former: Vec<Pepper>,
}

impl Peppers {
    /// Begins with the pepper that hashes new keys.
    ///
    /// # Errors
    ///
    /// [`ConfigError::EmptyName`] for an empty id, [`ConfigError::ShortSecret`] below 32 bytes,
    /// [`ConfigError::NoBackend`] without a cryptographic feature.
    pub fn new(environment: Environment, id: &str, secret: &[u8]) -> Result<Self, ConfigError> {
        Ok(Self { environment, current: Pepper::new(id, secret)?, former: Vec::new() })
    }

    /// Adds a pepper that still verifies the keys hashed under it.
    ///
    /// # Errors
    ///
    /// As [`Peppers::new`], and [`ConfigError::DuplicatePepper`] for an id already in use.
    pub fn with_former(mut self, id: &str, secret: &[u8]) -> Result<Self, ConfigError> {
        if self.find(id).is_some() {
            return Err(ConfigError::DuplicatePepper);
        }
        self.former.push(Pepper::new(id, secret)?);
        Ok(self)
    }

    /// The one environment whose keys these peppers hash.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// Reads a presented key, and refuses one of another environment before any look-up.
    ///
    /// # Errors
    ///
    /// As [`ApiKey::parse`], and [`ApiKeyError::Environment`] for a key of another environment.
    pub fn read(&self, presented: &str) -> Result<ApiKey, ApiKeyError> {
        let key = ApiKey::parse(presented)?;
        if key.environment() != self.environment {
            return Err(ApiKeyError::Environment);
        }
        Ok(key)
    }

    /// Makes what a store keeps of a new key: no scopes, no plan, usable from anywhere until `expires_at`.
    ///
    /// # Errors
    ///
    /// [`ApiKeyError::Environment`] for a key of another environment.
    pub fn record(
        &self,
        key: &ApiKey,
        identity: Identity,
        created_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<ApiKeyRecord, ApiKeyError> {
        if key.environment() != self.environment {
            return Err(ApiKeyError::Environment);
        }
        let hash = KeyHash { pepper: self.current.id.clone(), mac: self.current.mac(key) };
        Ok(ApiKeyRecord::new(key, hash, identity, created_at, expires_at))
    }

    /// Verifies a key against the record found under its id, at `now`.
    ///
    /// # Errors
    ///
    /// In this order: [`ApiKeyError::Environment`] for a key or record of another environment,
    /// [`ApiKeyError::Unknown`] for no record, [`ApiKeyError::UnknownPepper`] for a record whose pepper is not here,
    /// [`ApiKeyError::Mismatch`] for another key than the recorded one, [`ApiKeyError::Expired`] from `expires_at`
    /// on.
    pub fn verify_at(
        &self,
        key: &ApiKey,
        found: Option<&ApiKeyRecord>,
        now: DateTime<Utc>,
    ) -> Result<Principal, ApiKeyError> {
        if key.environment() != self.environment {
            return Err(ApiKeyError::Environment);
        }
        let record = found.ok_or(ApiKeyError::Unknown)?;
        if record.environment() != self.environment {
            return Err(ApiKeyError::Environment);
        }
        let pepper = self.find(&record.hash().pepper).ok_or(ApiKeyError::UnknownPepper)?;
        let is_recorded = pepper.mac(key).ct_eq(&record.hash().mac);
        if !bool::from(is_recorded) || key.id() != record.id() {
            return Err(ApiKeyError::Mismatch);
        }
        if now >= record.expires_at() {
            return Err(ApiKeyError::Expired);
        }
        Ok(record.principal())
    }

    /// Verifies a key against the record found under its id, by the system's clock.
    ///
    /// # Errors
    ///
    /// As [`Peppers::verify_at`].
    #[expect(clippy::disallowed_methods, reason = "the thin form that reads the clock")]
    pub fn verify(&self, key: &ApiKey, found: Option<&ApiKeyRecord>) -> Result<Principal, ApiKeyError> {
        self.verify_at(key, found, Utc::now())
    }

    fn find(&self, id: &str) -> Option<&Pepper> {
        std::iter::once(&self.current).chain(&self.former).find(|pepper| &*pepper.id == id)
    }
}

/// What is kept of an API key in place of its secret: a MAC, and the id of its pepper.
#[derive(Clone, Deserialize, Serialize)]
pub struct KeyHash {
    pepper: Box<str>,
    #[serde(serialize_with = "write_mac", deserialize_with = "read_mac")]
    mac: [u8; TAG_BYTES],
}

impl KeyHash {
    /// The id of the pepper the key was hashed under.
    #[must_use]
    pub fn pepper_id(&self) -> &str {
        &self.pepper
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyHash").field("pepper", &self.pepper).field("mac", &"[redacted]").finish()
    }
}

#[derive(Clone, Debug)]
struct Pepper {
    id: Box<str>,
    key: MacKey,
}

impl Pepper {
    fn new(id: &str, secret: &[u8]) -> Result<Self, ConfigError> {
        if id.is_empty() {
            return Err(ConfigError::EmptyName);
        }
        Ok(Self { id: id.into(), key: MacKey::new(secret)? })
    }

    fn mac(&self, key: &ApiKey) -> [u8; TAG_BYTES] {
        self.key.tag(key.expose().as_bytes())
    }
}

fn write_mac<S: Serializer>(mac: &[u8; TAG_BYTES], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&URL_SAFE_NO_PAD.encode(mac))
}

fn read_mac<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; TAG_BYTES], D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    let bytes = URL_SAFE_NO_PAD.decode(&*text).map_err(de::Error::custom)?;
    bytes.try_into().map_err(|_| de::Error::custom("a MAC has 32 bytes"))
}
