//! HMAC (RFC 2104), by RustCrypto under every backend: aws-lc takes half as long again for a token (docs/decisions.md).

use std::fmt;

use hmac::{Hmac, KeyInit, Mac as _};
use sha2::{Sha256, Sha384, Sha512};

use crate::ConfigError;
use crate::key::{Algorithm, backend};

pub(crate) const TAG_BYTES: usize = 32;

/// A secret that makes tags by SHA-256; wiped when dropped.
#[derive(Clone)]
pub(crate) struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// Takes a secret of at least the hash's length, which RFC 2104 §3 advises and shorter ones weaken.
    pub(crate) fn new(secret: &[u8]) -> Result<Self, ConfigError> {
        if secret.len() < TAG_BYTES {
            return Err(ConfigError::ShortSecret { least: TAG_BYTES });
        }
        backend::provider()?;
        keyed(secret).map(Self)
    }

    pub(crate) fn tag(&self, text: &[u8]) -> [u8; TAG_BYTES] {
        self.0.clone().chain_update(text).finalize().into_bytes().into()
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A secret that checks the tags of one algorithm; wiped when dropped.
pub(crate) enum MacCheck {
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

impl MacCheck {
    pub(crate) fn new(algorithm: Algorithm, secret: &[u8]) -> Result<Self, ConfigError> {
        Ok(match algorithm {
            Algorithm::Hs256 => Self::Sha256(keyed(secret)?),
            Algorithm::Hs384 => Self::Sha384(keyed(secret)?),
            Algorithm::Hs512 => Self::Sha512(keyed(secret)?),
            Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa | Algorithm::Rs256 | Algorithm::Ps256 => {
                return Err(ConfigError::WrongKeyType);
            }
        })
    }

    /// Compares in constant time; a shortened tag is none.
    pub(crate) fn holds(&self, message: &[u8], tag: &[u8]) -> bool {
        match self {
            Self::Sha256(key) => key.clone().chain_update(message).verify_slice(tag).is_ok(),
            Self::Sha384(key) => key.clone().chain_update(message).verify_slice(tag).is_ok(),
            Self::Sha512(key) => key.clone().chain_update(message).verify_slice(tag).is_ok(),
        }
    }
}

fn keyed<M: KeyInit>(secret: &[u8]) -> Result<M, ConfigError> {
    M::new_from_slice(secret).map_err(|_| ConfigError::UnreadableKey)
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
