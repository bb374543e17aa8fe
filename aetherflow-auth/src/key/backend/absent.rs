//! No backend: everything compiles, and no key can be built.

use jsonwebtoken::crypto::CryptoProvider;
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::key::algorithm::Algorithm;
use crate::key::material::Material;

/// Never built.
pub(crate) enum PublicCheck {}

impl PublicCheck {
    pub(crate) fn new(_: Algorithm, _: &Material) -> Result<Self, ConfigError> {
        Err(ConfigError::NoBackend)
    }

    pub(crate) fn holds(&self, _: &[u8], _: &[u8]) -> bool {
        match *self {}
    }
}

pub(crate) fn provider() -> Result<&'static CryptoProvider, ConfigError> {
    Err(ConfigError::NoBackend)
}

pub(crate) fn generate_pkcs8(_: Algorithm) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    Err(ConfigError::NoBackend)
}

pub(crate) const MOST_RSA_BITS: usize = 8_192;
pub(crate) const SIGNS_RSA: bool = false;
