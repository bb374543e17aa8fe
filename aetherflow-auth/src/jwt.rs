//! JSON Web Tokens: minted by jsonwebtoken's backends, read and judged here.
//!
//! A token is accepted only if every rule holds, in this order:
//!
//! 1. at most 8 KiB, of which the header at most 2 KiB; three canonical base64url parts (RFC 7515 §3.1);
//! 2. a header of strict JSON without `crit`, `jwk`, `jku`, `x5u`, `x5c`, `zip`, a false `b64`, `cty` JWT or a member
//!    of encryption, whose `kid` names a key, or without `kid` exactly one key fits; its `alg` is the key's;
//! 3. the signature holds (with several issuers, `iss` picks the key set first, and is believed only now);
//! 4. claims of strict JSON, each registered one of its own type even where it is optional;
//! 5. the [`TokenRules`]: type, issuer, audience, environment, mandatory claims, ages, binding;
//! 6. it is not expired, not ahead of its time, and not revoked.
//!
//! ```
//! use aetherflow_auth::jwt::{Grant, Minter, TokenRules, Verifier};
//! use aetherflow_auth::key::{Algorithm, KeySet, SigningKey};
//! use aetherflow_auth::{Environment, TokenError};
//! use chrono::{TimeDelta, Utc};
//!
//! let (issuer, audience, here) = ("https://auth.example", "https://api.example", Environment::production());
//! let key = SigningKey::generate(Algorithm::Es256, here)?;
//! let keys = KeySet::new(issuer, here, [key.verifying_key()])?;
//! let verifier = Verifier::new(TokenRules::access_token(issuer, audience, here)?, keys)?;
//!
//! let grant = Grant::new(here, "alice", audience, TimeDelta::hours(1)).with_scopes("read:workflows".parse()?);
//! let minted = Minter::new(issuer, key)?.mint(&grant)?;
//! assert_eq!(verifier.verify(minted.token())?.principal().identity().subject(), "alice");
//!
//! let later = Utc::now() + TimeDelta::hours(1);
//! assert_eq!(verifier.verify_at(minted.token(), later).unwrap_err(), TokenError::Expired);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod claims;
mod date;
pub(crate) mod json;
mod jws;
mod mint;
mod parse;
mod rules;
mod verified;
mod verify;

pub use jws::{JwsVerifier, SignedBytes};
pub use mint::{Grant, Minted, Minter};
pub use rules::TokenRules;
pub use verified::Verified;
pub use verify::Verifier;
