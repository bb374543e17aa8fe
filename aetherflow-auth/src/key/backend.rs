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

use zeroize::Zeroizing;

pub(crate) use chosen::{Checker, generate_pkcs8, provider};

use super::algorithm::Algorithm;
use crate::error::ConfigError;

/// The bytes of a key that verify, whatever form they came in.
#[derive(Clone, Eq, PartialEq)]
pub(crate) enum Material {
    Secret(Zeroizing<Vec<u8>>),
    /// A point of P-256 or P-384.
    Point {
        x: Vec<u8>,
        y: Vec<u8>,
    },
    /// A compressed point of edwards25519.
    Edwards(Vec<u8>),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl Material {
    /// The SEC 1 uncompressed form of a point; the bytes themselves for a secret and an Edwards point.
    pub(crate) fn encoded(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Secret(secret) => secret.to_vec(),
            Self::Point { x, y } => [&[4], x.as_slice(), y].concat(),
            Self::Edwards(point) => point.clone(),
            Self::Rsa { modulus, .. } => modulus.clone(),
        })
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
