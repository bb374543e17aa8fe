use std::sync::Arc;

use aetherflow_auth::jwt::{Grant, Minter, TokenRules, Verifier};
use aetherflow_auth::key::{Algorithm, KeySet, SigningKey};
use aetherflow_auth::revocation::Revocations;
use aetherflow_auth::{ConfigError, CredentialKind, Environment, MintError, TokenError};
use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::forge::{
    AUDIENCE, ISSUER, NOW, claims, claims_with, good, header, header_with, key, keys, now, rules, sign,
    sign_bytes, sign_text, verifier,
};

fn refusal(token: &str) -> TokenError {
    verifier().verify_at(token, now()).unwrap_err()
}

#[test]
fn a_good_token_gives_the_principal_it_names() {
    let verified = verifier().verify_at(good(), now()).unwrap();
    let caller = verified.principal();
    let name = (caller.identity().issuer(), caller.identity().tenant(), caller.identity().subject());
    assert_eq!(name, (ISSUER, "acme", "alice"));
    assert_eq!(caller.scopes().as_str(), "read:workflows write:workflows");
    assert_eq!((caller.plan(), caller.client(), caller.credential_id()), (Some("pro"), None, "t1"));
    assert_eq!(
        (caller.kind(), caller.environment()),
        (CredentialKind::AccessToken, Environment::production())
    );
    assert_eq!((caller.issued_at().timestamp(), caller.expires_at().timestamp()), (NOW, NOW + 3600));
    assert!(caller.allowlist().unwrap().contains("203.0.113.9".parse().unwrap()));
}

#[test]
fn each_single_change_to_the_claims_has_its_own_reason() {
    use TokenError::{
        Audience, Bound, Environment, Expired, IssuedInFuture, Issuer, Lifetime, Malformed, MissingClaim,
        NotYetValid,
    };
    for (change, name, value, want) in [
        ("expires exactly now", "exp", json!(NOW), Expired),
        ("expired half a second ago", "exp", json!(NOW as f64 - 0.5), Expired),
        ("no expiry", "exp", Value::Null, MissingClaim),
        ("expiry as text", "exp", json!("1767229200"), Malformed),
        ("lives 90 days and a second", "exp", json!(NOW + 90 * 86_400 + 1), Lifetime),
        ("lives for ever", "exp", json!(1e300), Lifetime),
        ("issued six seconds ahead", "iat", json!(NOW + 6), IssuedInFuture),
        ("no issue time", "iat", Value::Null, MissingClaim),
        ("issue time as truth", "iat", json!(true), Malformed),
        ("begins in a second", "nbf", json!(NOW + 1), NotYetValid),
        ("begin as text", "nbf", json!("0"), Malformed),
        ("another issuer", "iss", json!("https://auth.example.evil"), Issuer),
        ("issuer with a slash", "iss", json!("https://auth.example/"), Issuer),
        ("issuer as an array", "iss", json!([ISSUER]), Malformed),
        ("no issuer", "iss", Value::Null, MissingClaim),
        ("no subject", "sub", Value::Null, MissingClaim),
        ("empty subject", "sub", json!(""), Malformed),
        ("subject is a number", "sub", json!(7), Malformed),
        ("audience of a sibling service", "aud", json!("https://billing.example"), Audience),
        ("audience in another case", "aud", json!("https://API.example"), Audience),
        ("audience is a number", "aud", json!(7), Malformed),
        ("audience is an empty array", "aud", json!([]), Audience),
        ("audience array with a number", "aud", json!([AUDIENCE, 7]), Malformed),
        ("no audience", "aud", Value::Null, MissingClaim),
        ("no id", "jti", Value::Null, MissingClaim),
        ("id is a number", "jti", json!(1), Malformed),
        ("no environment", "env", Value::Null, MissingClaim),
        ("another environment", "env", json!("staging"), Environment),
        ("environment in another case", "env", json!("Production"), Environment),
        ("environment by its key prefix", "env", json!("live"), Environment),
        ("scopes as an array", "scope", json!(["read:workflows"]), Malformed),
        ("scopes with two spaces", "scope", json!("a  b"), Malformed),
        ("scopes with a quote", "scope", json!("a\"b"), Malformed),
        ("empty tenant", "tenant", json!(""), Malformed),
        ("plan is a number", "plan", json!(1), Malformed),
        ("client is an array", "client_id", json!([]), Malformed),
        ("addresses as text", "ip", json!("203.0.113.0/24"), Malformed),
        ("an address that is none", "ip", json!(["203.0.113.0/33"]), Malformed),
        ("bound to a key", "cnf", json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}), Bound),
    ] {
        let token = sign(&header().to_string(), &claims_with(name, value).to_string());
        assert_eq!(refusal(&token), want, "{change}");
    }
}

