//! What the crate promises, one module a topic.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod allowlist;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod api_key;
mod audit;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod corpus;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod corpus_checks;
#[cfg(feature = "aws-lc-rs")]
mod corpus_page;
mod environment;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod familiar;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod forge;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod jwks;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod jws;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod jwt;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod key;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod key_forms;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod revocation;
#[cfg(all(feature = "redis", any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod revocation_redis;
mod rotation;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod rules;
mod scope;
mod threat_model;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod vectors;
