//! Two years of virtual time: an issuer that rotates its keys, verifiers that keep its JWKS for a day, and traffic
//! every three hours, to the last moment of every token.

use aetherflow_auth::jwt::{Grant, Minter, TokenRules, Verifier};
use aetherflow_auth::key::{Algorithm, KeySet, SigningKey};
use aetherflow_auth::rotation::{KeyRotation, PublishedKey, RotationPolicy, RotationStatus};
use aetherflow_auth::{Environment, TokenError};
use chrono::{DateTime, TimeDelta, Utc};

use super::{BORN, days};

const ISSUER: &str = "https://auth.example";
const AUDIENCE: &str = "https://api.example";
const CACHE: TimeDelta = TimeDelta::days(1);
const LIFETIME: TimeDelta = TimeDelta::days(90);
const LEEWAY: TimeDelta = TimeDelta::seconds(60);
const STEP: TimeDelta = TimeDelta::hours(3);

#[test]
fn no_valid_request_is_refused_in_two_years_of_rotation() {
    let seen = run(LIFETIME, CACHE);
    assert_eq!(seen.refused, 0);
    assert_eq!((seen.requests > 40_000, seen.retired), (true, 7), "{seen:?}");
    assert!(seen.oldest_signer <= days(90), "a key signed at the age of {}", seen.oldest_signer);
}

#[test]
fn the_same_run_sees_refusals_if_keys_sign_as_soon_as_they_are_published() {
    let seen = run(LIFETIME, TimeDelta::zero());
    assert!(seen.refused > 0, "{seen:?}");
}

#[test]
fn the_same_run_sees_refusals_if_keys_retire_two_days_before_their_last_token() {
    // One day earlier the caches would still hide.
    let seen = run(LIFETIME - days(2), CACHE);
    assert!(seen.refused > 0, "{seen:?}");
}

/// What the issuer believes of its tokens and verifiers may be wrong; they stay as they are.
fn run(believed_lifetime: TimeDelta, believed_cache: TimeDelta) -> Seen {
    let rotation = KeyRotation::new(RotationPolicy::default(), believed_lifetime, believed_cache).unwrap();
    let mut issuer = Issuer { rotation, keys: Vec::new(), jwks: String::new() };
    let (mut seen, mut live) = (Seen::default(), Vec::new());
    issuer.tend(BORN, &mut seen);
    let mut nodes: Vec<Node> = (0..3).map(|hours| Node::new(BORN - TimeDelta::hours(hours * 7))).collect();
    let mut now = BORN;
    while now < BORN + days(730) {
        issuer.tend(now, &mut seen);
        nodes.iter_mut().for_each(|node| node.tend(&issuer, now));
        let step = usize::try_from((now - BORN).num_hours() / STEP.num_hours()).unwrap();
        live.push(issuer.mint(step, now));
        seen.ask_all(&mut nodes, &issuer, live.last().unwrap(), now);
        // Older tokens come back, each time another one.
        seen.ask(&mut nodes[step % 3], &issuer, &live[step * 7_919 % live.len()], now);
        for token in live.extract_if(.., |token| token.expires_at <= now + STEP) {
            // Verifiers grant a minute beyond the expiry: this is the last moment at which it counts.
            let last = token.expires_at + LEEWAY - TimeDelta::seconds(1);
            seen.ask_all(&mut nodes, &issuer, &token, last);
        }
        now += STEP;
    }
    seen
}

#[derive(Debug, Default)]
struct Seen {
    requests: usize,
    refused: usize,
    retired: usize,
    oldest_signer: TimeDelta,
}

impl Seen {
    fn ask_all(&mut self, nodes: &mut [Node], issuer: &Issuer, token: &Token, now: DateTime<Utc>) {
        nodes.iter_mut().for_each(|node| self.ask(node, issuer, token, now));
    }

