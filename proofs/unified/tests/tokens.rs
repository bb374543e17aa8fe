//! The corpus once more, with every feature on that another crate could turn on.
#![allow(dead_code, reason = "the corpus is shared with tests that need more of it")]

#[path = "../../../aetherflow-auth/tests/it/corpus.rs"]
mod corpus;

use aetherflow_auth::jwt::{Grant, Minter, TokenRules, Verifier};
use aetherflow_auth::key::{Algorithm, KeySet, SigningKey};
use aetherflow_auth::{Environment, TokenError};
use chrono::{DateTime, TimeDelta, Utc};

use corpus::keys::Signer;
use corpus::{AUDIENCE, ISSUER, NOW, hostile, legal, verifier};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

#[test]
fn the_features_of_this_tree_are_really_on() {
    let exact = "1.00000000000000000000000000000000001";
    assert_eq!(serde_json::from_str::<serde_json::Value>(exact).unwrap().to_string(), exact);
    let order = r#"{"b":1,"a":2}"#;
    assert_eq!(serde_json::from_str::<serde_json::Value>(order).unwrap().to_string(), order);
    let backends = [
        &jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER,
        &jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER,
    ];
    assert!(!std::ptr::eq(backends[0], backends[1]));
}

#[test]
fn every_hostile_token_is_refused_for_the_same_reason_as_elsewhere() {
    for (chapter, cases) in hostile(NOW) {
        for case in cases {
            let got = verifier(case.signer).verify_at(&case.token, now()).map(drop);
            assert_eq!(got, Err(case.want), "{chapter}, {}", case.change);
        }
    }
}

#[test]
fn every_legal_spelling_is_accepted_as_elsewhere() {
    for case in legal(NOW) {
        let got = verifier(case.signer).verify_at(&case.token, now()).map(drop);
        assert_eq!(got, Ok(()), "{}", case.spelling);
    }
}

#[test]
fn a_minted_token_verifies_and_its_claims_read_as_a_type() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Times {
        exp: i64,
        iat: i64,
        aud: String,
    }
    let here = Environment::production();
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        let key = SigningKey::generate(algorithm, here).unwrap();
        let keys = KeySet::new(ISSUER, here, [key.verifying_key()]).unwrap();
        let verifier =
            Verifier::new(TokenRules::access_token(ISSUER, AUDIENCE, here).unwrap(), keys).unwrap();
        let grant = Grant::new(here, "alice", AUDIENCE, TimeDelta::hours(1));
        let minted = Minter::new(ISSUER, key).unwrap().mint_at(&grant, now()).unwrap();
        let verified = verifier.verify_claims_at::<Times>(minted.token(), now()).unwrap();
        assert_eq!(*verified.claims(), Times { exp: NOW + 3600, iat: NOW, aud: AUDIENCE.to_owned() });
        let late = verifier.verify_at(minted.token(), minted.expires_at()).map(drop);
        assert_eq!(late, Err(TokenError::Expired));
    }
    assert_eq!(Signer::Hs256.name(), "HS256");
}
