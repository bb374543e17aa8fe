//! The issuer's further keys, `--trust-jwks`: from a file once, or from a URL again and again.

mod refresh;
#[cfg(test)]
mod tests;
mod url;

use std::fs;
use std::path::Path;

use aetherflow_auth::key::{Algorithm, KeySet, VerifyingKey};

use crate::fault::Fault;

pub(crate) use refresh::Refresh;
pub(crate) use url::JwksUrl;

/// Where the keys beside the server's own come from.
#[derive(Debug)]
pub(crate) enum Trust {
    Keys(Vec<VerifyingKey>),
    Url(JwksUrl),
}

impl Trust {
    /// Reads the option; a URL's certificates are checked by the authorities in a file, else by the system's.
    pub(crate) fn read(source: Option<&str>, authorities: Option<&Path>) -> Result<Self, Fault> {
        match source {
            Some(url) if url.contains("://") => JwksUrl::read(url, authorities).map(Self::Url),
            _ if authorities.is_some() => Err(Fault::AuthorityUnused),
            Some(path) => keys_of_file(path).map(Self::Keys),
            None => Ok(Self::default()),
        }
    }

    /// The keys that are there at the start, and where others are fetched.
    pub(crate) fn split(self) -> (Vec<VerifyingKey>, Option<JwksUrl>) {
        match self {
            Self::Keys(keys) => (keys, None),
            Self::Url(url) => (Vec::new(), Some(url)),
        }
    }
}

impl Default for Trust {
    fn default() -> Self {
        Self::Keys(Vec::new())
    }
}

fn keys_of_file(path: &str) -> Result<Vec<VerifyingKey>, Fault> {
    let text = fs::read_to_string(path).map_err(|error| refused(path, error.to_string()))?;
    let (keys, unusable) = KeySet::read_jwks(&text).map_err(|error| refused(path, error.to_string()))?;
    if let Some(key) = unusable.first() {
        return Err(refused(path, format!("key {}: {}", key.position(), key.error())));
    }
    let is_secret = |key: &VerifyingKey| {
        matches!(key.algorithm(), Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512)
    };
    if keys.iter().any(is_secret) {
        return Err(refused(path, "holds a shared secret; only public keys are trusted".to_owned()));
    }
    Ok(keys)
}

fn refused(value: &str, reason: String) -> Fault {
    Fault::Value { option: "--trust-jwks", value: value.to_owned(), reason }
}
