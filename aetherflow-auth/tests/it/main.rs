//! What the crate promises, one module a topic.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod allowlist;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod api_key;
mod audit;
mod environment;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod forge;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod jwt;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod key;
mod scope;