#[test]
fn each_single_change_to_the_header_has_its_own_reason() {
    use TokenError::{Algorithm, Header, Malformed, Type, UnknownKey};
    for (change, name, value, want) in [
        ("no algorithm", "alg", Value::Null, Malformed),
        ("algorithm none", "alg", json!("none"), Algorithm),
        ("algorithm in another case", "alg", json!("hs256"), Algorithm),
        ("a longer hash", "alg", json!("HS512"), Algorithm),
        ("a public-key algorithm", "alg", json!("ES256"), Algorithm),
        ("no type", "typ", Value::Null, Type),
        ("type JWT", "typ", json!("JWT"), Type),
        ("type of an id token", "typ", json!("id+jwt"), Type),
        ("type with a parameter", "typ", json!("at+jwt;v=1"), Type),
        ("another key", "kid", json!("k2"), UnknownKey),
        ("a path for a key", "kid", json!("../k1"), UnknownKey),
        ("key id is a number", "kid", json!(1), Malformed),
        ("an extension", "crit", json!(["exp"]), Header),
        ("an embedded key", "jwk", json!({"kty": "oct", "k": "AAAA"}), Header),
        ("a key by URL", "jku", json!("https://evil.example"), Header),
        ("compressed", "zip", json!("DEF"), Header),
    ] {
        let token = sign(&header_with(name, value).to_string(), &claims().to_string());
        assert_eq!(refusal(&token), want, "{change}");
    }
}

#[test]
fn a_token_in_any_legal_spelling_is_accepted() {
    let plain = claims().to_string();
    let escaped = plain.replace("\"sub\"", "\"s\\u0075b\"").replace("alice", "\\u0061lice");
    let spaced = format!(" \n{}\t", plain.replace(',', " ,\r\n "));
    for (spelling, token) in [
        ("escaped names and values", sign(&header().to_string(), &escaped)),
        ("white space", sign(&format!(" {} ", header()), &spaced)),
        ("type in capitals", sign(&header_with("typ", json!("AT+JWT")).to_string(), &plain)),
        ("type in full", sign(&header_with("typ", json!("application/at+jwt")).to_string(), &plain)),
        ("no key id while one key fits", sign(&header_with("kid", Value::Null).to_string(), &plain)),
        ("unknown header member", sign(&header_with("x5t", json!("abc")).to_string(), &plain)),
        (
            "several audiences",
            sign(&header().to_string(), &claims_with("aud", json!(["x", AUDIENCE])).to_string()),
        ),
        (
            "fractional expiry",
            sign(&header().to_string(), &claims_with("exp", json!(NOW as f64 + 0.5)).to_string()),
        ),
        ("begins now", sign(&header().to_string(), &claims_with("nbf", json!(NOW)).to_string())),
        (
            "issued five seconds ahead",
            sign(&header().to_string(), &claims_with("iat", json!(NOW + 5)).to_string()),
        ),
        (
            "lives 90 days",
            sign(&header().to_string(), &claims_with("exp", json!(NOW + 90 * 86_400)).to_string()),
        ),
        (
            "unknown claims",
            sign(&header().to_string(), &claims_with("x", json!({"exp": [null, 1.5]})).to_string()),
        ),
    ] {
        let subject =
            verifier().verify_at(&token, now()).map(|good| good.principal().identity().subject().to_owned());
        assert_eq!(subject.as_deref(), Ok("alice"), "{spelling}");
    }
}

