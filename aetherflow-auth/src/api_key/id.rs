//! The public name of an API key.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{ApiKeyError, base62};

pub(super) const DIGITS: usize = 12;

/// The public part of an API key, 12 base62 digits, by which its record is found.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
// Invariant: ASCII letters and digits only.
pub struct KeyId([u8; DIGITS]);

impl KeyId {
    /// Reads an id.
    ///
    /// # Errors
    ///
    /// [`ApiKeyError::Malformed`] for anything but 12 base62 digits.
    pub fn parse(text: &str) -> Result<Self, ApiKeyError> {
        if !base62::is_word(text, DIGITS) {
            return Err(ApiKeyError::Malformed);
        }
        text.as_bytes().try_into().map(Self).map_err(|_| ApiKeyError::Malformed)
    }

    pub(super) fn random() -> Self {
        let mut digits = [0; DIGITS];
        let Ok(()) = base62::draw(&mut rand::rng(), &mut digits);
        Self(digits)
    }

    /// The 12 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        text(&self.0)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Cow::<str>::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

fn text(digits: &[u8; DIGITS]) -> &str {
    std::str::from_utf8(digits).expect("an id holds ASCII letters and digits only")
}
