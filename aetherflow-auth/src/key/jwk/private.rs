use zeroize::Zeroizing;

use super::{Jwk, Text, decoded, sized};
use crate::environment::Environment;
use crate::error::ConfigError;
use crate::key::algorithm::Algorithm;
use crate::key::der;
use crate::key::material::Material;
use crate::key::signing::SigningKey;

impl Jwk<'_> {
    /// The key that signs. Its public half is made anew from the private one, and must be the one written.
    pub(super) fn signing_key(&self, environment: Environment) -> Result<SigningKey, ConfigError> {
        let (algorithm, material) = self.key()?;
        let document = match &material {
            Material::Secret(secret) => {
                let id = self.kid.as_deref().ok_or(ConfigError::KeyId)?;
                return SigningKey::from_secret(id, algorithm, secret, environment);
            }
            Material::Point { x, .. } => self.scalar(algorithm, x.len())?,
            Material::Edwards(point) => self.scalar(algorithm, point.len())?,
            Material::Rsa { modulus, exponent } => self.primes(algorithm, modulus, exponent)?,
        };
        let key = SigningKey::from_pkcs8(algorithm, &document, environment)?;
        if *key.material() != material {
            return Err(ConfigError::MismatchedJwk);
        }
        match self.kid.as_deref() {
            Some(id) => key.with_id(id),
            None => Ok(key),
        }
    }

    /// `d` has its curve's full length (RFC 7518 §6.2.2.1, RFC 8037 §2).
    fn scalar(&self, algorithm: Algorithm, length: usize) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
        if !self.is_private() {
            return Err(ConfigError::PublicJwk);
        }
        let scalar = Zeroizing::new(sized(&self.d, length)?);
        der::pkcs8_of_scalar(algorithm, &scalar)
    }

    /// All of RFC 7518 §6.3.2 but `oth`: the backend has no use for a `d` alone.
    fn primes(
        &self,
        algorithm: Algorithm,
        modulus: &[u8],
        exponent: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
        let texts = [&self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi];
        if !self.is_private() {
            return Err(ConfigError::PublicJwk);
        }
        if self.has_other_secrets || texts.into_iter().any(Option::is_none) {
            return Err(ConfigError::UnsupportedJwk);
        }
        let secret = |text: &Text<'_>| decoded(text).map(Zeroizing::new);
        let [d, p, q, dp, dq, qi] = texts.map(secret);
        let (d, p, q, dp, dq, qi) = (d?, p?, q?, dp?, dq?, qi?);
        der::pkcs8_of_rsa(algorithm, [modulus, exponent, &d, &p, &q, &dp, &dq, &qi])
    }
}
