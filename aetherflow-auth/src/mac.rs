//! HMAC-SHA-256 over the chosen backend; with both features on, aws-lc-rs.

use std::fmt;

use crate::ConfigError;

pub(crate) const TAG_BYTES: usize = 32;

/// A secret that makes tags; the backend wipes it.
#[derive(Clone)]
pub(crate) struct MacKey(Backend);

impl MacKey {
    /// Takes a secret of at least the hash's length, which RFC 2104 §3 advises and shorter ones weaken.
    pub(crate) fn new(secret: &[u8]) -> Result<Self, ConfigError> {
        if secret.len() < TAG_BYTES {
            return Err(ConfigError::ShortSecret { least: TAG_BYTES });
        }
        backend(secret).map(Self)
    }

    pub(crate) fn tag(&self, text: &[u8]) -> [u8; TAG_BYTES] {
        tag(&self.0, text)
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(feature = "aws-lc-rs")]
type Backend = aws_lc_rs::hmac::Key;

#[cfg(feature = "aws-lc-rs")]
fn backend(secret: &[u8]) -> Result<Backend, ConfigError> {
    Ok(Backend::new(aws_lc_rs::hmac::HMAC_SHA256, secret))
}

#[cfg(feature = "aws-lc-rs")]
fn tag(key: &Backend, text: &[u8]) -> [u8; TAG_BYTES] {
    let mut tag = [0; TAG_BYTES];
    tag.copy_from_slice(aws_lc_rs::hmac::sign(key, text).as_ref());
    tag
}

// A signer of jsonwebtoken cannot be shared between threads, so the secret is kept and each tag builds its own.
#[cfg(all(feature = "rust-crypto", not(feature = "aws-lc-rs")))]
type Backend = jsonwebtoken::EncodingKey;

#[cfg(all(feature = "rust-crypto", not(feature = "aws-lc-rs")))]
fn backend(secret: &[u8]) -> Result<Backend, ConfigError> {
    let key = Backend::from_secret(secret);
    hs256(&key).map_err(|_| ConfigError::UnreadableKey)?;
    Ok(key)
}

#[cfg(all(feature = "rust-crypto", not(feature = "aws-lc-rs")))]
fn tag(key: &Backend, text: &[u8]) -> [u8; TAG_BYTES] {
    let signer = hs256(key).expect("backend() made a signer of this key");
    let made = signer.try_sign(text).expect("HMAC takes a text of any length");
    let mut tag = [0; TAG_BYTES];
    tag.copy_from_slice(&made);
    tag
}

#[cfg(all(feature = "rust-crypto", not(feature = "aws-lc-rs")))]
fn hs256(key: &Backend) -> jsonwebtoken::errors::Result<Box<dyn jsonwebtoken::crypto::JwtSigner>> {
    let factory = jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER.signer_factory;
    factory(&jsonwebtoken::Algorithm::HS256, key)
}

#[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
type Backend = std::convert::Infallible;

#[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
fn backend(_secret: &[u8]) -> Result<Backend, ConfigError> {
    Err(ConfigError::NoBackend)
}

#[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
fn tag(key: &Backend, _text: &[u8]) -> [u8; TAG_BYTES] {
    match *key {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_secret_is_refused_by_every_backend() {
        let refused = MacKey::new(&[7; TAG_BYTES - 1]).unwrap_err();
        assert_eq!(refused, ConfigError::ShortSecret { least: TAG_BYTES });
    }

    #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
    #[test]
    fn tags_are_those_of_rfc_4231_case_6() {
        let key = MacKey::new(&[0xaa; 131]).unwrap();
        let tag = key.tag(b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(
            tag,
            [
                0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f, 0x0d, 0x8a, 0x26, 0xaa, 0xcb, 0xf5, 0xb7,
                0x7f, 0x8e, 0x0b, 0xc6, 0x21, 0x37, 0x28, 0xc5, 0x14, 0x05, 0x46, 0x04, 0x0f, 0x0e, 0xe3,
                0x7f, 0x54,
            ]
        );
    }

    #[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
    #[test]
    fn without_a_backend_no_key_is_made() {
        assert_eq!(MacKey::new(&[7; TAG_BYTES]).unwrap_err(), ConfigError::NoBackend);
    }
}
