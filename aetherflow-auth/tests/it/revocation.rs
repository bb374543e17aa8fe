use std::sync::Arc;
use std::sync::mpsc;

use aetherflow_auth::jwt::{Grant, Minter, TokenRules, Verifier};
use aetherflow_auth::key::{Algorithm, KeySet, SigningKey};
use aetherflow_auth::revocation::{Revocations, Snapshot};
use aetherflow_auth::{Environment, Identity, TokenError};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::forge::{AUDIENCE, ISSUER, NOW, SECRET, claims, claims_with, header, keys, now, rules, sign};

const DAY: i64 = 86_400;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

fn verifier(revocations: &Arc<Revocations>) -> Verifier {
    Verifier::new(rules(), keys()).unwrap().with_revocations(Arc::clone(revocations))
}

fn alice() -> Identity {
    Identity::new(ISSUER, Some("acme"), "alice")
}

fn of_client(client: &str) -> String {
    sign(&header().to_string(), &claims_with("client_id", json!(client)).to_string())
}

type Act = fn(&Revocations);

#[test]
fn each_revocation_hits_what_it_names_and_nothing_beside() {
    let acts: [(&str, bool, Act); 17] = [
        ("the token", true, |all| all.revoke_token(ISSUER, "t1", at(NOW + 3600))),
        ("another token", false, |all| all.revoke_token(ISSUER, "t2", at(NOW + 3600))),
        ("the token of another issuer", false, |all| {
            all.revoke_token("https://b.example", "t1", at(NOW + 3600))
        }),
        ("the subject, now", true, |all| all.revoke_subject(&alice(), now())),
        ("the subject, before", false, |all| all.revoke_subject(&alice(), at(NOW - 1))),
        ("the subject of another tenant", false, |all| {
            all.revoke_subject(&Identity::new(ISSUER, Some("umbrella"), "alice"), now());
        }),
        ("the subject of another issuer", false, |all| {
            all.revoke_subject(&Identity::new("https://b.example", Some("acme"), "alice"), now());
        }),
        ("the client, now", true, |all| all.revoke_client(ISSUER, "app", now())),
        ("the client, before", false, |all| all.revoke_client(ISSUER, "app", at(NOW - 1))),
        ("another client", false, |all| all.revoke_client(ISSUER, "ap", now())),
        ("a client named like the subject", false, |all| all.revoke_client(ISSUER, "alice", now())),
        ("the grant, now", true, |all| all.revoke_grant("app", &alice(), now())),
        ("the grant, before", false, |all| all.revoke_grant("app", &alice(), at(NOW - 1))),
        ("the subject's grant to another client", false, |all| all.revoke_grant("ap", &alice(), now())),
        ("the client's grant by another subject", false, |all| {
            all.revoke_grant("app", &Identity::new(ISSUER, Some("acme"), "bob"), now());
        }),
        ("the key", true, |all| all.revoke_key(ISSUER, "k1")),
        ("the key of another issuer", false, |all| all.revoke_key("https://b.example", "k1")),
    ];
    for (name, is_hit, act) in acts {
        let revocations = Arc::new(Revocations::new());
        let verifier = verifier(&revocations);
        let token = of_client("app");
        let good = verifier.verify_at(&token, now()).map(|_| ());
        act(&revocations);
        let remembered = verifier.verify_at(&token, now()).map(|_| ());
        let restored = Arc::new(Revocations::new());
        restored.restore(&revocations.snapshot());
        let elsewhere = self::verifier(&restored).verify_at(&token, now()).map(|_| ());
        let want = if is_hit { Err(TokenError::Revoked) } else { Ok(()) };
        assert_eq!((good, remembered, elsewhere), (Ok(()), want, want), "{name}");
    }
}

#[test]
fn a_token_without_client_has_no_grant_to_revoke() {
    let revocations = Arc::new(Revocations::new());
    revocations.revoke_client(ISSUER, "", now());
    revocations.revoke_grant("", &alice(), now());
    let token = sign(&header().to_string(), &claims().to_string());
    assert_eq!(verifier(&revocations).verify_at(&token, now()).map(|_| ()), Ok(()));
}

