use crate::{Secret, xaes::Xaes};
use std::fmt;

/// One key of a ring: an id, the purpose it serves, and whether it may be used.
///
/// The purpose decides the algorithm, never a ciphertext. A field key is an XAES-256-GCM key.
// The cipher is boxed so that moving a key leaves no copy of its schedule behind on the stack.
pub struct RingKey {
    id: KeyId,
    purpose: Purpose,
    state: State,
    cipher: Box<Xaes>,
}

impl RingKey {
    /// Makes an active key.
    ///
    /// # Security
    /// A secret serves one key: under a second purpose or in a second ring it would loosen the bounds of both.
    #[must_use]
    pub fn new(id: KeyId, purpose: Purpose, secret: &Secret) -> Self {
        Self { id, purpose, state: State::Active, cipher: Box::new(Xaes::new(secret.expose())) }
    }

    /// Keeps the key in its ring but out of use: it seals nothing and opens nothing.
    #[must_use]
    pub fn disabled(self) -> Self {
        Self { state: State::Disabled, ..self }
    }

    pub(crate) fn id(&self) -> KeyId {
        self.id
    }

    pub(crate) fn is_active(&self) -> bool {
        match self.state {
            State::Active => true,
            State::Disabled => false,
        }
    }

    /// The cipher, for a use that this key serves and is not barred from.
    pub(crate) fn cipher_for(&self, purpose: Purpose) -> Option<&Xaes> {
        (self.is_active() && self.purpose == purpose).then_some(&*self.cipher)
    }
}

impl fmt::Debug for RingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingKey")
            .field("id", &self.id)
            .field("purpose", &self.purpose)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// The name of a key within its ring; stands in clear, big endian, in whatever the key sealed.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyId([u8; 4]);

impl KeyId {
    /// Takes any number, `0xdead_beef` for the id printed as `deadbeef`.
    #[must_use]
    pub const fn new(id: u32) -> Self {
        Self(id.to_be_bytes())
    }

    pub(crate) const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn to_bytes(self) -> [u8; 4] {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// The only use a key may be put to.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Purpose {
    /// Seals and opens field values.
    Field,
    /// Wraps other keys.
    Wrap,
    /// Makes blind indexes.
    Index,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Active,
    Disabled,
}
