//! What can go wrong: with a configuration, a context, a seal or an open.

use crate::KeyId;

/// Why a key or a key ring was not built; for the operator.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The given bytes are no 256-bit key; holds how many there were.
    #[error("a key has 32 bytes, not {0}")]
    KeyLength(usize),
    /// The operating system's generator gave no bytes.
    #[error("the system's random generator failed")]
    NoRandomness,
    /// Two keys of one ring have this id, so a sealed value could mean either.
    #[error("key id {0} is used twice in one ring")]
    DuplicateKeyId(KeyId),
    /// No key of the ring has the id named as primary.
    #[error("primary key {0} is not in the ring")]
    MissingPrimary(KeyId),
    /// The key named as primary may not be used.
    #[error("primary key {0} is disabled")]
    DisabledPrimary(KeyId),
}

/// Why a [`Context`](crate::Context) was not built: the first part, from the tenant on, that was empty.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ContextError {
    /// The tenant was empty.
    #[error("the context's tenant is empty")]
    EmptyTenant,
    /// The table was empty.
    #[error("the context's table is empty")]
    EmptyTable,
    /// The column was empty.
    #[error("the context's column is empty")]
    EmptyColumn,
    /// The row was empty.
    #[error("the context's row is empty")]
    EmptyRow,
}

/// Why a value was not sealed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The ring's primary key serves another purpose than [`Field`](crate::Purpose::Field).
    #[error("the primary key is not a field key")]
    Purpose,
    /// The plaintext is longer than 2³⁶ - 32 bytes, the most one AES-GCM message may hold.
    #[error("the plaintext is too long for one message")]
    TooLong,
}

/// The sealed value does not open.
///
/// One value for every cause (cut off, altered, moved to another row, sealed under an unknown, disabled or
/// unsuitable key), so that an answer built from it tells a caller who tries nothing about which one it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the sealed value does not open")]
#[non_exhaustive]
pub struct OpenError;