#[test]
fn a_new_token_is_dated_after_the_watermarks_of_its_like() {
    let here = Environment::production();
    for (name, act, want) in [
        ("nothing", (|_| ()) as Act, 0),
        ("the subject, now", |all| all.revoke_subject(&alice(), now()), 1),
        (
            "the subject, within this second",
            |all| {
                all.revoke_subject(&alice(), now() + TimeDelta::milliseconds(999));
            },
            1,
        ),
        ("the subject, three seconds ahead", |all| all.revoke_subject(&alice(), at(NOW + 3)), 4),
        ("the subject, long ago", |all| all.revoke_subject(&alice(), at(NOW - 100)), 0),
        ("another subject", |all| all.revoke_subject(&Identity::new(ISSUER, None, "alice"), now()), 0),
        ("the client", |all| all.revoke_client(ISSUER, "app", at(NOW + 1)), 2),
        ("the grant", |all| all.revoke_grant("app", &alice(), at(NOW + 2)), 3),
    ] {
        let revocations = Arc::new(Revocations::new());
        let key = SigningKey::generate(Algorithm::Es256, here).unwrap();
        let keys = KeySet::new(ISSUER, here, [key.verifying_key()]).unwrap();
        let verifier = Verifier::new(rules(), keys).unwrap().with_revocations(Arc::clone(&revocations));
        let minter = Minter::new(ISSUER, key).unwrap().with_revocations(Arc::clone(&revocations));
        let grant =
            Grant::new(here, "alice", AUDIENCE, TimeDelta::hours(1)).with_tenant("acme").with_client("app");
        let old = minter.mint_at(&grant, now()).unwrap();
        act(&revocations);
        let new = minter.mint_at(&grant, now()).unwrap();
        let issued = verifier.verify_at(new.token(), now()).unwrap().principal().issued_at();
        assert_eq!(issued, at(NOW + want), "{name}");
        assert_eq!(new.expires_at(), at(NOW + want + 3600), "{name}");
        let old = verifier.verify_at(old.token(), now()).map(|_| ());
        assert_eq!(old, if want > 0 { Err(TokenError::Revoked) } else { Ok(()) }, "{name}");
    }
}

#[test]
fn an_entry_is_forgotten_when_no_leeway_could_save_its_token() {
    let token = sign(&header().to_string(), &claims_with("exp", json!(NOW as f64 + 3600.5)).to_string());
    let rules = rules().with_leeway(TimeDelta::seconds(60)).unwrap();
    let revocations = Arc::new(Revocations::new());
    let verifier = Verifier::new(rules, keys()).unwrap().with_revocations(Arc::clone(&revocations));
    revocations.revoke_token(ISSUER, "t1", now() + TimeDelta::milliseconds(3_600_500));
    let last = now() + TimeDelta::milliseconds(3_660_499);
    assert_eq!(revocations.forget_expired_at(last), 0);
    assert_eq!(verifier.verify_at(&token, last).unwrap_err(), TokenError::Revoked);
    let end = last + TimeDelta::milliseconds(501);
    assert_eq!(revocations.forget_expired_at(end), 1);
    assert_eq!(verifier.verify_at(&token, end).unwrap_err(), TokenError::Expired);
}

#[test]
fn watermarks_last_ninety_days_and_the_leeway_and_keys_for_ever() {
    let revocations = Revocations::new();
    revocations.revoke_subject(&alice(), now());
    revocations.revoke_client(ISSUER, "app", now());
    revocations.revoke_grant("app", &alice(), now());
    revocations.revoke_key(ISSUER, "k1");
    assert_eq!(revocations.forget_expired_at(at(NOW + 90 * DAY + 60)), 0);
    assert_eq!(revocations.forget_expired_at(at(NOW + 90 * DAY + 61)), 3);
    assert_eq!(revocations.forget_expired_at(DateTime::<Utc>::MAX_UTC), 0);
    assert_eq!((revocations.len(), revocations.is_empty()), (1, false));
}

#[test]
fn a_second_revocation_never_shortens_the_first() {
    let revocations = Arc::new(Revocations::new());
    revocations.revoke_subject(&alice(), now());
    revocations.revoke_subject(&alice(), at(NOW - 100));
    revocations.revoke_token(ISSUER, "t9", at(NOW + 100));
    revocations.revoke_token(ISSUER, "t9", at(NOW));
    let token = sign(&header().to_string(), &claims().to_string());
    assert_eq!(verifier(&revocations).verify_at(&token, now()).unwrap_err(), TokenError::Revoked);
    assert_eq!(revocations.forget_expired_at(at(NOW + 160)), 0);
    assert_eq!(revocations.len(), 2);
}