#[test]
fn claims_that_are_no_strict_object_are_malformed_under_a_good_signature() {
    let (head, plain) = (header().to_string(), claims().to_string());
    for (fault, body) in [
        ("an array in field order", format!("[\"{ISSUER}\",\"alice\"]")),
        ("a claim twice", plain.replacen('{', "{\"sub\":\"bob\",", 1)),
        ("a claim twice, once escaped", plain.replacen('{', "{\"s\\u0075b\":\"bob\",", 1)),
        ("a nested member twice", plain.replacen('{', "{\"x\":{\"a\":1,\"a\":2},", 1)),
        ("bytes behind the object", format!("{plain}x")),
        ("a lone surrogate", plain.replace("alice", "\\ud800")),
        ("a comment", plain.replacen('{', "{/**/", 1)),
        ("text", "\"alice\"".to_owned()),
    ] {
        assert_eq!(refusal(&sign(&head, &body)), TokenError::Malformed, "{fault}");
    }
    let invalid_utf8 = [br#"{"x":""#.as_slice(), &[0xff], br#""}"#].concat();
    assert_eq!(refusal(&sign_bytes(head.as_bytes(), &invalid_utf8)), TokenError::Malformed);
}

#[test]
fn other_encodings_of_the_same_token_are_refused() {
    let token = good();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (head, body) = signed.split_once('.').unwrap();
    assert_eq!(refusal(&format!("{token}=")), TokenError::Malformed);
    assert_eq!(refusal(&format!(" {token}")), TokenError::Malformed);
    assert_eq!(refusal(&format!("{token}.")), TokenError::Malformed);
    assert_eq!(refusal(&format!("{signed}.")), TokenError::Malformed);
    assert_eq!(refusal(&sign_text(&format!("{head}=.{body}"))), TokenError::Malformed);
    // The 43rd character of 32 bytes carries two bits that must be zero.
    let mut loose = signature.to_owned();
    let last = loose.pop().unwrap();
    loose.push(char::from(last as u8 + 1));
    assert_eq!(refusal(&format!("{signed}.{loose}")), TokenError::Malformed);
}

#[test]
fn a_signature_under_another_key_does_not_hold() {
    let other = KeySet::new(
        ISSUER,
        Environment::production(),
        [SigningKey::from_secret(
            "k1",
            Algorithm::Hs256,
            b"another secret of thirty-two byte",
            Environment::production(),
        )
        .unwrap()
        .verifying_key()],
    )
    .unwrap();
    let verifier = Verifier::new(rules(), other).unwrap();
    assert_eq!(verifier.verify_at(good(), now()).unwrap_err(), TokenError::Signature);
}

#[test]
fn a_leeway_moves_expiry_and_begin_by_so_much_and_no_more() {
    let verifier = Verifier::new(rules().with_leeway(TimeDelta::seconds(60)).unwrap(), keys()).unwrap();
    let at = |name, value| sign(&header().to_string(), &claims_with(name, value).to_string());
    let old = claims_with("iat", json!(NOW - 100)).to_string();
    let expired = |ago: i64| {
        sign(&header().to_string(), &old.replace(&(NOW + 3600).to_string(), &(NOW - ago).to_string()))
    };
    assert_eq!(verifier.verify_at(expired(59), now()).map(|_| ()), Ok(()));
    assert_eq!(verifier.verify_at(expired(60), now()).unwrap_err(), TokenError::Expired);
    assert_eq!(verifier.verify_at(at("nbf", json!(NOW + 60)), now()).map(|_| ()), Ok(()));
    assert_eq!(verifier.verify_at(at("nbf", json!(NOW + 61)), now()).unwrap_err(), TokenError::NotYetValid);
    assert_eq!(rules().with_leeway(TimeDelta::seconds(61)).unwrap_err(), ConfigError::Leeway);
    assert_eq!(rules().with_leeway(TimeDelta::seconds(-1)).unwrap_err(), ConfigError::Leeway);
}

#[test]
fn a_remembered_token_is_still_checked_for_time_revocation_and_key() {
    let (keys, revocations) = (keys(), Arc::new(Revocations::new()));
    let verifier = Verifier::new(rules(), keys.clone()).unwrap().with_revocations(Arc::clone(&revocations));
    let token = good();
    assert_eq!(verifier.cached_at(&token, now()).map(|hit| hit.map(|_| ())), None);
    assert_eq!(verifier.verify_at(&token, now()).map(|_| ()), Ok(()));
    let hit = |at| verifier.cached_at(&token, at).map(|hit| hit.map(|_| ()));
    assert_eq!(hit(now()), Some(Ok(())));
    assert_eq!(hit(now() + TimeDelta::seconds(3599)), Some(Ok(())));
    assert_eq!(hit(now() + TimeDelta::seconds(3600)), Some(Err(TokenError::Expired)));

    keys.replace([key()]).unwrap();
    assert_eq!(hit(now()), Some(Ok(())), "a refresh that changes nothing empties nothing");

    revocations.revoke_token("https://other.example", "t1", now());
    assert_eq!(hit(now()), Some(Ok(())), "an id of another issuer");
    revocations.revoke_token(ISSUER, "t1", now() + TimeDelta::hours(1));
    assert_eq!(hit(now()), Some(Err(TokenError::Revoked)));

    keys.replace([]).unwrap();
    assert_eq!(hit(now()), None);
    assert_eq!(verifier.verify_at(&token, now()).unwrap_err(), TokenError::UnknownKey);
}

#[test]
fn a_genuine_refusal_is_remembered_and_a_forgery_is_not() {
    let verifier = verifier();
    let foreign = sign(&header().to_string(), &claims_with("aud", json!("billing")).to_string());
    assert_eq!(verifier.verify_at(&foreign, now()).unwrap_err(), TokenError::Audience);
    assert_eq!(
        verifier.cached_at(&foreign, now()).map(|hit| hit.map(|_| ())),
        Some(Err(TokenError::Audience))
    );
    let forged = flip_last(&good());
    assert_eq!(verifier.verify_at(&forged, now()).unwrap_err(), TokenError::Signature);
    assert_eq!(verifier.cached_at(&forged, now()).map(|hit| hit.map(|_| ())), None);
}

/// The token with one bit of its signature changed, canonically encoded.
fn flip_last(token: &str) -> String {
    let (rest, last) = token.split_at(token.len() - 2);
    let first = if last.starts_with('A') { 'B' } else { 'A' };
    format!("{rest}{first}{}", &last[1..])
}

#[test]
fn the_cache_keeps_to_its_bound_and_what_is_in_use() {
    let verifier = verifier().with_cache(64);
    let token =
        |id: usize| sign(&header().to_string(), &claims_with("jti", json!(format!("t{id}"))).to_string());
    let favourite = token(0);
    for id in 0..500 {
        assert_eq!(verifier.verify_at(&favourite, now()).map(|_| ()), Ok(()));
        assert_eq!(verifier.verify_at(token(id), now()).map(|_| ()), Ok(()));
    }
    let remembered = (0..500).filter(|id| verifier.cached_at(token(*id), now()).is_some()).count();
    assert_eq!(remembered, 64);
    assert!(verifier.cached_at(&favourite, now()).is_some());
    let off = crate::forge::verifier().with_cache(0);
    assert_eq!(off.verify_at(&favourite, now()).map(|_| ()), Ok(()));
    assert_eq!(off.cached_at(&favourite, now()).map(|hit| hit.map(|_| ())), None);
}

#[test]
fn a_token_that_ends_as_a_remembered_one_is_not_taken_for_it() {
    let verifier = verifier();
    let long = sign(&header().to_string(), &claims_with("note", json!("n".repeat(2_000))).to_string());
    for good in [good(), long] {
        assert_eq!(verifier.verify_at(&good, now()).map(drop), Ok(()));
        for at in 0..good.len() {
            let mut other = good.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(verifier.cached_at(&other, now()).map(|hit| hit.map(drop)), None, "{at}");
            let answer = verifier.verify_at(&other, now()).map(drop);
            assert!(answer.is_err_and(|error| !error.is_genuine()), "{at}");
        }
        for other in [&good[1..], &format!("e30.{good}"), &good[good.len() - 43..]] {
            assert_eq!(verifier.cached_at(other, now()).map(|hit| hit.map(drop)), None, "{other}");
        }
        assert_eq!(verifier.cached_at(&good, now()).map(|hit| hit.map(drop)), Some(Ok(())));
    }
}

#[test]
fn several_issuers_are_told_apart_by_name_and_never_by_trial() {
    let other = "https://other.example";
    let rules = TokenRules::access_token(other, AUDIENCE, Environment::production()).unwrap();
    let others = KeySet::new(other, Environment::production(), [key()]).unwrap();
    let both = verifier().with_issuer(rules.clone(), others.clone()).unwrap();
    assert_eq!(both.verify_at(good(), now()).unwrap().principal().identity().issuer(), ISSUER);
    let foreign = sign(&header().to_string(), &claims_with("iss", json!(other)).to_string());
    assert_eq!(both.verify_at(&foreign, now()).unwrap().principal().identity().issuer(), other);
    let stranger =
        sign(&header().to_string(), &claims_with("iss", json!("https://third.example")).to_string());
    assert_eq!(both.verify_at(&stranger, now()).unwrap_err(), TokenError::UnknownKey);
    // What is no token has its claims not walked to find whose it is.
    assert_eq!(both.verify_at(stranger.replacen('.', "!.", 1), now()).unwrap_err(), TokenError::Malformed);

    others.replace([]).unwrap();
    assert_eq!(both.verify_at(&foreign, now()).unwrap_err(), TokenError::UnknownKey);
    assert_eq!(both.with_issuer(rules, others).unwrap_err(), ConfigError::DuplicateIssuer);
}

#[test]
fn rules_and_keys_of_different_issuers_or_environments_are_refused() {
    let staging = TokenRules::access_token(ISSUER, AUDIENCE, Environment::staging()).unwrap();
    assert_eq!(Verifier::new(staging, keys()).unwrap_err(), ConfigError::MixedEnvironments);
    let other =
        TokenRules::access_token("https://other.example", AUDIENCE, Environment::production()).unwrap();
    assert_eq!(Verifier::new(other, keys()).unwrap_err(), ConfigError::MixedIssuers);
    let empty = TokenRules::access_token(ISSUER, "", Environment::production());
    assert_eq!(empty.unwrap_err(), ConfigError::EmptyName);
}

#[test]
fn the_claims_are_given_as_the_type_asked_for() {
    #[derive(Debug, serde::Deserialize)]
    struct Team {
        team: String,
    }
    let token = sign(&header().to_string(), &claims_with("team", json!("ops")).to_string());
    assert_eq!(verifier().verify_claims_at::<Team>(&token, now()).unwrap().claims().team, "ops");
    assert_eq!(verifier().verify_claims_at::<Team>(&good(), now()).unwrap_err(), TokenError::Claims);
}

#[test]
fn a_minted_token_says_what_was_granted_and_verifies_only_while_it_lives() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        let here = Environment::production();
        let key = SigningKey::generate(algorithm, here).unwrap();
        let keys = KeySet::new(ISSUER, here, [key.verifying_key()]).unwrap();
        let verifier = Verifier::new(rules(), keys).unwrap();
        let grant = Grant::new(here, "alice", AUDIENCE, TimeDelta::hours(1))
            .with_scopes("workflows:read".parse().unwrap())
            .with_tenant("acme")
            .with_client("afcl_0123456789ab")
            .with_plan("free");
        let minted = Minter::new(ISSUER, key).unwrap().mint_at(&grant, now()).unwrap();
        let verified = verifier.verify_at(minted.token(), now()).unwrap();
        let caller = verified.principal();
        assert_eq!(
            (caller.identity().tenant(), caller.identity().subject()),
            ("acme", "alice"),
            "{algorithm}"
        );
        assert_eq!((caller.client(), caller.plan()), (Some("afcl_0123456789ab"), Some("free")));
        assert_eq!((caller.scopes().as_str(), caller.credential_id()), ("read:workflows", minted.id()));
        assert_eq!(caller.expires_at(), minted.expires_at());
        assert_eq!(verifier.verify_at(minted.token(), minted.expires_at()).unwrap_err(), TokenError::Expired);
    }
}

