//! aws-lc-rs: keys are parsed once and kept.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, ParsedPublicKey, VerificationAlgorithm};
use jsonwebtoken::crypto::CryptoProvider;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::key::algorithm::Algorithm;
use crate::key::material::Material;

pub(crate) struct PublicCheck(ParsedPublicKey);

impl PublicCheck {
    pub(crate) fn new(algorithm: Algorithm, material: &Material) -> Result<Self, ConfigError> {
        let how: &'static dyn VerificationAlgorithm = match algorithm {
            Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
            Algorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
            Algorithm::EdDsa => &signature::ED25519,
            Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => return Err(ConfigError::WrongKeyType),
        };
        let key = ParsedPublicKey::new(how, material.encoded()?.as_slice());
        key.map(Self).map_err(|_| material.unreadable())
    }

    pub(crate) fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "one signature for all backends")]
pub(crate) fn provider() -> Result<&'static CryptoProvider, ConfigError> {
    Ok(&DEFAULT_PROVIDER)
}

/// A new private key as PKCS#8.
pub(crate) fn generate_pkcs8(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let random = SystemRandom::new();
    let document = match algorithm {
        Algorithm::Es256 => {
            EcdsaKeyPair::generate_pkcs8(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, &random)
        }
        Algorithm::Es384 => {
            EcdsaKeyPair::generate_pkcs8(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, &random)
        }
        Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random),
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 | Algorithm::Rs256 | Algorithm::Ps256 => {
            return Err(ConfigError::CannotSign);
        }
    };
    let document = document.map_err(|_| ConfigError::NoRandomness)?;
    Ok(Zeroizing::new(document.as_ref().to_vec()))
}

pub(crate) const MOST_RSA_BITS: usize = 8_192;
pub(crate) const SIGNS_RSA: bool = true;