#[test]
fn a_token_remembered_beside_other_revocations_is_looked_for_anew() {
    let (first, second) = (Arc::new(Revocations::new()), Arc::new(Revocations::new()));
    // Both have as much news, so that a count alone does not tell them apart.
    first.revoke_token(ISSUER, "another", at(NOW + DAY));
    second.revoke_token(ISSUER, "t1", at(NOW + DAY));
    let token = sign(&header().to_string(), &claims().to_string());
    let verifier = verifier(&first);
    for _ in 0..2 {
        assert_eq!(verifier.verify_at(&token, now()).map(drop), Ok(()));
    }
    let verifier = verifier.with_revocations(second);
    assert_eq!(verifier.verify_at(&token, now()).unwrap_err(), TokenError::Revoked);
}

#[test]
fn a_snapshot_is_json_that_outlives_the_process() {
    let revocations = Revocations::new();
    revocations.revoke_token(ISSUER, "t1", now());
    let text = serde_json::to_string(&revocations.snapshot()).unwrap();
    assert_eq!(
        text,
        r#"{"v":1,"entries":[{"name":["token","https://auth.example","t1"],"end":1767225661}]}"#
    );
    let key = r#"{"v":1,"entries":[{"name":["key","https://auth.example","k1"]}]}"#;
    let next = Revocations::new();
    for text in [text.as_str(), key] {
        next.restore(&serde_json::from_str::<Snapshot>(text).unwrap());
    }
    assert_eq!(next.len(), 2);
    assert_eq!(next.forget_expired_at(DateTime::<Utc>::MAX_UTC), 1);
    assert_eq!(serde_json::to_string(&next.snapshot()).unwrap(), key);
}

#[test]
fn a_snapshot_that_is_not_understood_whole_is_refused() {
    let good = json!({"v": 1, "entries": [{"name": ["token", "i", "t"], "end": 1}]});
    assert_eq!(serde_json::from_value::<Snapshot>(good.clone()).unwrap().len(), 1);
    for (change, pointer, value) in [
        ("another version", "/v", json!(2)),
        ("an unknown kind", "/entries/0/name/0", json!("session")),
        ("a part too few", "/entries/0/name", json!(["token", "i"])),
        ("a part too many", "/entries/0/name", json!(["token", "i", "t", "x"])),
        ("an end that is no number", "/entries/0/end", json!("1")),
        ("an unknown member", "/entries/0", json!({"name": ["token", "i", "t"], "end": 1, "from": 0})),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(serde_json::from_value::<Snapshot>(bad).is_err(), "{change}");
    }
}

#[test]
fn a_revocation_on_one_thread_is_seen_by_the_next_request_on_another() {
    let revocations = Arc::new(Revocations::new());
    let (revoked, told) = mpsc::channel::<usize>();
    let verifier = verifier(&revocations);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                (0..500).for_each(|_| drop((revocations.snapshot(), revocations.forget_expired_at(now()))))
            });
        }
        scope.spawn(|| {
            for id in 0..500 {
                revocations.revoke_token(ISSUER, &format!("id-{id}"), at(NOW + 3600));
                revoked.send(id).unwrap();
            }
            drop(revoked);
        });
        for id in told {
            let token =
                sign(&header().to_string(), &claims_with("jti", json!(format!("id-{id}"))).to_string());
            assert_eq!(verifier.verify_at(&token, now()).unwrap_err(), TokenError::Revoked, "{id}");
        }
    });
    assert_eq!(revocations.len(), 500);
}

/// What may happen to revocations, at a time that only moves on.
#[derive(Clone, Debug)]
enum Step {
    Token(usize),
    Subject(usize, i64),
    Client(usize, i64),
    Grant(usize, usize, i64),
    Wait(i64),
    Forget,
    Restart,
    RestoreOlder,
}

const SUBJECTS: [&str; 2] = ["alice", "bob"];
const CLIENTS: [&str; 2] = ["app", "bot"];

/// Subject, client, issued at, seconds of life.
type Token = (usize, Option<usize>, i64, i64);

fn tokens() -> impl Strategy<Value = Vec<Token>> {
    let life = prop_oneof![1..200_i64, Just(90 * DAY)];
    prop::collection::vec((0..2_usize, prop::option::of(0..2_usize), NOW - 50..NOW + 50, life), 1..6)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let second = || NOW - 60..NOW + 60;
    let step = prop_oneof![
        (0..6_usize).prop_map(Step::Token),
        (0..2_usize, second()).prop_map(|(subject, time)| Step::Subject(subject, time)),
        (0..2_usize, second()).prop_map(|(client, time)| Step::Client(client, time)),
        (0..2_usize, 0..2_usize, second())
            .prop_map(|(client, subject, time)| Step::Grant(client, subject, time)),
        prop_oneof![0..120_i64, Just(90 * DAY - 60), Just(90 * DAY)].prop_map(Step::Wait),
        Just(Step::Forget),
        Just(Step::Restart),
        Just(Step::RestoreOlder),
    ];
    prop::collection::vec(step, 1..25)
}

