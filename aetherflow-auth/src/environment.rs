//! Where a credential is valid: production, staging, development, or a named environment.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// The one environment in which a credential is valid.
///
/// # Examples
///
/// ```
/// use aetherflow_auth::Environment;
///
/// let environment: Environment = "staging".parse()?;
/// assert_eq!(environment, Environment::staging());
/// assert_eq!(environment.key_prefix(), "stage");
/// # Ok::<(), aetherflow_auth::EnvironmentError>(())
/// ```
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Environment(Name);

impl Environment {
    /// The environment `production`; its API keys begin `af_live_`.
    #[must_use]
    pub const fn production() -> Self {
        Self(Name::Production)
    }

    /// The environment `staging`; its API keys begin `af_stage_`.
    #[must_use]
    pub const fn staging() -> Self {
        Self(Name::Staging)
    }

    /// The environment `development`; its API keys begin `af_dev_`.
    #[must_use]
    pub const fn development() -> Self {
        Self(Name::Development)
    }

    /// Names another environment, by 1 to 16 of `a-z` and `0-9`.
    ///
    /// # Errors
    ///
    /// [`EnvironmentError::Name`] for another length or character, [`EnvironmentError::Reserved`] for `production`,
    /// `staging`, `development`, `live`, `stage` and `dev`.
    pub fn named(name: &str) -> Result<Self, EnvironmentError> {
        if RESERVED.contains(&name) {
            return Err(EnvironmentError::Reserved);
        }
        let is_plain = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
        if name.is_empty() || name.len() > LONGEST || !is_plain {
            return Err(EnvironmentError::Name);
        }
        let mut padded = [0; LONGEST];
        padded[..name.len()].copy_from_slice(name.as_bytes());
        Ok(Self(Name::Named(padded)))
    }

    /// Reads the environment from the second part of an API key: `live`, `stage`, `dev`, or a name.
    ///
    /// # Errors
    ///
    /// As [`Environment::named`], for anything but those three words.
    pub fn from_key_prefix(prefix: &str) -> Result<Self, EnvironmentError> {
        match prefix {
            "live" => Ok(Self::production()),
            "stage" => Ok(Self::staging()),
            "dev" => Ok(Self::development()),
            name => Self::named(name),
        }
    }

    /// The name, as the claim `env` carries it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Name::Production => "production",
            Name::Staging => "staging",
            Name::Development => "development",
            Name::Named(padded) => unpadded(padded),
        }
    }

    /// What an API key of this environment carries between `af_` and its id.
    #[must_use]
    pub fn key_prefix(&self) -> &str {
        match &self.0 {
            Name::Production => "live",
            Name::Staging => "stage",
            Name::Development => "dev",
            Name::Named(padded) => unpadded(padded),
        }
    }
}

impl FromStr for Environment {
    type Err = EnvironmentError;

    fn from_str(text: &str) -> Result<Self, EnvironmentError> {
        match text {
            "production" => Ok(Self::production()),
            "staging" => Ok(Self::staging()),
            "development" => Ok(Self::development()),
            name => Self::named(name),
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({self})")
    }
}

impl Serialize for Environment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Environment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Why a text names no environment.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// Not 1 to 16 of `a-z` and `0-9`.
    #[error("an environment has 1 to 16 characters of a-z and 0-9")]
    Name,
    /// A word that already means one of the three fixed environments.
    #[error("the name is kept for production, staging or development")]
    Reserved,
}

#[derive(Clone, Copy, Eq, Hash, PartialEq)]
enum Name {
    Production,
    Staging,
    Development,
    // Invariant: 1 to 16 of [a-z0-9], then zeros.
    Named([u8; LONGEST]),
}

fn unpadded(name: &[u8; LONGEST]) -> &str {
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(LONGEST);
    std::str::from_utf8(&name[..end]).expect("named() stores ASCII only")
}

const LONGEST: usize = 16;
const RESERVED: [&str; 6] = ["production", "staging", "development", "live", "stage", "dev"];
