//! Keys: one key, one algorithm.
//!
//! The algorithm comes from the key, never from a token. A weak or contradictory key is refused when it is built, so
//! that nothing is left to check when a token comes. A [`KeySet`] belongs to one issuer and one environment; a
//! [`SigningKey`] to one environment.
//!
//! ```
//! use aetherflow_auth::Environment;
//! use aetherflow_auth::key::{Algorithm, KeySet, SigningKey};
//!
//! let signing = SigningKey::generate(Algorithm::Es256, Environment::production())?;
//! let keys = KeySet::new("https://auth.example", Environment::production(), [signing.verifying_key()])?;
//! assert_eq!(keys.to_jwks().matches(r#""crv":"P-256""#).count(), 1);
//! # Ok::<(), aetherflow_auth::ConfigError>(())
//! ```

mod algorithm;
pub(crate) mod backend;
mod der;
mod edwards;
mod jwk;
#[cfg_attr(
    not(any(feature = "aws-lc-rs", feature = "rust-crypto")),
    expect(dead_code, reason = "without a backend no key is parsed")
)]
mod material;
mod pem;
mod refresh;
mod rsa;
pub(crate) mod set;
mod signing;
mod source;
mod unknown;
mod verifying;

pub use algorithm::Algorithm;
pub use refresh::{JwksRefresh, RefreshError, Refreshed, Timer};
pub use set::{KeySet, RefusedKey};
pub use signing::SigningKey;
pub use source::{Fetch, JwksSource, SourceError};
pub use verifying::VerifyingKey;

#[cfg(test)]
mod tests;
