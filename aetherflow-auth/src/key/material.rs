use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::{edwards, rsa};
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
    /// Two numbers without zeros in front.
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl Material {
    /// Refuses a weak key. Whether a point is on its curve the backend says when it parses it.
    pub(super) fn check(&self, algorithm: Algorithm) -> Result<(), ConfigError> {
        match self {
            Self::Secret(secret) => {
                let least = algorithm.least_secret();
                if secret.len() < least { Err(ConfigError::ShortSecret { least }) } else { Ok(()) }
            }
            Self::Edwards(point) => edwards::check(point),
            Self::Rsa { modulus, exponent } => rsa::check(modulus, exponent),
            Self::Point { .. } => Ok(()),
        }
    }

    /// The bytes a backend parses: SEC 1's uncompressed form of a point, RSAPublicKey, or the bytes as they are.
    pub(super) fn encoded(&self) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
        Ok(Zeroizing::new(match self {
            Self::Secret(secret) => secret.to_vec(),
            Self::Point { x, y } => [&[4], x.as_slice(), y].concat(),
            Self::Edwards(point) => point.clone(),
            Self::Rsa { modulus, exponent } => rsa::encoded(modulus, exponent)?,
        }))
    }

    /// What it means that the backend cannot parse the key.
    pub(super) fn unreadable(&self) -> ConfigError {
        match self {
            Self::Point { .. } | Self::Edwards(_) => ConfigError::OffCurve,
            Self::Secret(_) | Self::Rsa { .. } => ConfigError::UnreadableKey,
        }
    }
}
