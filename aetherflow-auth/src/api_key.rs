//! Legacy API keys: made, read, kept as a hash, verified.
//!
//! ```text
//! af_<env>_<id>_<secret><checksum>
//! ```
//!
//! 1. Lengths, alphabet and environment are checked first, then the checksum, then the environment against the
//!    verifier's own, all before any look-up: a typing mistake or a key of another environment costs no store a call.
//! 2. What is kept is HMAC-SHA-256 of the whole key under a [pepper](Peppers), with the pepper's id. The secret has
//!    256 bits, so a slow hash would add nothing.
//! 3. The hash is compared in constant time, and only then is the expiry looked at, so that nobody but the key's
//!    holder learns that it expired.
//!
//! # Examples
//!
//! ```
//! # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
//! use aetherflow_auth::api_key::{ApiKey, ApiKeyError, Peppers};
//! use aetherflow_auth::{Environment, Identity};
//! use chrono::{DateTime, TimeDelta};
//!
//! let now = DateTime::UNIX_EPOCH;
//! let peppers = Peppers::new(Environment::production(), "2024-a", &[7; 32])?;
//! let key = ApiKey::generate(Environment::production())?;
//! let alice = Identity::new("https://auth.example", None, "alice");
//! let record = peppers.record(&key, alice, now, now + TimeDelta::days(90))?;
//!
//! let presented = peppers.read(key.expose())?;
//! assert_eq!(peppers.verify_at(&presented, Some(&record), now)?.identity().subject(), "alice");
//! assert_eq!(peppers.verify_at(&presented, None, now).unwrap_err(), ApiKeyError::Unknown);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;

use rand::rngs::SysRng;
use thiserror::Error;
use zeroize::Zeroizing;

pub use self::id::KeyId;
pub use self::pepper::{KeyHash, Peppers};
pub use self::record::ApiKeyRecord;
pub use crate::store::memory::MemoryApiKeyStore;
pub use crate::store::{ApiKeyStore, Lookup, StoreError};
use crate::{ConfigError, Environment};

mod base62;
mod id;
mod pepper;
mod record;

/// An API key in full, of the right form and checksum; it proves nothing until it is verified.
///
/// Wiped from memory when dropped, and never printed whole.
pub struct ApiKey {
    text: Zeroizing<String>,
    id: KeyId,
    environment: Environment,
}

impl ApiKey {
    /// Reads a presented key.
    ///
    /// # Errors
    ///
    /// [`ApiKeyError::Malformed`] for another length, alphabet or environment than the form has,
    /// [`ApiKeyError::Checksum`] when the last six digits are not those of the rest.
    pub fn parse(text: &str) -> Result<Self, ApiKeyError> {
        let (environment, id) = split(text).ok_or(ApiKeyError::Malformed)?;
        let (body, digits) = text.split_at(text.len() - base62::CHECKSUM);
        if base62::checksum(body) != digits.as_bytes() {
            return Err(ApiKeyError::Checksum);
        }
        Ok(Self { text: Zeroizing::new(text.to_owned()), id, environment })
    }

    /// Makes a new key; its 256-bit secret comes from the system's generator.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoRandomness`] when the system gives no random bytes.
    pub fn generate(environment: Environment) -> Result<Self, ConfigError> {
        let mut secret = Zeroizing::new([0; SECRET]);
        base62::draw(&mut SysRng, &mut *secret).map_err(|_| ConfigError::NoRandomness)?;
        let id = KeyId::random();
        // Long enough from the start, so that no growth leaves a copy of the secret behind.
        let mut text = Zeroizing::new(String::with_capacity(LONGEST));
        for part in ["af_", environment.key_prefix(), "_", id.as_str(), "_"] {
            text.push_str(part);
        }
        text.extend(secret.iter().copied().map(char::from));
        let checksum = base62::checksum(&text);
        text.extend(checksum.map(char::from));
        Ok(Self { text, id, environment })
    }

    /// The public part that names the key.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// Where the key claims to be valid.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// The key as a listing shows it: `af_<env>_<id>_***`.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("af_{}_{}_***", self.environment.key_prefix(), self.id)
    }

    /// The whole key, to hand to its holder once.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({})", self.shown())
    }
}

/// Why an API key was refused.
///
/// For the operator and the audit log; a caller is told one text for all of them.
#[derive(Clone, Copy, Debug, Eq, Error, Hash, PartialEq)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// Not of the form of an API key.
    #[error("the API key is malformed")]
    Malformed,
    /// The checksum is not that of the rest.
    #[error("the API key's checksum does not hold")]
    Checksum,
    /// The key or its record is of another environment.
    #[error("the API key is of another environment")]
    Environment,
    /// No record has the key's id.
    #[error("no API key has this id")]
    Unknown,
    /// The record was hashed under a pepper that is not configured here.
    #[error("the API key's pepper is not configured")]
    UnknownPepper,
    /// The key is not the one the record was made of.
    #[error("the API key is not the recorded one")]
    Mismatch,
    /// The record's expiry is now or past.
    #[error("the API key is expired")]
    Expired,
}

impl ApiKeyError {
    /// Whether the key is the recorded one, so that only its time was refused.
    ///
    /// A key of another environment is neither: nothing was asked of a store or of cryptography.
    #[must_use]
    pub fn is_genuine(self) -> bool {
        match self {
            Self::Expired => true,
            Self::Malformed
            | Self::Checksum
            | Self::Environment
            | Self::Unknown
            | Self::UnknownPepper
            | Self::Mismatch => false,
        }
    }
}

fn split(text: &str) -> Option<(Environment, KeyId)> {
    if text.len() > LONGEST {
        return None;
    }
    // No part may hold an underscore, so exactly four parts stand between three of them.
    let mut parts = text.split('_');
    let (brand, prefix, id, tail) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_formed =
        brand == "af" && parts.next().is_none() && base62::is_word(tail, SECRET + base62::CHECKSUM);
    if !is_formed {
        return None;
    }
    Some((Environment::from_key_prefix(prefix).ok()?, KeyId::parse(id).ok()?))
}

const SECRET: usize = 43;
const LONGEST: usize = "af_".len() + 16 + "_".len() + id::DIGITS + "_".len() + SECRET + base62::CHECKSUM;
