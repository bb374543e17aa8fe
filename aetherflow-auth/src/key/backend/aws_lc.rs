//! aws-lc-rs: keys are parsed once and kept.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, ParsedPublicKey, VerificationAlgorithm};
use jsonwebtoken::crypto::CryptoProvider;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use zeroize::Zeroizing;

use super::Material;
use crate::error::ConfigError;
use crate::key::algorithm::Algorithm;

pub(crate) enum Checker {
    Mac(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

impl Checker {
    pub(crate) fn new(algorithm: Algorithm, material: &Material) -> Result<Self, ConfigError> {
        let how: &'static dyn VerificationAlgorithm = match algorithm {
            Algorithm::Hs256 => return Ok(Self::mac(hmac::HMAC_SHA256, material)),
            Algorithm::Hs384 => return Ok(Self::mac(hmac::HMAC_SHA384, material)),
            Algorithm::Hs512 => return Ok(Self::mac(hmac::HMAC_SHA512, material)),
            Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
            Algorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
            Algorithm::EdDsa => &signature::ED25519,
            Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        };
        let encoded = match material {
            Material::Rsa { modulus, exponent } => Zeroizing::new(pkcs1(modulus, exponent)),
            Material::Secret(_) | Material::Point { .. } | Material::Edwards(_) => material.encoded(),
        };
        let key = ParsedPublicKey::new(how, encoded.as_slice());
        key.map(Self::Public).map_err(|_| ConfigError::OffCurve)
    }

    pub(crate) fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Mac(key) => hmac::verify(key, message, signature).is_ok(),
            Self::Public(key) => key.verify_sig(message, signature).is_ok(),
        }
    }

    fn mac(hash: hmac::Algorithm, material: &Material) -> Self {
        Self::Mac(Box::new(hmac::Key::new(hash, &material.encoded())))
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

/// RSAPublicKey in DER (RFC 8017 A.1.1), so that the key is parsed once.
fn pkcs1(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers = [der_integer(modulus), der_integer(exponent)].concat();
    der(0x30, &numbers)
}

fn der_integer(magnitude: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if magnitude.first().is_some_and(|byte| *byte >= 0x80) { &[0] } else { &[] };
    der(0x02, &[sign, magnitude].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let header = match length.as_slice() {
        [] => vec![tag, 0],
        [short] if *short < 0x80 => vec![tag, *short],
        // At most eight bytes of length, so the count fits in the byte.
        long => [&[tag, 0x80 | long.len().to_le_bytes()[0]], long].concat(),
    };
    [header.as_slice(), content].concat()
}
