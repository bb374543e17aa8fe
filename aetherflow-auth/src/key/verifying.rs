use std::fmt;

use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::backend::Checker;
use super::material::Material;
use super::{der, jwk, pem};
use crate::error::ConfigError;

/// A key that verifies signatures of one algorithm.
///
/// It means nothing alone: a [`KeySet`](super::KeySet) says for which issuer and environment it speaks.
pub struct VerifyingKey {
    id: Box<str>,
    algorithm: Algorithm,
    material: Material,
    checker: Checker,
}

impl VerifyingKey {
    /// Reads one JWK (RFC 7517 §4). Without `kid` the key goes by its RFC 7638 thumbprint.
    ///
    /// An RSA key without `alg` is one for RS256.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names what is wrong with the key: a form that is not RFC 7517's, an algorithm that is not
    /// listed in [`Algorithm`], a weak key, or members that disagree.
    pub fn from_jwk(text: &str) -> Result<Self, ConfigError> {
        jwk::read(text)
    }

    /// Reads SubjectPublicKeyInfo in DER (RFC 5280 §4.1). The key goes by its RFC 7638 thumbprint.
    ///
    /// # Errors
    ///
    /// [`ConfigError::WrongKeyType`] if the key is of another type or curve than `algorithm`, or `algorithm` is an
    /// HMAC; [`ConfigError::CompressedPoint`] if a point has but one coordinate; [`ConfigError::UnreadableKey`] if
    /// the bytes are no such document. Weak keys are refused as by [`from_jwk`](Self::from_jwk).
    pub fn from_spki_der(algorithm: Algorithm, der: &[u8]) -> Result<Self, ConfigError> {
        let material = der::public(algorithm, der)?;
        Self::new(&jwk::thumbprint(algorithm, &material)?, algorithm, material)
    }

    /// Reads a PEM block `PUBLIC KEY` (RFC 7468 §13), which holds what [`from_spki_der`](Self::from_spki_der) reads.
    ///
    /// # Errors
    ///
    /// Those of [`from_spki_der`](Self::from_spki_der); [`ConfigError::TraditionalPem`] for a block `RSA PUBLIC KEY`,
    /// [`ConfigError::PemLabel`] for a certificate, a private key or anything else, and
    /// [`ConfigError::MalformedPem`] if the text is not one block of RFC 7468's strict form.
    pub fn from_spki_pem(algorithm: Algorithm, pem: &str) -> Result<Self, ConfigError> {
        Self::from_spki_der(algorithm, &pem::decode(pem, "PUBLIC KEY")?)
    }

    /// Keeps a shared secret; the holder can sign as well as verify.
    ///
    /// # Errors
    ///
    /// [`ConfigError::ShortSecret`] below the bytes of the algorithm's hash, [`ConfigError::UnsupportedJwk`] if
    /// `algorithm` is no HMAC, [`ConfigError::KeyId`] if `id` has no characters or more than 256.
    pub fn from_secret(id: &str, algorithm: Algorithm, secret: &[u8]) -> Result<Self, ConfigError> {
        if !algorithm.is_symmetric() {
            return Err(ConfigError::UnsupportedJwk);
        }
        Self::new(id, algorithm, Material::Secret(Zeroizing::new(secret.to_vec())))
    }

    /// Gives the key the name its issuer uses for it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::KeyId`] if `id` has no characters or more than 256.
    pub fn with_id(self, id: &str) -> Result<Self, ConfigError> {
        Ok(Self { id: checked_id(id)?, ..self })
    }

    /// The key's name: a header's `kid`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The one algorithm the key is for.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn new(id: &str, algorithm: Algorithm, material: Material) -> Result<Self, ConfigError> {
        let id = checked_id(id)?;
        material.check(algorithm)?;
        let checker = Checker::new(algorithm, &material)?;
        Ok(Self { id, algorithm, material, checker })
    }

    /// Whether the signature is this key's over the message.
    pub(crate) fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        // DER and zero-padded ECDSA forms have another length (RFC 7518 §3.4).
        let fits = self.algorithm.signature_length().is_none_or(|length| signature.len() == length);
        fits && self.checker.holds(message, signature)
    }

    pub(crate) fn material(&self) -> &Material {
        &self.material
    }

    /// Whether both are the same key under the same name.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.id == other.id && self.algorithm == other.algorithm && self.material == other.material
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("VerifyingKey");
        shown.field("id", &self.id).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

pub(super) fn checked_id(id: &str) -> Result<Box<str>, ConfigError> {
    if id.is_empty() || id.len() > MAX_ID { Err(ConfigError::KeyId) } else { Ok(id.into()) }
}

pub(super) const MAX_ID: usize = 256;
