//! JWK and JWKS (RFC 7517), their members by key type (RFC 7518 §6, RFC 8037 §2), and thumbprints (RFC 7638).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

mod private;

use super::algorithm::Algorithm;
use super::backend;
use super::material::Material;
use super::signing::SigningKey;
use super::verifying::VerifyingKey;
use crate::environment::Environment;
use crate::error::ConfigError;
use crate::jwt::json::{Malformed, Walker};

/// Reads one JWK that verifies.
pub(super) fn read(text: &str) -> Result<VerifyingKey, ConfigError> {
    let jwk = Jwk::walk(text).map_err(|Malformed| ConfigError::MalformedJwk)?;
    if jwk.is_private() {
        return Err(ConfigError::PrivateJwk);
    }
    jwk.check_purpose("verify")?;
    let (algorithm, material) = jwk.key()?;
    match &jwk.kid {
        Some(id) => VerifyingKey::new(id, algorithm, material),
        None => {
            // Before the id, so that a short secret without one is refused as what is worse.
            material.check(algorithm)?;
            VerifyingKey::new(&thumbprint(algorithm, &material)?, algorithm, material)
        }
    }
}

/// Reads one JWK that signs.
pub(super) fn read_private(text: &str, environment: Environment) -> Result<SigningKey, ConfigError> {
    let jwk = Jwk::walk(text).map_err(|Malformed| ConfigError::MalformedJwk)?;
    jwk.check_purpose("sign")?;
    jwk.signing_key(environment)
}

/// The texts of the keys in a JWKS.
pub(super) fn read_set(text: &str) -> Result<Vec<&str>, ConfigError> {
    let mut keys = None;
    let walked = Walker::new(text).whole_object(|name, walker| {
        if name == "keys" {
            keys = Some(walker.raw_items()?);
            return Ok(());
        }
        walker.skip()
    });
    walked.map_err(|Malformed| ConfigError::MalformedJwk)?;
    keys.ok_or(ConfigError::MalformedJwk)
}

