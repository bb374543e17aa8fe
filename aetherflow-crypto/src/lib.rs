#![doc = include_str!("../README.md")]
#![deny(clippy::wildcard_enum_match_arm)]

mod context;
mod error;
mod field;
mod key;
mod keyring;
mod pae;
mod plaintext;
mod secret;
pub mod stage;
pub mod text;
mod xaes;

pub use context::Context;
pub use error::{ConfigError, ContextError, OpenError, SealError};
pub use key::{KeyId, Purpose, RingKey};
pub use keyring::KeyRing;
pub use plaintext::Plaintext;
pub use secret::Secret;