    fn ask(&mut self, node: &mut Node, issuer: &Issuer, token: &Token, now: DateTime<Utc>) {
        node.tend(issuer, now);
        self.requests += 1;
        match node.verifier.verify_at(&token.text, now) {
            Ok(_) => {}
            Err(TokenError::UnknownKey) => self.refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
}

struct Token {
    text: String,
    expires_at: DateTime<Utc>,
}

struct Issuer {
    rotation: KeyRotation,
    keys: Vec<(PublishedKey, Minter, String)>,
    jwks: String,
}

impl Issuer {
    /// What an operator does who looks every three hours: publishes a key a day before it must be, and destroys those
    /// that retired.
    fn tend(&mut self, now: DateTime<Utc>, seen: &mut Seen) {
        let published = self.published();
        let plan = self.rotation.plan_at(&published, now);
        let retired: Vec<String> = plan.retired().iter().map(|key| key.id().to_owned()).collect();
        seen.retired += retired.len();
        if let Some(signing) = plan.signing() {
            seen.oldest_signer = seen.oldest_signer.max(now - signing.published_at());
        }
        let is_due = match plan.next_key() {
            RotationStatus::Due(reminder) => reminder <= days(1),
            status => status == RotationStatus::Overdue,
        };
        self.keys.retain(|(key, ..)| !retired.iter().any(|id| id == key.id()));
        if is_due {
            self.publish(now);
        }
        if is_due || !retired.is_empty() {
            self.jwks = self.jwks();
        }
    }

    fn publish(&mut self, now: DateTime<Utc>) {
        let key = SigningKey::generate(Algorithm::EdDsa, Environment::production()).unwrap();
        let id = PublishedKey::new(key.id(), now);
        let set = KeySet::new(ISSUER, Environment::production(), [key.verifying_key()]).unwrap().to_jwks();
        let jwk = set.strip_prefix(r#"{"keys":["#).unwrap().strip_suffix("]}").unwrap().to_owned();
        self.keys.push((id, Minter::new(ISSUER, key).unwrap(), jwk));
    }

    fn published(&self) -> Vec<PublishedKey> {
        self.keys.iter().map(|(key, ..)| key.clone()).collect()
    }

    fn jwks(&self) -> String {
        let keys: Vec<&str> = self.keys.iter().map(|(.., jwk)| jwk.as_str()).collect();
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
    }

    fn mint(&self, turn: usize, now: DateTime<Utc>) -> Token {
        let published = self.published();
        let signing = self.rotation.plan_at(&published, now).signing().unwrap().id().to_owned();
        let (_, minter, _) = self.keys.iter().find(|(key, ..)| *key.id() == *signing).unwrap();
        let lifetime = [TimeDelta::hours(1), days(1), days(30), LIFETIME][turn % 4];
        let grant = Grant::new(Environment::production(), "alice", AUDIENCE, lifetime);
        let minted = minter.mint_at(&grant, now).unwrap();
        Token { text: minted.token().to_owned(), expires_at: minted.expires_at() }
    }
}

/// A verifier that fetches the JWKS once a day, and knows nothing newer in between.
struct Node {
    verifier: Verifier,
    keys: KeySet,
    fetched_at: DateTime<Utc>,
}

impl Node {
    fn new(fetched_at: DateTime<Utc>) -> Self {
        let here = Environment::production();
        let keys = KeySet::new(ISSUER, here, []).unwrap();
        let rules = TokenRules::access_token(ISSUER, AUDIENCE, here).unwrap().with_leeway(LEEWAY).unwrap();
        Self { verifier: Verifier::new(rules, keys.clone()).unwrap(), keys, fetched_at }
    }

    fn tend(&mut self, issuer: &Issuer, now: DateTime<Utc>) {
        while self.keys.generation() == 0 || self.fetched_at + CACHE <= now {
            self.fetched_at += if self.keys.generation() == 0 { TimeDelta::zero() } else { CACHE };
            self.keys.replace(KeySet::read_jwks(&issuer.jwks).unwrap().0).unwrap();
        }
    }
}
