//! JWK and JWKS (RFC 7517), their members by key type (RFC 7518 §6, RFC 8037 §2), and thumbprints (RFC 7638).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::backend::{self, Material};
use super::verifying::VerifyingKey;
use crate::error::ConfigError;
use crate::jwt::json::{Malformed, Walker};

/// Reads one JWK.
pub(super) fn read(text: &str) -> Result<VerifyingKey, ConfigError> {
    let jwk = Jwk::walk(text).map_err(|Malformed| ConfigError::MalformedJwk)?;
    if jwk.is_private && jwk.kty.as_deref() != Some("oct") {
        return Err(ConfigError::PrivateJwk);
    }
    jwk.check_purpose()?;
    let (algorithm, material) = jwk.key()?;
    match &jwk.kid {
        Some(id) => VerifyingKey::new(id, algorithm, material),
        None => VerifyingKey::new(&thumbprint(algorithm, &material)?, algorithm, material),
    }
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
    is_private: bool,
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
                "d" | "p" | "q" | "dp" | "dq" | "qi" | "oth" | "priv" => {
                    jwk.is_private = true;
                    walker.skip()?;
                }
                _ => walker.skip()?,
            }
            Ok(())
        })?;
        Ok(jwk)
    }

    /// `use` and `key_ops`, where present, must both allow to verify (RFC 7517 §4.2, §4.3).
    fn check_purpose(&self) -> Result<(), ConfigError> {
        let is_for_signatures = self.usage.as_deref().is_none_or(|usage| usage == "sig");
        let may_verify = self.operations.as_ref().is_none_or(|all| all.iter().any(|one| one == "verify"));
        if is_for_signatures && may_verify { Ok(()) } else { Err(ConfigError::ContradictoryJwk) }
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
        check_rsa(&modulus, &exponent)?;
        Ok((algorithm, Material::Rsa { modulus, exponent }))
    }

    fn secret(&self, named: Option<Algorithm>) -> Result<(Algorithm, Material), ConfigError> {
        let algorithm = named.ok_or(ConfigError::UnsupportedJwk)?;
        if !algorithm.is_symmetric() {
            return Err(ConfigError::ContradictoryJwk);
        }
        let secret = Zeroizing::new(decoded(&self.k)?);
        let least = algorithm.least_secret();
        if secret.len() < least {
            return Err(ConfigError::ShortSecret { least });
        }
        Ok((algorithm, Material::Secret(secret)))
    }
}

/// The algorithm the key type gives, unless `alg` names another.
fn agreed(named: Option<Algorithm>, given: Algorithm) -> Result<Algorithm, ConfigError> {
    if named.is_none_or(|named| named == given) { Ok(given) } else { Err(ConfigError::ContradictoryJwk) }
}

/// Refuses a modulus or an exponent too small to be safe, or written in more than one way (RFC 7518 §6.3.1).
fn check_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), ConfigError> {
    if modulus.first() == Some(&0) || exponent.first() == Some(&0) {
        return Err(ConfigError::MalformedJwk);
    }
    let is_even = modulus.last().is_none_or(|byte| byte % 2 == 0);
    let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
    if is_even || !(2_048..=8_192).contains(&bits) {
        return Err(ConfigError::RsaSize);
    }
    let is_small = exponent.len() < 3 || exponent.len() > 4;
    if is_small || exponent.last().is_none_or(|byte| byte % 2 == 0) {
        return Err(ConfigError::RsaExponent);
    }
    Ok(())
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
