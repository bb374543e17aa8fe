//! The corpus driven through the verifier, and through the peer for comparison.

use std::collections::HashSet;
use std::sync::LazyLock;

use aetherflow_auth::TokenError;
use chrono::{DateTime, Utc};
use proptest::prelude::*;

use crate::corpus::forge::good;
use crate::corpus::keys::{SIGNERS, Signer};
use crate::corpus::{Hostile, NOW, hostile, legal, verifier};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

fn answer(signer: Signer, token: &str) -> Result<(), TokenError> {
    verifier(signer).verify_at(token, now()).map(drop)
}

#[test]
fn every_hostile_token_is_refused_for_its_own_reason() {
    let mut wrong = Vec::new();
    for (chapter, cases) in hostile(NOW) {
        for case in cases {
            let got = answer(case.signer, &case.token);
            if got != Err(case.want) {
                wrong.push(format!("{chapter}, {}: {got:?}, not {:?}", case.change, case.want));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_legal_spelling_is_accepted() {
    for case in legal(NOW) {
        assert_eq!(answer(case.signer, &case.token), Ok(()), "{}", case.spelling);
    }
}

#[test]
fn the_corpus_has_at_least_150_hostile_tokens_and_none_twice() {
    let mut seen = HashSet::new();
    for (chapter, cases) in hostile(NOW) {
        for case in cases {
            assert!(seen.insert((case.signer.name(), case.token)), "{chapter}, {}", case.change);
        }
    }
    assert!(seen.len() >= 150, "{}", seen.len());
}

#[test]
fn a_hostile_token_leaves_nothing_behind_by_which_its_repeat_is_accepted() {
    for signer in SIGNERS {
        let (verifier, good) = (verifier(signer), good(signer, NOW));
        for (chapter, cases) in hostile(NOW) {
            for case in cases.iter().filter(|case| case.signer == signer) {
                for _ in 0..2 {
                    let got = verifier.verify_at(&case.token, now()).map(drop);
                    assert_eq!(got, Err(case.want), "{chapter}, {}", case.change);
                }
            }
        }
        assert_eq!(verifier.verify_at(&good, now()).map(drop), Ok(()));
    }
}

#[test]
fn every_letter_of_a_token_counts() {
    for signer in SIGNERS {
        let (verifier, token) = (verifier(signer), good(signer, NOW));
        let letters: Vec<u8> = if signer == Signer::Hs256 { (0..128).collect() } else { b"Az_".to_vec() };
        for at in 0..token.len() {
            for &letter in letters.iter().filter(|letter| **letter != token.as_bytes()[at]) {
                let mut changed = token.clone().into_bytes();
                changed[at] = letter;
                let changed = String::from_utf8(changed).unwrap();
                assert!(verifier.verify_at(&changed, now()).is_err(), "{signer:?}: {letter} at {at}");
            }
        }
    }
}

#[test]
fn a_token_without_any_one_of_its_letters_or_with_one_more_is_refused() {
    for signer in SIGNERS {
        let (verifier, token) = (verifier(signer), good(signer, NOW));
        for at in 0..token.len() {
            let shorter = [&token[..at], &token[at + 1..]].concat();
            let longer = [&token[..at], "A", &token[at..]].concat();
            assert!(verifier.verify_at(&shorter, now()).is_err(), "{signer:?}: without {at}");
            assert!(verifier.verify_at(&longer, now()).is_err(), "{signer:?}: one more at {at}");
        }
    }
}

const REPEATABLE: [Signer; 3] = [Signer::Hs256, Signer::EdDsa, Signer::Rs256];
static POOL: LazyLock<Vec<Hostile>> =
    LazyLock::new(|| hostile(NOW).into_iter().flat_map(|(_, cases)| cases).collect());

proptest! {
    #[test]
    fn any_piece_of_one_token_within_another_is_refused(
        from in any::<prop::sample::Index>(), into in any::<prop::sample::Index>(),
        start in any::<prop::sample::Index>(), end in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(),
    ) {
        let (from, into) = (from.get(&POOL), into.get(&POOL));
        prop_assume!(from.token.is_ascii() && into.token.is_ascii() && into.token.len() < 10_000);
        let (start, end) = (start.index(from.token.len() + 1), end.index(from.token.len() + 1));
        let at = at.index(into.token.len() + 1);
        let piece = &from.token[start.min(end)..start.max(end)];
        let mixed = [&into.token[..at], piece, &into.token[at..]].concat();
        // The piece may be just what was missing: RS256, HS256 and EdDSA sign alike each time.
        let is_good = REPEATABLE.iter().any(|signer| mixed == good(*signer, NOW));
        prop_assert!(is_good || answer(into.signer, &mixed).is_err());
    }
}