/// Writes a public key as JWK; a secret is never written.
pub(super) fn write(key: &VerifyingKey) -> Option<String> {
    let members = public_members(key.algorithm(), key.material())?;
    let id = serde_json::Value::from(key.id());
    let algorithm = key.algorithm();
    Some(format!(r#"{{{members},"alg":"{algorithm}","kid":{id},"use":"sig"}}"#))
}

/// The RFC 7638 thumbprint with SHA-256.
pub(super) fn thumbprint(algorithm: Algorithm, material: &Material) -> Result<String, ConfigError> {
    // A hash of a secret would let anyone test guesses of it, so a secret is always named.
    let members = public_members(algorithm, material).ok_or(ConfigError::KeyId)?;
    backend::sha256(format!("{{{members}}}").as_bytes()).map(|hash| URL_SAFE_NO_PAD.encode(hash))
}

/// The members that make the key, in the order of RFC 7638 §3.3.
fn public_members(algorithm: Algorithm, material: &Material) -> Option<String> {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    Some(match material {
        Material::Secret(_) => return None,
        Material::Edwards(x) => format!(r#""crv":"Ed25519","kty":"OKP","x":"{}""#, text(x)),
        Material::Rsa { modulus, exponent } => {
            format!(r#""e":"{}","kty":"RSA","n":"{}""#, text(exponent), text(modulus))
        }
        Material::Point { x, y } => {
            let curve = if algorithm == Algorithm::Es384 { "P-384" } else { "P-256" };
            format!(r#""crv":"{curve}","kty":"EC","x":"{}","y":"{}""#, text(x), text(y))
        }
    })
}

type Text<'a> = Option<Cow<'a, str>>;

#[derive(Default)]
struct Jwk<'a> {
    kty: Text<'a>,
    crv: Text<'a>,
    alg: Text<'a>,
    kid: Text<'a>,
    usage: Text<'a>,
    operations: Option<Vec<Cow<'a, str>>>,
    x: Text<'a>,
    y: Text<'a>,
    n: Text<'a>,
    e: Text<'a>,
    k: Text<'a>,
    d: Text<'a>,
    p: Text<'a>,
    q: Text<'a>,
    dp: Text<'a>,
    dq: Text<'a>,
    qi: Text<'a>,
    /// More than two primes, or a key of a type that is not read.
    has_other_secrets: bool,
}

impl<'a> Jwk<'a> {
    fn walk(text: &'a str) -> Result<Self, Malformed> {
        let mut jwk = Self::default();
        Walker::new(text).whole_object(|name, walker| {
            match name {
                "kty" => jwk.kty = Some(walker.string()?),
                "crv" => jwk.crv = Some(walker.string()?),
                "alg" => jwk.alg = Some(walker.string()?),
                "kid" => jwk.kid = Some(walker.string()?),
                "use" => jwk.usage = Some(walker.string()?),
                "key_ops" => jwk.operations = Some(walker.strings()?),
                "x" => jwk.x = Some(walker.string()?),
                "y" => jwk.y = Some(walker.string()?),
                "n" => jwk.n = Some(walker.string()?),
                "e" => jwk.e = Some(walker.string()?),
                "k" => jwk.k = Some(walker.string()?),
                "d" => jwk.d = Some(walker.string()?),
                "p" => jwk.p = Some(walker.string()?),
                "q" => jwk.q = Some(walker.string()?),
                "dp" => jwk.dp = Some(walker.string()?),
                "dq" => jwk.dq = Some(walker.string()?),
                "qi" => jwk.qi = Some(walker.string()?),
                "oth" | "priv" => {
                    jwk.has_other_secrets = true;
                    walker.skip()?;
                }
                _ => walker.skip()?,
            }
            Ok(())
        })?;
        Ok(jwk)
    }

    /// Whether it holds the private half of a key pair.
    fn is_private(&self) -> bool {
        let secrets = [&self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi];
        self.has_other_secrets || secrets.into_iter().any(Option::is_some)
    }

    /// `use` and `key_ops`, where present, must both allow the operation; an operation twice, or signatures beside
    /// encryption, are against RFC 7517 §4.3.
    fn check_purpose(&self, operation: &str) -> Result<(), ConfigError> {
        let is_for_signatures = self.usage.as_deref().is_none_or(|usage| usage == "sig");
        let agree = self.operations.as_deref().is_none_or(|all| {
            let is_odd = |at: usize| ENCRYPTION.contains(&&*all[at]) || all[..at].contains(&all[at]);
            all.iter().any(|one| one == operation) && !(0..all.len()).any(is_odd)
        });
        if is_for_signatures && agree { Ok(()) } else { Err(ConfigError::ContradictoryJwk) }
    }

    fn key(&self) -> Result<(Algorithm, Material), ConfigError> {
        let named = match self.alg.as_deref() {
            Some(name) => Some(Algorithm::from_name(name).ok_or(ConfigError::UnsupportedJwk)?),
            None => None,
        };
        match (self.kty.as_deref(), self.crv.as_deref()) {
            (Some("EC"), Some("P-256")) => self.point(agreed(named, Algorithm::Es256)?, 32),
            (Some("EC"), Some("P-384")) => self.point(agreed(named, Algorithm::Es384)?, 48),
            (Some("OKP"), Some("Ed25519")) => {
                let material = Material::Edwards(sized(&self.x, 32)?);
                Ok((agreed(named, Algorithm::EdDsa)?, material))
            }
            (Some("RSA"), None) => self.rsa(named),
            (Some("oct"), None) => self.secret(named),
            (Some("EC" | "OKP"), Some(_)) => Err(ConfigError::UnsupportedJwk),
            (Some("RSA" | "oct"), Some(_)) => Err(ConfigError::ContradictoryJwk),
            (Some("EC" | "OKP") | None, None) | (None, Some(_)) => Err(ConfigError::MalformedJwk),
            (Some(_), _) => Err(ConfigError::UnsupportedJwk),
        }
    }

    fn point(&self, algorithm: Algorithm, length: usize) -> Result<(Algorithm, Material), ConfigError> {
        let material = Material::Point { x: sized(&self.x, length)?, y: sized(&self.y, length)? };
        Ok((algorithm, material))
    }

    fn rsa(&self, named: Option<Algorithm>) -> Result<(Algorithm, Material), ConfigError> {
        let algorithm = match named {
            None | Some(Algorithm::Rs256) => Algorithm::Rs256,
            Some(Algorithm::Ps256) => Algorithm::Ps256,
            Some(_) => return Err(ConfigError::ContradictoryJwk),
        };
        let (modulus, exponent) = (decoded(&self.n)?, decoded(&self.e)?);
        // Zeros in front would be a second spelling of the key, and of its thumbprint (RFC 7518 §6.3.1.1).
        if modulus.first() == Some(&0) || exponent.first() == Some(&0) {
            return Err(ConfigError::MalformedJwk);
        }
        Ok((algorithm, Material::Rsa { modulus, exponent }))
    }

    fn secret(&self, named: Option<Algorithm>) -> Result<(Algorithm, Material), ConfigError> {
        let algorithm = named.ok_or(ConfigError::UnsupportedJwk)?;
        if !algorithm.is_symmetric() {
            return Err(ConfigError::ContradictoryJwk);
        }
        Ok((algorithm, Material::Secret(Zeroizing::new(decoded(&self.k)?))))
    }
}

/// The algorithm the key type gives, unless `alg` names another.
fn agreed(named: Option<Algorithm>, given: Algorithm) -> Result<Algorithm, ConfigError> {
    if named.is_none_or(|named| named == given) { Ok(given) } else { Err(ConfigError::ContradictoryJwk) }
}

fn decoded(text: &Text<'_>) -> Result<Vec<u8>, ConfigError> {
    let text = text.as_deref().ok_or(ConfigError::MalformedJwk)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| ConfigError::MalformedJwk)
}

/// A coordinate has its curve's full length, zeros in front included (RFC 7518 §6.2.1.2).
fn sized(text: &Text<'_>, length: usize) -> Result<Vec<u8>, ConfigError> {
    let bytes = decoded(text)?;
    if bytes.len() == length { Ok(bytes) } else { Err(ConfigError::MalformedJwk) }
}

/// The operations of RFC 7517 §4.3 that are none of a signature.
const ENCRYPTION: [&str; 6] = ["encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"];
