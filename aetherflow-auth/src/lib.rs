//! Who is calling, what may they do, what did they do.

mod allowlist;
mod environment;
mod principal;
mod scope;

pub use allowlist::{Allowlist, AllowlistError};
pub use environment::{Environment, EnvironmentError};
pub use principal::{CredentialKind, Identity, Principal};
pub use scope::{Scope, ScopeError, ScopeSet};
