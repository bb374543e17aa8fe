//! Pure Rust, by way of jsonwebtoken's RustCrypto provider, which reads a key again at every call.

use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier};
use rand::TryRng as _;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use super::Material;
use crate::error::ConfigError;
use crate::key::algorithm::Algorithm;

pub(crate) struct Checker {
    algorithm: jsonwebtoken::Algorithm,
    key: DecodingKey,
}

impl Checker {
    pub(crate) fn new(algorithm: Algorithm, material: &Material) -> Result<Self, ConfigError> {
        let key = match material {
            Material::Secret(secret) => DecodingKey::from_secret(secret),
            Material::Point { .. } => DecodingKey::from_ec_der(&material.encoded()),
            Material::Edwards(point) => DecodingKey::from_ed_der(point),
            Material::Rsa { modulus, exponent } => DecodingKey::from_rsa_raw_components(modulus, exponent),
        };
        let checker = Self { algorithm: algorithm.for_jsonwebtoken(), key };
        match checker.verifier() {
            Some(_) => Ok(checker),
            None => Err(ConfigError::OffCurve),
        }
    }

    pub(crate) fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifier().is_some_and(|verifier| verifier.verify(message, &signature.to_vec()).is_ok())
    }

    fn verifier(&self) -> Option<Box<dyn JwtVerifier>> {
        (DEFAULT_PROVIDER.verifier_factory)(&self.algorithm, &self.key).ok()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "one signature for all backends")]
pub(crate) fn provider() -> Result<&'static CryptoProvider, ConfigError> {
    Ok(&DEFAULT_PROVIDER)
}

/// A new private key as PKCS#8 (RFC 5958, RFC 5915, RFC 8410): random bytes behind a fixed head.
pub(crate) fn generate_pkcs8(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let (head, length): (&[u8], usize) = match algorithm {
        Algorithm::Es256 => (&P256_HEAD, 32),
        Algorithm::Es384 => (&P384_HEAD, 48),
        Algorithm::EdDsa => (&ED25519_HEAD, 32),
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 | Algorithm::Rs256 | Algorithm::Ps256 => {
            return Err(ConfigError::CannotSign);
        }
    };
    // Fewer than one in 2^32 strings is no scalar of its curve; a second draw ends it.
    for _ in 0..4 {
        let mut document = Zeroizing::new(head.to_vec());
        document.resize(head.len() + length, 0);
        SysRng.try_fill_bytes(&mut document[head.len()..]).map_err(|_| ConfigError::NoRandomness)?;
        let key = super::super::signing::encoding_key(algorithm, &document);
        if super::sign(algorithm, &key, b"").is_ok() {
            return Ok(document);
        }
    }
    Err(ConfigError::NoRandomness)
}

const P256_HEAD: [u8; 35] = [
    0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20,
];
const P384_HEAD: [u8; 32] = [
    0x30, 0x4e, 2, 1, 0, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22,
    4, 0x37, 0x30, 0x35, 2, 1, 1, 4, 0x30,
];
const ED25519_HEAD: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
