//! Hostile tokens, each one change away from a good one, with the rule it breaks and the answer it must get; and legal
//! spellings of a good one, which must all be accepted.
//!
//! The times in a token are relative to `now`, so that readers with a clock of their own can be asked about it too.

#[path = "corpus/claims.rs"]
mod claims;
#[path = "corpus/forge.rs"]
pub(crate) mod forge;
#[path = "corpus/header.rs"]
mod header;
#[path = "corpus/keys.rs"]
pub(crate) mod keys;
#[path = "corpus/legal.rs"]
mod legal;
#[path = "corpus/shape.rs"]
mod shape;
#[path = "corpus/signature.rs"]
mod signature;

use aetherflow_auth::jwt::{TokenRules, Verifier};
use aetherflow_auth::{Environment, TokenError};

use self::keys::Signer;

/// One token that must be refused.
pub(crate) struct Hostile {
    pub(crate) change: String,
    pub(crate) rule: &'static str,
    pub(crate) signer: Signer,
    pub(crate) token: String,
    pub(crate) want: TokenError,
}

/// One token that must be accepted.
pub(crate) struct Legal {
    pub(crate) spelling: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) signer: Signer,
    pub(crate) token: String,
}

/// The chapters of hostile tokens, by what is changed.
pub(crate) fn hostile(now: i64) -> [(&'static str, Vec<Hostile>); 4] {
    CHAPTERS.map(|(title, chapter)| (title, chapter(now)))
}

pub(crate) fn legal(now: i64) -> Vec<Legal> {
    legal::legal(now)
}

/// What the token is shown to: the shared secret for HS256, the set of all public keys for the others.
pub(crate) fn verifier(signer: Signer) -> Verifier {
    let rules = TokenRules::access_token(ISSUER, AUDIENCE, Environment::production()).unwrap();
    let keys = if signer == Signer::Hs256 { keys::shared_keys() } else { keys::public_keys() };
    Verifier::new(rules, keys).unwrap()
}

type Chapter = (&'static str, fn(i64) -> Vec<Hostile>);

pub(crate) const CHAPTERS: [Chapter; 4] = [
    ("Form and encoding", shape::hostile),
    ("Header", header::hostile),
    ("Signature", signature::hostile),
    (CLAIMS, claims::hostile),
];
/// The one chapter whose tokens change their answer within seconds.
pub(crate) const CLAIMS: &str = "Claims";

pub(crate) const ISSUER: &str = "https://auth.example";
pub(crate) const AUDIENCE: &str = "https://api.example";
/// 2026-01-01T00:00:00Z.
pub(crate) const NOW: i64 = 1_767_225_600;
