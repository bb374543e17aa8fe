//! The cryptography behind keys, by feature: aws-lc-rs wins over pure Rust, and without either no key can be built.
//!
//! jsonwebtoken is asked through the provider constants of its backends, never through its process-global provider,
//! which panics once a tree turns both backends on.

#[cfg(feature = "aws-lc-rs")]
#[path = "backend/aws_lc.rs"]
mod chosen;

#[cfg(all(feature = "rust-crypto", not(feature = "aws-lc-rs")))]
#[path = "backend/rust_crypto.rs"]
mod chosen;

#[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
#[path = "backend/absent.rs"]
mod chosen;

pub(crate) use chosen::{MOST_RSA_BITS, SIGNS_RSA, generate_pkcs8, provider};

use chosen::PublicCheck;

use super::algorithm::Algorithm;
use super::material::Material;
use crate::error::ConfigError;
use crate::mac::MacCheck;

/// Checks signatures under one key.
pub(crate) enum Checker {
    Mac(Box<MacCheck>),
    Public(PublicCheck),
}

impl Checker {
    pub(crate) fn new(algorithm: Algorithm, material: &Material) -> Result<Self, ConfigError> {
        provider()?;
        match material {
            Material::Secret(secret) => Ok(Self::Mac(Box::new(MacCheck::new(algorithm, secret)?))),
            Material::Point { .. } | Material::Edwards(_) | Material::Rsa { .. } => {
                PublicCheck::new(algorithm, material).map(Self::Public)
            }
        }
    }

    pub(crate) fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Mac(key) => key.holds(message, signature),
            Self::Public(key) => key.holds(message, signature),
        }
    }
}

/// Signs with jsonwebtoken's provider.
pub(crate) fn sign(
    algorithm: Algorithm,
    key: &jsonwebtoken::EncodingKey,
    message: &[u8],
) -> Result<Vec<u8>, ConfigError> {
    let signer = (provider()?.signer_factory)(&algorithm.for_jsonwebtoken(), key);
    let signer = signer.map_err(|_| ConfigError::UnreadableKey)?;
    signer.try_sign(message).map_err(|_| ConfigError::CannotSign)
}

/// SHA-256 by the backend.
pub(crate) fn sha256(bytes: &[u8]) -> Result<Vec<u8>, ConfigError> {
    let digest = provider()?.key_utils.compute_digest;
    digest(bytes, jsonwebtoken::jwk::ThumbprintHash::SHA256).map_err(|_| ConfigError::NoBackend)
}