#[test]
fn a_minter_refuses_what_no_verifier_would_accept() {
    let here = Environment::production();
    let minter = Minter::new(ISSUER, SigningKey::generate(Algorithm::Es256, here).unwrap()).unwrap();
    let hour = TimeDelta::hours(1);
    let grant = |lifetime| Grant::new(here, "alice", AUDIENCE, lifetime);
    let long = "x".repeat(7_000);
    for (fault, grant, want) in [
        (
            "another environment",
            Grant::new(Environment::staging(), "alice", AUDIENCE, hour),
            MintError::Environment,
        ),
        ("no lifetime", grant(TimeDelta::zero()), MintError::Lifetime),
        ("less than a second", grant(TimeDelta::milliseconds(999)), MintError::Lifetime),
        ("90 days and a second", grant(TimeDelta::days(90) + TimeDelta::seconds(1)), MintError::Lifetime),
        ("no subject", Grant::new(here, "", AUDIENCE, hour), MintError::EmptyName),
        ("no audience", Grant::new(here, "alice", "", hour), MintError::EmptyName),
        ("an empty tenant", grant(hour).with_tenant(""), MintError::EmptyName),
        ("a token above 8 KiB", Grant::new(here, &long, AUDIENCE, hour), MintError::TooLong),
    ] {
        assert_eq!(minter.mint_at(&grant, now()).unwrap_err(), want, "{fault}");
    }
}

