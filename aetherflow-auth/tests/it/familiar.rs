//! Headers and scopes an issuer wrote before: known by their letters, and no longer than they mean the same.

use aetherflow_auth::jwt::{Grant, Minter, Verifier};
use aetherflow_auth::key::{Algorithm, KeySet, SigningKey, VerifyingKey};
use aetherflow_auth::{Environment, ScopeSet, TokenError};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::forge::{AUDIENCE, ISSUER, claims, claims_with, header, header_with, key, keys, now, rules, sign};

#[test]
fn a_familiar_header_means_its_key_only_as_long_as_that_is_one_of_the_keys() {
    let here = Environment::production();
    let signing = |id, byte: u8| SigningKey::from_secret(id, Algorithm::Hs256, &[byte; 32], here).unwrap();
    let grant = Grant::new(here, "alice", AUDIENCE, TimeDelta::hours(1));
    let token = |key| Minter::new(ISSUER, key).unwrap().mint_at(&grant, now()).unwrap().token().to_owned();
    let keys = [signing("k1", 1).verifying_key(), signing("k2", 2).verifying_key()];
    let set = KeySet::new(ISSUER, here, keys).unwrap();
    let verifier = Verifier::new(rules(), set.clone()).unwrap().with_cache(0);
    let answer = |token: &str| verifier.verify_at(token, now()).map(drop);
    let (one, two) = (token(signing("k1", 1)), token(signing("k2", 2)));
    let forged = format!("{}{}", &one[..one.rfind('.').unwrap()], &two[two.rfind('.').unwrap()..]);
    for round in 0..3 {
        assert_eq!((answer(&one), answer(&two)), (Ok(()), Ok(())), "round {round}");
        assert_eq!(answer(&forged), Err(TokenError::Signature), "round {round}");
    }
    set.replace([signing("k2", 2).verifying_key()]).unwrap();
    assert_eq!((answer(&one), answer(&two)), (Err(TokenError::UnknownKey), Ok(())));
    set.replace([signing("k1", 3).verifying_key(), signing("k2", 2).verifying_key()]).unwrap();
    assert_eq!((answer(&one), answer(&two)), (Err(TokenError::Signature), Ok(())));
}

#[test]
fn a_familiar_header_without_a_key_id_is_refused_once_two_keys_fit() {
    let set = keys();
    let verifier = Verifier::new(rules(), set.clone()).unwrap().with_cache(0);
    let token = sign(&header_with("kid", Value::Null).to_string(), &claims().to_string());
    for _ in 0..2 {
        assert_eq!(verifier.verify_at(&token, now()).map(drop), Ok(()));
    }
    let another = VerifyingKey::from_secret("k2", Algorithm::Hs256, &[2; 32]).unwrap();
    set.replace([key(), another]).unwrap();
    assert_eq!(verifier.verify_at(&token, now()).unwrap_err(), TokenError::UnknownKey);
}

#[test]
fn a_familiar_header_has_its_type_judged_by_the_rules_of_whoever_asks() {
    let set = keys();
    let strict = Verifier::new(rules(), set.clone()).unwrap().with_cache(0);
    let lenient = Verifier::new(rules().legacy_typ(), set).unwrap().with_cache(0);
    let token = sign(&header_with("typ", json!("JWT")).to_string(), &claims().to_string());
    for round in 0..2 {
        assert_eq!(lenient.verify_at(&token, now()).map(drop), Ok(()), "round {round}");
        assert_eq!(strict.verify_at(&token, now()).unwrap_err(), TokenError::Type, "round {round}");
    }
}

#[test]
fn familiar_scopes_are_what_they_were_and_within_the_ceiling_of_whoever_asks() {
    let read = ScopeSet::parse("read:workflows").unwrap();
    let wide = Verifier::new(rules(), keys()).unwrap().with_cache(0);
    let narrow = Verifier::new(rules().with_scope_ceiling(read), keys()).unwrap().with_cache(0);
    let answer = |verifier: &Verifier, scope: &str| {
        let token = sign(&header().to_string(), &claims_with("scope", json!(scope)).to_string());
        let verified = verifier.verify_at(&token, now())?;
        Ok(verified.principal().scopes().as_str().to_owned())
    };
    // More texts than are kept, and each more than once.
    for round in 0..3 {
        for at in 0..20 {
            let text = format!("workflows:read s{at}");
            assert_eq!(answer(&wide, &text), Ok(format!("read:workflows s{at}")), "{round}");
            assert_eq!(answer(&narrow, &text), Ok("read:workflows".to_owned()), "{round}");
        }
        assert_eq!(answer(&wide, "a  b"), Err(TokenError::Malformed), "{round}");
    }
}
