//! The gate as its callers meet it: whole answers, byte for byte, with time as an argument.
#![cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]

mod budget;
mod limit;
mod order;
mod passes;
mod rejections;
mod service;
