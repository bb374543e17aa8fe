use crate::ConfigError;
use rand::{TryRng, rngs::SysRng};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The 32 bytes of a key: wiped on drop, printed as `[redacted]`, compared in constant time.
///
/// # Examples
/// ```
/// use aetherflow_crypto::Secret;
///
/// let secret = Secret::generate()?;
/// assert_eq!(format!("{secret:?}"), "[redacted]");
/// assert!(secret != Secret::generate()?);
/// # Ok::<(), aetherflow_crypto::ConfigError>(())
/// ```
// On the heap, so that moving a Secret leaves no copy of the bytes behind on the stack.
pub struct Secret(Box<[u8; 32]>);

impl Secret {
    /// Draws a new key from the operating system's generator.
    ///
    /// # Errors
    /// [`ConfigError::NoRandomness`] if the generator fails.
    pub fn generate() -> Result<Self, ConfigError> {
        let mut secret = Self(Box::default());
        SysRng.try_fill_bytes(&mut *secret.0).map_err(|_| ConfigError::NoRandomness)?;
        Ok(secret)
    }

    /// Copies a key; wiping the original stays with the caller.
    ///
    /// # Security
    /// The bytes must be uniformly random. A password or a text is no key.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        let mut secret = Self(Box::default());
        secret.0.copy_from_slice(bytes);
        secret
    }

    /// Shows the bytes, to store them in a place made for keys.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<&[u8]> for Secret {
    type Error = ConfigError;

    /// Copies a key from a slice of exactly 32 bytes; any other length is [`ConfigError::KeyLength`].
    fn try_from(bytes: &[u8]) -> Result<Self, ConfigError> {
        bytes.try_into().map(Self::new).map_err(|_| ConfigError::KeyLength(bytes.len()))
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Secret {}
