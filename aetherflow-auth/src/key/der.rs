//! Keys in DER: SubjectPublicKeyInfo (RFC 5280 §4.1, RFC 3279 §2.3, RFC 5480 §2, RFC 8410 §4) and PKCS#8 (RFC 5958).

use pkcs1::{RsaPrivateKey, RsaPublicKey};
use pkcs8::der::asn1::{AnyRef, OctetStringRef, UintRef};
use pkcs8::der::{Decode as _, Encode as _};
use pkcs8::{AlgorithmIdentifierRef, ObjectIdentifier, PrivateKeyInfo, SubjectPublicKeyInfoRef};
use sec1::EcPrivateKey;
use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::material::Material;
use crate::error::ConfigError;

/// Reads a public key, whose type and curve must be the algorithm's.
pub(super) fn public(algorithm: Algorithm, der: &[u8]) -> Result<Material, ConfigError> {
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| ConfigError::UnreadableKey)?;
    if info.algorithm != identifier(algorithm)? {
        return Err(ConfigError::WrongKeyType);
    }
    let bits = info.subject_public_key.as_bytes().ok_or(ConfigError::UnreadableKey)?;
    match algorithm {
        Algorithm::EdDsa => Ok(Material::Edwards(bits.to_vec())),
        Algorithm::Es256 => uncompressed(bits, 32),
        Algorithm::Es384 => uncompressed(bits, 48),
        Algorithm::Rs256 | Algorithm::Ps256 => {
            let key = RsaPublicKey::from_der(bits).map_err(|_| ConfigError::UnreadableKey)?;
            Ok(rsa_material(&key))
        }
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => Err(ConfigError::WrongKeyType),
    }
}

/// Reads what the backend signs with: the PKCS#8 document itself, or for RSA the RSAPrivateKey inside.
pub(super) fn private(algorithm: Algorithm, der: &[u8]) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let info = PrivateKeyInfo::from_der(der).map_err(|_| ConfigError::UnreadableKey)?;
    if info.algorithm != identifier(algorithm)? {
        return Err(ConfigError::WrongKeyType);
    }
    let is_rsa = matches!(algorithm, Algorithm::Rs256 | Algorithm::Ps256);
    if !is_rsa && algorithm != Algorithm::EdDsa {
        check_point_beside(algorithm, info.private_key)?;
    }
    Ok(Zeroizing::new(if is_rsa { info.private_key.to_vec() } else { der.to_vec() }))
}

/// Refuses an ECPrivateKey (RFC 5915 §3) whose point, if it brings one, has another form than a public key's. The
/// backends compare the point with the scalar, but some read X9.62's hybrid form too.
fn check_point_beside(algorithm: Algorithm, der: &[u8]) -> Result<(), ConfigError> {
    let key = EcPrivateKey::from_der(der).map_err(|_| ConfigError::UnreadableKey)?;
    let length = if algorithm == Algorithm::Es384 { 48 } else { 32 };
    key.public_key.map_or(Ok(()), |point| uncompressed(point, length).map(drop))
}

/// The public half of an RSAPrivateKey of two primes (RFC 8017 A.1.2).
pub(super) fn rsa_public_half(der: &[u8]) -> Result<Material, ConfigError> {
    let key = RsaPrivateKey::from_der(der).map_err(|_| ConfigError::UnreadableKey)?;
    if key.other_prime_infos.is_some() {
        Err(ConfigError::UnreadableKey)
    } else {
        Ok(rsa_material(&key.public_key()))
    }
}

/// Wraps what [`private`] takes out, or a document a backend made, into PKCS#8.
pub(super) fn pkcs8(algorithm: Algorithm, private: &[u8]) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let written = PrivateKeyInfo::new(identifier(algorithm)?, private).to_der();
    written.map(Zeroizing::new).map_err(|_| ConfigError::UnreadableKey)
}

/// PKCS#8 of an ECDSA scalar (RFC 5915) or an Ed25519 seed (RFC 8410 §7).
pub(crate) fn pkcs8_of_scalar(
    algorithm: Algorithm,
    scalar: &[u8],
) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let inner = match algorithm {
        Algorithm::EdDsa => OctetStringRef::new(scalar).and_then(|seed| seed.to_der()),
        Algorithm::Es256
        | Algorithm::Es384
        | Algorithm::Hs256
        | Algorithm::Hs384
        | Algorithm::Hs512
        | Algorithm::Rs256
        | Algorithm::Ps256 => {
            EcPrivateKey { private_key: scalar, parameters: None, public_key: None }.to_der()
        }
    };
    let inner = inner.map(Zeroizing::new).map_err(|_| ConfigError::UnreadableKey)?;
    pkcs8(algorithm, &inner)
}

/// The numbers of an RSA private key, in the order of RFC 8017 A.1.2: n, e, d, p, q, d mod (p-1), d mod (q-1), q⁻¹ mod p.
pub(super) fn pkcs8_of_rsa(
    algorithm: Algorithm,
    numbers: [&[u8]; 8],
) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let written = || {
        let [modulus, public_exponent, private_exponent, prime1, prime2, exponent1, exponent2, coefficient] =
            numbers.map(UintRef::new);
        RsaPrivateKey {
            modulus: modulus?,
            public_exponent: public_exponent?,
            private_exponent: private_exponent?,
            prime1: prime1?,
            prime2: prime2?,
            exponent1: exponent1?,
            exponent2: exponent2?,
            coefficient: coefficient?,
            other_prime_infos: None,
        }
        .to_der()
    };
    let inner = written().map(Zeroizing::new).map_err(|_| ConfigError::UnreadableKey)?;
    pkcs8(algorithm, &inner)
}

/// The one identifier a key of the algorithm may carry, parameters included.
fn identifier(algorithm: Algorithm) -> Result<AlgorithmIdentifierRef<'static>, ConfigError> {
    let (oid, parameters) = match algorithm {
        Algorithm::Es256 => (EC, Some(AnyRef::from(&P256))),
        Algorithm::Es384 => (EC, Some(AnyRef::from(&P384))),
        Algorithm::EdDsa => (ED25519, None),
        Algorithm::Rs256 | Algorithm::Ps256 => (RSA, Some(AnyRef::NULL)),
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => return Err(ConfigError::WrongKeyType),
    };
    Ok(AlgorithmIdentifierRef { oid, parameters })
}

/// A point in SEC 1's uncompressed form, the one RFC 5480 §2.2 makes mandatory.
fn uncompressed(bits: &[u8], length: usize) -> Result<Material, ConfigError> {
    match bits {
        [4, coordinates @ ..] if coordinates.len() == 2 * length => {
            let (x, y) = coordinates.split_at(length);
            Ok(Material::Point { x: x.to_vec(), y: y.to_vec() })
        }
        [2 | 3, x @ ..] if x.len() == length => Err(ConfigError::CompressedPoint),
        _ => Err(ConfigError::OffCurve),
    }
}

fn rsa_material(key: &RsaPublicKey<'_>) -> Material {
    let bytes = |number: UintRef<'_>| number.as_bytes().to_vec();
    Material::Rsa { modulus: bytes(key.modulus), exponent: bytes(key.public_exponent) }
}

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
static P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
static P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
