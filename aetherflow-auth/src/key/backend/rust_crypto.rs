//! Pure Rust, by way of jsonwebtoken's RustCrypto provider, which reads a key again at every call.

use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier};
use rand::TryRng as _;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::key::algorithm::Algorithm;
use crate::key::der;
use crate::key::material::Material;

pub(crate) struct PublicCheck {
    algorithm: jsonwebtoken::Algorithm,
    key: DecodingKey,
}

impl PublicCheck {
    pub(crate) fn new(algorithm: Algorithm, material: &Material) -> Result<Self, ConfigError> {
        let key = match material {
            Material::Secret(_) => return Err(ConfigError::WrongKeyType),
            Material::Point { .. } => DecodingKey::from_ec_der(&material.encoded()?),
            Material::Edwards(point) => DecodingKey::from_ed_der(point),
            Material::Rsa { modulus, exponent } => DecodingKey::from_rsa_raw_components(modulus, exponent),
        };
        let checker = Self { algorithm: algorithm.for_jsonwebtoken(), key };
        match checker.verifier() {
            Some(_) => Ok(checker),
            None => Err(material.unreadable()),
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

/// A new private key as PKCS#8, around random bytes.
pub(crate) fn generate_pkcs8(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let length = match algorithm {
        Algorithm::Es256 | Algorithm::EdDsa => 32,
        Algorithm::Es384 => 48,
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 | Algorithm::Rs256 | Algorithm::Ps256 => {
            return Err(ConfigError::CannotSign);
        }
    };
    // Fewer than one in 2^32 strings is no scalar of its curve; a second draw ends it.
    for _ in 0..4 {
        let mut scalar = Zeroizing::new(vec![0; length]);
        SysRng.try_fill_bytes(&mut scalar).map_err(|_| ConfigError::NoRandomness)?;
        let document = der::pkcs8_of_scalar(algorithm, &scalar)?;
        let key = super::super::signing::encoding_key(algorithm, &document);
        if super::sign(algorithm, &key, b"").is_ok() {
            return Ok(document);
        }
    }
    Err(ConfigError::NoRandomness)
}

/// The `rsa` crate's own bound; without it every signature of a longer key would be refused as forged.
pub(crate) const MOST_RSA_BITS: usize = 4_096;
/// Private-key operations of the `rsa` crate take a time that depends on the key (RUSTSEC-2023-0071, Marvin).
pub(crate) const SIGNS_RSA: bool = false;
