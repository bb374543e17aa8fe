//! Black-box tests of the running server: the real program, over real sockets.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is an assertion")]

#[expect(dead_code, reason = "the tour prints its requests, the tests do not")]
#[path = "../../src/tour/client.rs"]
mod client;
mod configuration;
mod credential_rules;
mod curl;
mod forms;
mod issuer;
mod life;
mod listening;
mod records;
mod server;
mod trust_jwks;
