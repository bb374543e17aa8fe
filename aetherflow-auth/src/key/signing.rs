use std::fmt;

use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::EllipticCurve;
use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::backend::{self, Material};
use super::jwk;
use super::verifying::VerifyingKey;
use crate::environment::Environment;
use crate::error::ConfigError;

/// A key that signs tokens of one environment, with one algorithm.
///
/// # Security
///
/// The private half is zeroized when the key is dropped, and no method but [`to_pkcs8`](Self::to_pkcs8) gives it out.
pub struct SigningKey {
    id: Box<str>,
    algorithm: Algorithm,
    environment: Environment,
    private: EncodingKey,
    material: Material,
}

impl SigningKey {
    /// Makes a new ES256, ES384 or EdDSA key from the system's randomness. Its id is its RFC 7638 thumbprint.
    ///
    /// # Errors
    ///
    /// [`ConfigError::CannotSign`] for any other algorithm, [`ConfigError::NoRandomness`] if the system gives none,
    /// [`ConfigError::NoBackend`] without a backend.
    pub fn generate(algorithm: Algorithm, environment: Environment) -> Result<Self, ConfigError> {
        Self::from_pkcs8(algorithm, &backend::generate_pkcs8(algorithm)?, environment)
    }

    /// Reads an ES256, ES384 or EdDSA key from PKCS#8 in DER. Its id is its RFC 7638 thumbprint.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnreadableKey`] if the bytes are no key of the algorithm, [`ConfigError::CannotSign`] for any
    /// other algorithm, [`ConfigError::NoBackend`] without a backend.
    pub fn from_pkcs8(
        algorithm: Algorithm,
        der: &[u8],
        environment: Environment,
    ) -> Result<Self, ConfigError> {
        let material = public_half(algorithm, der)?;
        let private = encoding_key(algorithm, der);
        let id = jwk::thumbprint(algorithm, &material)?.into();
        Ok(Self { id, algorithm, environment, private, material })
    }

    /// Keeps a shared secret for HS256, HS384 or HS512, under the id `id`.
    ///
    /// # Errors
    ///
    /// Those of [`VerifyingKey::from_secret`].
    pub fn from_secret(
        id: &str,
        algorithm: Algorithm,
        secret: &[u8],
        environment: Environment,
    ) -> Result<Self, ConfigError> {
        let checked = VerifyingKey::from_secret(id, algorithm, secret)?;
        let private = EncodingKey::from_secret(secret);
        Ok(Self { id: id.into(), algorithm, environment, private, material: checked.material().clone() })
    }

    /// The key's name: a header's `kid`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The one algorithm the key signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The one environment whose tokens the key signs.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// The half that verifies; for a shared secret, the secret itself.
    ///
    /// # Panics
    ///
    /// Never: what this key was built from has built it before.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey::new(&self.id, self.algorithm, self.material.clone())
            .expect("read when the key was built")
    }

    /// The private key as PKCS#8 in DER, to be stored sealed; nothing for a shared secret.
    #[must_use]
    pub fn to_pkcs8(&self) -> Option<Zeroizing<Vec<u8>>> {
        let is_secret = self.algorithm.is_symmetric();
        (!is_secret).then(|| Zeroizing::new(self.private.as_bytes().to_vec()))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ConfigError> {
        backend::sign(self.algorithm, &self.private, message)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SigningKey");
        shown
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .field("environment", &self.environment);
        shown.finish_non_exhaustive()
    }
}

pub(crate) fn encoding_key(algorithm: Algorithm, der: &[u8]) -> EncodingKey {
    match algorithm {
        Algorithm::EdDsa => EncodingKey::from_ed_der(der),
        Algorithm::Rs256 | Algorithm::Ps256 => EncodingKey::from_rsa_der(der),
        Algorithm::Es256 | Algorithm::Es384 => EncodingKey::from_ec_der(der),
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => EncodingKey::from_secret(der),
    }
}

fn public_half(algorithm: Algorithm, der: &[u8]) -> Result<Material, ConfigError> {
    let of = &backend::provider()?.key_utils;
    match algorithm {
        Algorithm::Es256 | Algorithm::Es384 => {
            let point = (of.ec_pub_components_from_private_key)(der, algorithm.for_jsonwebtoken());
            point.map(|(_, x, y)| Material::Point { x, y }).map_err(|_| ConfigError::UnreadableKey)
        }
        Algorithm::EdDsa => {
            let point = (of.ed_pub_components_from_private_key)(der, &EllipticCurve::Ed25519);
            point.map(Material::Edwards).map_err(|_| ConfigError::UnreadableKey)
        }
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 | Algorithm::Rs256 | Algorithm::Ps256 => {
            Err(ConfigError::CannotSign)
        }
    }
}
