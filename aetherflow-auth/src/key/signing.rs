use std::fmt;

use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::EllipticCurve;
use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::backend;
use super::material::Material;
use super::verifying::{VerifyingKey, checked_id};
use super::{der, jwk, pem};
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

    /// Reads a private key from PKCS#8 in DER (RFC 5958). Its id is its RFC 7638 thumbprint.
    ///
    /// # Errors
    ///
    /// [`ConfigError::WrongKeyType`] if the key is of another type or curve than `algorithm`;
    /// [`ConfigError::UnreadableKey`] if the bytes are no such document, or its parts do not belong together;
    /// [`ConfigError::CannotSign`] for RS256 and PS256 without aws-lc-rs; a weak RSA key is refused as by
    /// [`VerifyingKey::from_jwk`]; [`ConfigError::NoBackend`] without a backend.
    pub fn from_pkcs8(
        algorithm: Algorithm,
        der: &[u8],
        environment: Environment,
    ) -> Result<Self, ConfigError> {
        let der = der::private(algorithm, der)?;
        let material = public_half(algorithm, &der)?;
        let private = encoding_key(algorithm, &der);
        let id = jwk::thumbprint(algorithm, &material)?.into();
        Ok(Self { id, algorithm, environment, private, material })
    }

    /// Reads a PEM block `PRIVATE KEY` (RFC 7468 §10), which holds what [`from_pkcs8`](Self::from_pkcs8) reads.
    ///
    /// # Errors
    ///
    /// Those of [`from_pkcs8`](Self::from_pkcs8); [`ConfigError::EncryptedPem`] if a password is needed,
    /// [`ConfigError::TraditionalPem`] for `RSA PRIVATE KEY`, `EC PRIVATE KEY` and their like,
    /// [`ConfigError::PemLabel`] for a public key or anything else, and [`ConfigError::MalformedPem`] if the text is
    /// not one block of RFC 7468's strict form.
    pub fn from_pkcs8_pem(
        algorithm: Algorithm,
        pem: &str,
        environment: Environment,
    ) -> Result<Self, ConfigError> {
        Self::from_pkcs8(algorithm, &pem::decode(pem, "PRIVATE KEY")?, environment)
    }

    /// Reads one private JWK (RFC 7517 §4), or a shared secret with its `kid`. Without `kid` a private key goes by its
    /// RFC 7638 thumbprint.
    ///
    /// # Errors
    ///
    /// Those of [`VerifyingKey::from_jwk`] and [`from_pkcs8`](Self::from_pkcs8); [`ConfigError::PublicJwk`] without
    /// private members, [`ConfigError::MismatchedJwk`] if the public ones belong to another key, and
    /// [`ConfigError::UnsupportedJwk`] for an RSA key of `d` alone or of more than two primes.
    pub fn from_jwk(text: &str, environment: Environment) -> Result<Self, ConfigError> {
        jwk::read_private(text, environment)
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

    /// Gives the key another name than its thumbprint.
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
    ///
    /// # Panics
    ///
    /// Never: what is written was read when the key was built.
    #[must_use]
    pub fn to_pkcs8(&self) -> Option<Zeroizing<Vec<u8>>> {
        let private = self.private.as_bytes();
        match self.algorithm {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => None,
            Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => Some(Zeroizing::new(private.to_vec())),
            Algorithm::Rs256 | Algorithm::Ps256 => {
                Some(der::pkcs8(self.algorithm, private).expect("read from PKCS#8 when the key was built"))
            }
        }
    }

    pub(super) fn material(&self) -> &Material {
        &self.material
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
        Algorithm::Rs256 | Algorithm::Ps256 => rsa_public_half(algorithm, der),
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => Err(ConfigError::WrongKeyType),
    }
}

fn rsa_public_half(algorithm: Algorithm, der: &[u8]) -> Result<Material, ConfigError> {
    if !backend::SIGNS_RSA {
        return Err(ConfigError::CannotSign);
    }
    let material = der::rsa_public_half(der)?;
    material.check(algorithm)?;
    // Parsed by the backend too, which sees whether primes and exponents belong together.
    let parsed = (backend::provider()?.key_utils.rsa_pub_components_from_private_key)(der);
    parsed.map(|_| material).map_err(|_| ConfigError::UnreadableKey)
}
