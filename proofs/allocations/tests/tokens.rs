//! How often and how much the verification of a token allocates.
#![allow(dead_code, reason = "the corpus is shared with tests that need more of it")]

#[path = "../../../aetherflow-auth/tests/it/corpus.rs"]
mod corpus;

use aetherflow_auth::TokenError;
use aetherflow_auth::jwt::Verifier;
use aetherflow_proof_allocations::{Count, Counting, count};
use chrono::{DateTime, Utc};

use corpus::forge::{Members, good, signed};
use corpus::keys::{SIGNERS, Signer};
use corpus::{NOW, hostile, legal, verifier};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

/// The claims' own strings: subject, scopes, id, tenant, plan.
const OWN: usize = 5;

/// A good token without addresses, which are a list of their own.
fn plain(signer: Signer) -> String {
    signed(signer, Members::header(signer).text(), Members::claims(NOW).with("ip", "").text())
}

fn asked(verifier: &Verifier, token: &str) -> (Result<(), TokenError>, Count) {
    let (verified, count) = count(|| verifier.verify_at(token, now()));
    (verified.map(drop), count)
}

#[test]
fn a_first_sight_allocates_at_most_four_times_beyond_the_claims_own_strings() {
    for signer in SIGNERS {
        let verifier = verifier(signer).with_cache(0);
        let token = plain(signer);
        let (first, _) = asked(&verifier, &token);
        assert_eq!(first, Ok(()));
        let (answer, count) = asked(&verifier, &token);
        assert_eq!(answer, Ok(()));
        assert!(count.calls <= OWN + 4, "{signer:?}: {count:?}");
    }
}

#[test]
fn a_remembered_token_allocates_nothing() {
    for signer in SIGNERS {
        let (verifier, token) = (verifier(signer), good(signer, NOW));
        assert_eq!(asked(&verifier, &token).0, Ok(()));
        assert_eq!(asked(&verifier, &token), (Ok(()), Count::default()), "{signer:?}");
    }
}

#[test]
fn a_remembered_refusal_allocates_nothing() {
    let claims =
        Members::claims(NOW).with("exp", &NOW.to_string()).with("iat", &(NOW - 60).to_string()).text();
    let token = signed(Signer::Hs256, Members::header(Signer::Hs256).text(), claims);
    let verifier = verifier(Signer::Hs256);
    assert_eq!(asked(&verifier, &token).0, Err(TokenError::Expired));
    assert_eq!(asked(&verifier, &token), (Err(TokenError::Expired), Count::default()));
}

#[test]
fn a_token_beyond_the_cap_or_of_no_three_parts_allocates_nothing() {
    let verifier = verifier(Signer::Hs256);
    for token in ["x".repeat(8193), ".".repeat(1 << 20), "a.b".to_owned(), String::new()] {
        let (answer, count) = asked(&verifier, &token);
        assert_eq!((answer.is_err(), count), (true, Count::default()), "{} bytes", token.len());
    }
}

#[test]
fn no_token_of_the_corpus_makes_verification_allocate_more_than_a_small_multiple_of_its_length() {
    let hostile = hostile(NOW).into_iter().flat_map(|(_, cases)| cases);
    let hostile = hostile.map(|case| (case.change, case.signer, case.token));
    let legal = legal(NOW).into_iter().map(|case| (case.spelling.to_owned(), case.signer, case.token));
    for (name, signer, token) in hostile.chain(legal) {
        let (_, count) = asked(&verifier(signer), &token);
        assert!(count.peak <= 8 * token.len().min(8192) + FIXED, "{name}: {count:?} for {}", token.len());
    }
}

#[test]
fn no_token_within_the_cap_makes_verification_allocate_more_than_a_small_multiple_of_the_cap() {
    let claims = |name: &str, value: &str| Members::claims(NOW).with(name, value).text();
    let list = |one: &str, length: usize| format!("[{}]", vec![one; length].join(","));
    let members = |length: usize| {
        let all: Vec<String> = (0..length).map(|at| format!(r#""{at:x}":0"#)).collect();
        format!("{{{}}}", all.join(","))
    };
    for (name, claims) in [
        ("as many audiences as there is room for", claims("aud", &list(r#""""#, 1_950))),
        ("as many scopes", claims("scope", &format!("\"{}\"", vec!["a"; 2_900].join(" ")))),
        (
            "as many scopes in the other spelling",
            claims("scope", &format!("\"{}\"", vec!["a:read"; 800].join(" "))),
        ),
        ("as many addresses", claims("ip", &list(r#""::""#, 1_100))),
        ("as many members", claims("x", &members(700))),
        ("as many escapes", claims("x", &format!("\"{}\"", r"\n".repeat(2_900)))),
        ("as many names with escapes", claims("x", &members(570).replace(r#"":0"#, r#"\n":0"#))),
        ("as many arrays", claims("x", &list("[]", 1_900))),
    ] {
        let token = signed(Signer::Hs256, Members::header(Signer::Hs256).text(), claims);
        assert!(token.len() > 7_000 && token.len() <= 8_192, "{name}: {}", token.len());
        let (_, count) = asked(&verifier(Signer::Hs256), &token);
        assert!(count.peak <= MULTIPLE * 8_192, "{name}: {count:?}");
    }
}

/// What a short token takes all the same: the room for names, the principal, a place in the cache.
const FIXED: usize = 2_048;
/// What is kept of one byte of a token is at most this many: a scope of one letter is a pointer and a length, held twice
/// while their list grows.
const MULTIPLE: usize = 20;