fn signed(id: usize, (subject, client, issued, life): Token) -> String {
    let mut token: Value = claims();
    token["jti"] = json!(format!("id-{id}"));
    token["sub"] = json!(SUBJECTS[subject]);
    token["iat"] = json!(issued);
    token["exp"] = json!(issued + life);
    if let Some(client) = client {
        token["client_id"] = json!(CLIENTS[client]);
    }
    sign(&header().to_string(), &token.to_string())
}

fn is_hit(step: &Step, id: usize, (subject, client, issued, _): Token) -> bool {
    match *step {
        Step::Token(of) => of == id,
        Step::Subject(of, time) => of == subject && issued <= time,
        Step::Client(of, time) => client == Some(of) && issued <= time,
        Step::Grant(of, by, time) => client == Some(of) && subject == by && issued <= time,
        Step::Wait(_) | Step::Forget | Step::Restart | Step::RestoreOlder => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The model forgets nothing: no forgetting, restart or old snapshot shows in any answer.
    #[test]
    fn nothing_revoked_ever_comes_back(tokens in tokens(), steps in steps(), leeway in 0..=60_i64) {
        let mut revocations = Arc::new(Revocations::new());
        let mut time = NOW;
        let mut older = revocations.snapshot();
        for (count, step) in steps.iter().enumerate() {
            let subject = |subject: usize| Identity::new(ISSUER, Some("acme"), SUBJECTS[subject]);
            match *step {
                Step::Token(id) => {
                    let end = tokens.get(id).map_or(NOW, |token| token.2 + token.3);
                    revocations.revoke_token(ISSUER, &format!("id-{id}"), at(end));
                }
                Step::Subject(of, time) => revocations.revoke_subject(&subject(of), at(time)),
                Step::Client(of, time) => revocations.revoke_client(ISSUER, CLIENTS[of], at(time)),
                Step::Grant(of, by, time) => revocations.revoke_grant(CLIENTS[of], &subject(by), at(time)),
                Step::Wait(seconds) => time += seconds,
                Step::Forget => drop(revocations.forget_expired_at(at(time))),
                Step::Restart => {
                    older = revocations.snapshot();
                    revocations = Arc::new(Revocations::new());
                    revocations.restore(&older);
                }
                Step::RestoreOlder => revocations.restore(&older),
            }
            let rules = TokenRules::access_token(ISSUER, AUDIENCE, Environment::production()).unwrap();
            let rules = rules.with_leeway(TimeDelta::seconds(leeway)).unwrap();
            let verifier = Verifier::new(rules, keys()).unwrap().with_revocations(Arc::clone(&revocations));
            for (id, &token) in tokens.iter().enumerate() {
                let want = if token.2 + token.3 <= time - leeway {
                    Err(TokenError::Expired)
                } else if token.2 > time + leeway + 5 {
                    Err(TokenError::IssuedInFuture)
                } else if steps[..=count].iter().any(|step| is_hit(step, id, token)) {
                    Err(TokenError::Revoked)
                } else {
                    Ok(())
                };
                let got = verifier.verify_at(signed(id, token), at(time)).map(|_| ());
                prop_assert_eq!(got, want, "{:?} after {:?}", token, step);
            }
        }
    }
}

#[test]
fn a_shared_secret_of_another_name_is_another_key() {
    let revocations = Arc::new(Revocations::new());
    let key = |id| aetherflow_auth::key::VerifyingKey::from_secret(id, Algorithm::Hs256, SECRET).unwrap();
    let keys = KeySet::new(ISSUER, Environment::production(), [key("k1"), key("k2")]).unwrap();
    let verifier = Verifier::new(rules(), keys).unwrap().with_revocations(Arc::clone(&revocations));
    revocations.revoke_key(ISSUER, "k2");
    let [first, second] = ["k1", "k2"].map(|id| {
        let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": id});
        verifier.verify_at(sign(&header.to_string(), &claims().to_string()), now()).map(|_| ())
    });
    assert_eq!((first, second), (Ok(()), Err(TokenError::Revoked)));
}
