//! Keys fetched as their issuer publishes them.

mod host;
mod laws;
mod threads;

use std::sync::LazyLock;

use aetherflow_auth::jwt::{Grant, Minter, TokenRules, Verifier};
use aetherflow_auth::key::{
    Algorithm, JwksRefresh, KeySet, RefreshError, Refreshed, SigningKey, VerifyingKey,
};
use aetherflow_auth::{ConfigError, Environment, TokenError};
use chrono::TimeDelta;

use crate::forge::{AUDIENCE, ISSUER, now};
use host::{Answer, Host, World, now_or_never};

/// A key of the issuer's, and a token it signed for 90 days.
struct Signer {
    public: VerifyingKey,
    jwk: String,
    token: String,
}

impl Signer {
    fn new() -> Self {
        let here = Environment::production();
        let key = SigningKey::generate(Algorithm::EdDsa, here).unwrap();
        let set = KeySet::new(ISSUER, here, [key.verifying_key()]).unwrap().to_jwks();
        let jwk = set.strip_prefix(r#"{"keys":["#).unwrap().strip_suffix("]}").unwrap().to_owned();
        let public = key.verifying_key();
        let grant = Grant::new(here, "alice", AUDIENCE, TimeDelta::days(90));
        let token = Minter::new(ISSUER, key).unwrap().mint_at(&grant, now()).unwrap().token().to_owned();
        Self { public, jwk, token }
    }

    fn public(&self) -> VerifyingKey {
        VerifyingKey::from_jwk(&self.jwk).unwrap()
    }
}

/// The host's own key, then four of the issuer's.
static SIGNERS: LazyLock<[Signer; 5]> = LazyLock::new(|| std::array::from_fn(|_| Signer::new()));

fn jwks<'a>(keys: impl IntoIterator<Item = &'a str>) -> String {
    format!(r#"{{"keys":[{}]}}"#, keys.into_iter().collect::<Vec<_>>().join(","))
}

fn jwks_of(signers: &[usize]) -> Answer {
    Answer::Text(jwks(signers.iter().map(|at| SIGNERS[*at].jwk.as_str())))
}

/// A verifier over a set with the host's own key, and a refresh of the set from a scripted source.
fn fixture() -> (World, Verifier, KeySet, JwksRefresh) {
    let world = World::at(now());
    let keys = KeySet::new(ISSUER, Environment::production(), [SIGNERS[0].public()]).unwrap();
    let rules = TokenRules::access_token(ISSUER, AUDIENCE, Environment::production()).unwrap();
    let verifier = Verifier::new(rules, keys.clone()).unwrap();
    let refresh = JwksRefresh::new(keys.clone(), world.clone()).unwrap();
    (world, verifier, keys, refresh)
}

fn fetch(world: &World, refresh: &mut JwksRefresh, answer: Answer) -> Result<Refreshed, RefreshError> {
    world.script(answer, TimeDelta::zero());
    world.set_clock(world.now() + TimeDelta::seconds(30));
    now_or_never(refresh.refresh_at(world.now()))
}

/// Which of the signers' tokens are good.
fn good(verifier: &Verifier, world: &World) -> Vec<usize> {
    let is_good = |at: &usize| match verifier.verify_at(&SIGNERS[*at].token, world.now()) {
        Ok(_) => true,
        Err(TokenError::UnknownKey) => false,
        Err(error) => panic!("{error}"),
    };
    (0..SIGNERS.len()).filter(is_good).collect()
}

#[test]
fn one_bad_key_is_reported_and_the_good_ones_beside_it_serve() {
    let (world, verifier, _, mut refresh) = fixture();
    let named = |at: usize, id: &str| SIGNERS[at].jwk.replace(SIGNERS[at].public.id(), id);
    let secret = r#"{"kty":"oct","alg":"HS256","kid":"s","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}"#;
    let text = jwks([
        SIGNERS[1].jwk.as_str(),
        r#"{"kty":"EC"}"#,
        secret,
        &named(2, SIGNERS[0].public.id()),
        SIGNERS[0].jwk.as_str(),
        &named(2, "twice"),
        SIGNERS[3].jwk.as_str(),
        SIGNERS[3].jwk.as_str(),
        &named(4, "twice"),
    ]);
    let refreshed = fetch(&world, &mut refresh, Answer::Text(text)).unwrap();
    let refused: Vec<_> =
        refreshed.refused().iter().map(|key| (key.position(), key.error().clone())).collect();
    assert_eq!(
        refused,
        [
            (1, ConfigError::MalformedJwk),
            (2, ConfigError::PrivateJwk),
            (3, ConfigError::DuplicateKeyId),
            (5, ConfigError::DuplicateKeyId),
            (8, ConfigError::DuplicateKeyId),
        ]
    );
    assert_eq!((refreshed.keys(), refreshed.is_changed()), (2, true));
    assert_eq!(good(&verifier, &world), [0, 1, 3]);
}

#[test]
fn a_fetch_without_a_good_key_replaces_nothing() {
    let (world, verifier, keys, mut refresh) = fixture();
    fetch(&world, &mut refresh, jwks_of(&[1, 2])).unwrap();
    let impostor = SIGNERS[3].jwk.replace(SIGNERS[3].public.id(), SIGNERS[0].public.id());
    let text = |text: &str| Answer::Text(text.to_owned());
    for (case, answer, want) in [
        ("an empty set", text(r#"{"keys":[]}"#), "the JWKS has no good key"),
        ("only bad keys", text(r#"{"keys":[{"kty":"EC"},7]}"#), "the JWKS has no good key"),
        (
            "only one by the id of the host's own",
            Answer::Text(jwks([impostor.as_str()])),
            "the JWKS has no good key",
        ),
        ("no text", text(""), "what was fetched is no JWKS"),
        ("a page of HTML", text("<html>"), "what was fetched is no JWKS"),
        ("another object", text("{}"), "what was fetched is no JWKS"),
        (
            "a byte too much",
            Answer::Text(format!("{{\"keys\":[]{}}}", " ".repeat(131_062))),
            "the JWKS is longer than the limit",
        ),
        ("a source that says so", Answer::TooLarge, "the JWKS is longer than the limit"),
        ("a source that is down", Answer::Down, "the source of the JWKS gave no answer"),
    ] {
        let error = fetch(&world, &mut refresh, answer).unwrap_err();
        assert_eq!((error.to_string().as_str(), keys.generation()), (want, 1), "{case}");
        assert_eq!(good(&verifier, &world), [0, 1, 2], "{case}");
    }
    let longest = format!("{{\"keys\":[{}]{}}}", SIGNERS[4].jwk, " ".repeat(131_061 - SIGNERS[4].jwk.len()));
    assert_eq!(fetch(&world, &mut refresh, Answer::Text(longest)).unwrap().keys(), 1);
    assert_eq!(good(&verifier, &world), [0, 4]);
}

#[test]
fn a_refresh_that_changes_nothing_empties_no_cache_and_one_that_does_only_its_part() {
    let (world, verifier, keys, mut refresh) = fixture();
    fetch(&world, &mut refresh, jwks_of(&[1, 2])).unwrap();
    assert_eq!(good(&verifier, &world), [0, 1, 2]);
    let cached = |at: usize| verifier.cached_at(&SIGNERS[at].token, world.now()).is_some();
    let again = fetch(&world, &mut refresh, jwks_of(&[2, 1])).unwrap();
    assert_eq!((again.is_changed(), keys.generation()), (false, 2));
    assert_eq!([cached(0), cached(1), cached(2)], [true; 3]);
    let fewer = fetch(&world, &mut refresh, jwks_of(&[2])).unwrap();
    assert_eq!((fewer.is_changed(), keys.generation()), (true, 3));
    assert_eq!([cached(0), cached(1), cached(2)], [true, false, true]);
    assert_eq!(good(&verifier, &world), [0, 2]);
}

#[test]
fn fetched_keys_end_with_the_stale_limit_though_nothing_runs_any_more() {
    let (world, verifier, _, mut refresh) = fixture();
    fetch(&world, &mut refresh, jwks_of(&[1])).unwrap();
    drop(refresh);
    let end = world.now() + TimeDelta::hours(1);
    world.set_clock(end - TimeDelta::milliseconds(1));
    assert_eq!(good(&verifier, &world), [0, 1]);
    world.set_clock(end);
    assert_eq!(good(&verifier, &world), [0]);
}

#[test]
fn the_stale_limit_counts_from_the_beginning_of_the_last_good_fetch() {
    let (world, verifier, _, refresh) = fixture();
    world.script(jwks_of(&[1]), TimeDelta::seconds(20));
    let mut host = Host::driving(&world, refresh.with_stale_limit(TimeDelta::minutes(20)));
    host.pass(TimeDelta::seconds(25));
    world.script(Answer::Down, TimeDelta::zero());
    host.pass(TimeDelta::minutes(20) - TimeDelta::seconds(26));
    assert_eq!(good(&verifier, &world), [0, 1]);
    host.pass(TimeDelta::seconds(1));
    assert_eq!(good(&verifier, &world), [0]);
}

#[test]
fn a_token_of_an_unknown_key_is_refused_at_once_and_good_after_the_fetch_it_asked_for() {
    let (world, verifier, _, refresh) = fixture();
    world.script(jwks_of(&[1]), TimeDelta::seconds(2));
    let mut host = Host::driving(&world, refresh);
    host.pass(TimeDelta::minutes(2));
    world.script(jwks_of(&[1, 2]), TimeDelta::seconds(2));
    let ask = || verifier.verify_at(&SIGNERS[2].token, world.now()).map(|_| ());
    assert_eq!((ask(), host.settle()), (Err(TokenError::UnknownKey), true));
    assert_eq!((ask(), host.settle()), (Err(TokenError::UnknownKey), false));
    assert_eq!(world.begins(), [now(), now() + TimeDelta::minutes(2)]);
    host.pass(TimeDelta::seconds(2));
    assert_eq!(ask(), Ok(()));
}

#[test]
fn what_asks_within_the_cooldown_is_answered_when_it_ends_though_the_last_fetch_failed() {
    for (case, first) in [("good", jwks_of(&[1])), ("failed", Answer::Down)] {
        let (world, verifier, _, refresh) = fixture();
        world.script(first, TimeDelta::zero());
        let mut host = Host::driving(&world, refresh);
        world.script(jwks_of(&[1, 2]), TimeDelta::zero());
        host.pass(TimeDelta::seconds(3));
        good(&verifier, &world);
        host.settle();
        host.pass(TimeDelta::seconds(26));
        assert_eq!(world.begins(), [now()], "{case}");
        host.pass(TimeDelta::seconds(1));
        assert_eq!(world.begins(), [now(), now() + TimeDelta::seconds(30)], "{case}");
        assert_eq!(good(&verifier, &world), [0, 1, 2], "{case}");
    }
}

#[test]
fn who_asks_while_a_fetch_is_under_way_gets_one_more() {
    let (world, verifier, _, refresh) = fixture();
    world.script(jwks_of(&[1]), TimeDelta::seconds(20));
    let mut host = Host::driving(&world, refresh);
    host.pass(TimeDelta::seconds(10));
    assert_eq!(good(&verifier, &world), [0]);
    world.script(jwks_of(&[1, 2]), TimeDelta::zero());
    host.pass(TimeDelta::seconds(20));
    assert_eq!(world.begins(), [now(), now() + TimeDelta::seconds(30)]);
    assert_eq!(good(&verifier, &world), [0, 1, 2]);
}

#[test]
fn a_source_that_never_ends_is_given_up_and_no_request_waits_for_it() {
    let (world, verifier, _, refresh) = fixture();
    world.script(jwks_of(&[1]), TimeDelta::zero());
    let mut host = Host::driving(&world, refresh);
    world.script(Answer::Hang, TimeDelta::zero());
    host.pass(TimeDelta::minutes(5) + TimeDelta::seconds(29));
    assert_eq!((good(&verifier, &world), world.reports()), (vec![0, 1], vec!["good".to_owned()]));
    world.script(jwks_of(&[2]), TimeDelta::zero());
    host.pass(TimeDelta::seconds(1));
    assert_eq!(world.reports(), ["good", "the fetch took too long", "good"]);
    assert_eq!(good(&verifier, &world), [0, 2]);
}

#[test]
fn an_attempt_dropped_half_way_still_counts_for_the_cooldown() {
    let (world, _, _, mut refresh) = fixture();
    world.script(Answer::Hang, TimeDelta::zero());
    {
        let mut waiting = std::pin::pin!(refresh.refresh_at(now()));
        let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
        assert!(waiting.as_mut().poll(context).is_pending());
    }
    let soon = now_or_never(refresh.refresh_at(now() + TimeDelta::milliseconds(29_999)));
    assert_eq!(soon.unwrap_err().to_string(), "the cooldown of the last fetch is not over");
    assert_eq!(refresh.due_at(now()), now() + TimeDelta::seconds(30));
    assert_eq!(fetch(&world, &mut refresh, jwks_of(&[1])).unwrap().keys(), 1);
}

#[test]
fn a_clock_that_went_back_makes_the_next_fetch_due() {
    let (world, verifier, _, refresh) = fixture();
    world.script(jwks_of(&[1]), TimeDelta::zero());
    let mut host = Host::driving(&world, refresh);
    let back = now() - TimeDelta::days(1);
    world.set_clock(back);
    // An unknown id wakes the task, as the end of its sleep would.
    verifier.verify_at(&SIGNERS[2].token, back).unwrap_err();
    assert_eq!((host.settle(), world.begins()), (true, vec![now(), back]));
}

#[test]
fn the_hosts_own_keys_change_beside_the_fetched_ones_and_never_mix_with_them() {
    let (world, verifier, keys, mut refresh) = fixture();
    fetch(&world, &mut refresh, jwks_of(&[1, 2])).unwrap();
    keys.replace([SIGNERS[3].public()]).unwrap();
    assert_eq!(good(&verifier, &world), [1, 2, 3]);
    let taken = SIGNERS[4].jwk.replace(SIGNERS[4].public.id(), SIGNERS[1].public.id());
    keys.replace([VerifyingKey::from_jwk(&taken).unwrap()]).unwrap();
    assert_eq!(keys.to_jwks().matches(SIGNERS[1].public.id()).count(), 1);
    assert_eq!(verifier.verify_at(&SIGNERS[1].token, world.now()).unwrap_err(), TokenError::Signature);
    keys.replace([crate::forge::key()]).unwrap();
    assert_eq!(keys.to_jwks(), r#"{"keys":[]}"#);
    fetch(&world, &mut refresh, jwks_of(&[1, 2])).unwrap();
    assert_eq!(keys.to_jwks(), r#"{"keys":[]}"#);
}

#[test]
fn a_set_has_one_refresh_and_none_beside_shared_secrets() {
    let (world, _, keys, _refresh) = fixture();
    assert_eq!(JwksRefresh::new(keys, world.clone()).unwrap_err(), ConfigError::DuplicateRefresh);
    assert_eq!(JwksRefresh::new(crate::forge::keys(), world).unwrap_err(), ConfigError::MixedKeySet);
}
