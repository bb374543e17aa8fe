//! The gate as its callers meet it: whole answers, byte for byte, with time as an argument.
#![cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
#![expect(clippy::unwrap_used, reason = "what a test prepares either is as it says, or the test has failed")]

mod audit;
#[cfg(feature = "axum")]
mod axum;
mod budget;
mod configuration;
mod hostile;
mod layer;
mod limit;
mod operator;
mod order;
mod passes;
mod rejections;
mod revocations;
mod service;
mod store;
