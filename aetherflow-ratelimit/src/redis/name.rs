//! What a key is called in Redis.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::error::ConfigError;
use crate::key::Key;

/// Names the keys of one environment: `af:<environment>:rl:{<16 bytes>}`.
///
/// The bytes are a MAC under a secret the nodes share, so that Redis and its backups hold no subject and no address, and
/// nobody without the secret can aim at a key or at a node of a cluster. The braces make them the cluster's hash tag.
pub(super) struct Names {
    prefix: Box<str>,
    mac: Hmac<Sha256>,
}

impl Names {
    pub(super) fn new(environment: &str, secret: &[u8]) -> Result<Self, ConfigError> {
        let is_plain = environment.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
        if !is_plain || !(1..=LONGEST_ENVIRONMENT).contains(&environment.len()) {
            return Err(ConfigError::Environment);
        }
        if secret.len() < LEAST_SECRET {
            return Err(ConfigError::ShortSecret);
        }
        let mac = Hmac::new_from_slice(secret).map_err(|_| ConfigError::ShortSecret)?;
        Ok(Self { prefix: format!("af:{environment}:rl:{{").into(), mac })
    }

    pub(super) fn of(&self, key: &Key<'_>) -> String {
        let tag = self.mac.clone().chain_update(spelling(key)).finalize().into_bytes();
        let mut name = String::with_capacity(self.prefix.len() + 23);
        name.push_str(&self.prefix);
        URL_SAFE_NO_PAD.encode_string(&tag[..16], &mut name);
        name.push('}');
        name
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// PAE (PASETO's pre-authentication encoding) of the purpose, the key's kind and its parts: no two keys are spelt alike.
fn spelling(key: &Key<'_>) -> Vec<u8> {
    let (kind, parts) = key.spelt();
    let count = 2 + parts.len() as u64;
    let mut bytes = Vec::with_capacity(128);
    bytes.extend_from_slice(&count.to_le_bytes());
    for part in [PURPOSE, kind.as_bytes()].into_iter().chain(parts.iter().map(Vec::as_slice)) {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

const PURPOSE: &[u8] = b"aetherflow/limit/v1";
const LONGEST_ENVIRONMENT: usize = 16;
/// The hash's length, below which RFC 2104 §3 advises against a secret.
const LEAST_SECRET: usize = 32;

#[cfg(test)]
mod tests;
