//! A window's name, kept in place.

use std::fmt;

use crate::error::ConfigError;

/// Holds a short text that can stand between the quotes of a structured field's string (RFC 9651, 3.3.3) as it is.
///
/// It lives in place: no allocation and no counter that two cores would fight over.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Name {
    // Invariant: the first `len` bytes are printable ASCII without quote and backslash; the rest are zero.
    len: u8,
    bytes: [u8; Name::MOST],
}

impl Name {
    const MOST: usize = 31;

    pub(crate) fn new(text: &str) -> Result<Self, ConfigError> {
        let plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
        let mut bytes = [0; Self::MOST];
        let room = bytes.get_mut(..text.len()).ok_or(ConfigError::WindowName)?;
        room.copy_from_slice(text.as_bytes());
        match u8::try_from(text.len()) {
            Ok(len) if len > 0 && text.bytes().all(plain) => Ok(Self { len, bytes }),
            Ok(_) | Err(_) => Err(ConfigError::WindowName),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        let text = &self.bytes[..usize::from(self.len)];
        str::from_utf8(text).expect("ASCII by the invariant")
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
