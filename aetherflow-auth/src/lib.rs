#![doc = include_str!("../README.md")]
#![deny(clippy::wildcard_enum_match_arm)]

mod allowlist;
pub mod api_key;
pub mod audit;
mod environment;
mod error;
mod familiar;
pub mod jwt;
pub mod key;
mod mac;
mod principal;
pub mod revocation;
pub mod rotation;
mod scope;
mod store;
mod sync;

pub use allowlist::{Allowlist, AllowlistError};
pub use environment::{Environment, EnvironmentError};
pub use error::{ConfigError, MintError, TokenError};
pub use principal::{CredentialKind, Identity, Principal};
pub use scope::{Scope, ScopeError, ScopeSet};
