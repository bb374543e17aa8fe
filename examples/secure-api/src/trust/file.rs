use std::{fs, iter};

use aetherflow_auth::ConfigError;
use aetherflow_auth::key::{Algorithm, KeySet, VerifyingKey};

use super::refused;
use crate::fault::Fault;

/// The good keys of a JWKS in a file, and what there is to say of each other one.
///
/// # Errors
///
/// [`Fault::Value`] if the file cannot be read, or has no key that can be used, or two keys of one id: who meant which
/// is for the operator to say.
pub(super) fn read(path: &str) -> Result<(Vec<VerifyingKey>, Vec<String>), Fault> {
    let text = fs::read_to_string(path).map_err(|error| refused(path, error.to_string()))?;
    let (good, unusable) = KeySet::read_jwks(&text).map_err(|error| refused(path, error.to_string()))?;
    let mut ignored: Vec<(usize, ConfigError)> =
        unusable.iter().map(|key| (key.position(), key.error().clone())).collect();
    let places = (0..).filter(|at| !unusable.iter().any(|key| key.position() == *at));
    let mut keys: Vec<VerifyingKey> = Vec::new();
    for (at, key) in places.zip(good) {
        if is_secret(&key) {
            // What a file for public keys holds is no secret, and whoever knows it could sign.
            ignored.push((at, ConfigError::PrivateJwk));
        } else if keys.iter().any(|other| other.id() == key.id()) {
            return Err(refused(path, format!("key {at}: {}", ConfigError::DuplicateKeyId)));
        } else {
            keys.push(key);
        }
    }
    ignored.sort_by_key(|(at, _)| *at);
    let told = |verb| ignored.iter().map(move |(at, error)| format!("key {at}{verb}: {error}"));
    if keys.is_empty() {
        let reasons = iter::once("has no key that can be used".to_owned()).chain(told(""));
        return Err(refused(path, reasons.collect::<Vec<_>>().join("; ")));
    }
    let told = told(" is ignored").collect();
    Ok((keys, told))
}

fn is_secret(key: &VerifyingKey) -> bool {
    matches!(key.algorithm(), Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512)
}
