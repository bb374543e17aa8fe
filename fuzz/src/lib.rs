//! The bodies of the fuzz targets.
//!
//! Each takes any bytes and panics when a law is broken. libFuzzer drives them in `fuzz_targets/`; on a stable
//! toolchain `tests/replay.rs` runs them over the committed corpora, so that a finding stays a test.

mod claims;
mod field;
mod jwks;
mod limit_decide;
mod limit_fields;
mod limit_table;
mod token;

pub use claims::token_claims;
pub use field::field_open;
pub use jwks::jwks_import;
pub use limit_decide::limit_decide;
pub use limit_fields::limit_fields;
pub use limit_table::limit_table;
pub use token::token_verify;

/// A target's body: whether the input was accepted.
pub type Target = fn(&[u8]) -> bool;

/// Every target by the name of its corpus.
pub const TARGETS: [(&str, Target); 7] = [
    ("token_verify", token_verify),
    ("field_open", field_open),
    ("token_claims", token_claims),
    ("jwks_import", jwks_import),
    ("limit_fields", limit_fields),
    ("limit_decide", limit_decide),
    ("limit_table", limit_table),
];
