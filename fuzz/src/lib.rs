//! The bodies of the fuzz targets.
//!
//! Each takes any bytes and panics when a law is broken. libFuzzer drives them in `fuzz_targets/`; on a stable
//! toolchain `tests/replay.rs` runs them over the committed corpora, so that a finding stays a test.

mod field;
mod token;

pub use field::field_open;
pub use token::token_verify;

/// A target's body: whether the input was accepted.
pub type Target = fn(&[u8]) -> bool;

/// Every target by the name of its corpus.
pub const TARGETS: [(&str, Target); 2] = [("token_verify", token_verify), ("field_open", field_open)];