#[test]
fn no_secret_shows_in_a_debug_print() {
    let here = Environment::production();
    let minter = Minter::new(ISSUER, SigningKey::generate(Algorithm::Es256, here).unwrap()).unwrap();
    let minted = minter.mint_at(&Grant::new(here, "alice", AUDIENCE, TimeDelta::hours(1)), now()).unwrap();
    let token = minted.token();
    let signature = token.rsplit('.').next().unwrap();
    assert_eq!(format!("{minted:?}").matches(signature).count(), 0);
    let verifier = verifier();
    assert_eq!(verifier.verify_at(good(), now()).map(|_| ()), Ok(()));
    let remembered = good();
    let shown = format!("{verifier:?}");
    assert_eq!((shown.contains("Memo"), shown.matches(&remembered).count()), (true, 0));
    let shared = SigningKey::from_secret("k1", Algorithm::Hs256, crate::forge::SECRET, here).unwrap();
    let shown = format!("{shared:?} {:?}", shared.verifying_key());
    assert_eq!(shown.matches("secret of").count() + shown.matches("97, 32").count(), 0, "{shown}");
}

proptest! {
    #[test]
    fn any_changed_byte_of_a_token_is_refused(at in 0usize..10_000, byte in any::<u8>()) {
        let token = good();
        let at = at % token.len();
        prop_assume!(token.as_bytes()[at] != byte);
        let mut bytes = token.into_bytes();
        bytes[at] = byte;
        if let Ok(changed) = String::from_utf8(bytes) {
            prop_assert_eq!(verifier().verify_at(&changed, now()).err().is_some(), true);
        }
    }

    #[test]
    fn no_text_makes_verification_panic(text in "\\PC{0,40}\\.\\PC{0,40}\\.\\PC{0,40}|\\PC*") {
        prop_assert!(verifier().verify_at(&text, now()).is_err());
    }
}
