//! One node of a cluster: revocations, a verifier, and the feed between them and the others.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use aetherflow_auth::jwt::Verifier;
use aetherflow_auth::revocation::{FeedChange, RedisFeed, Revocations, WhenLost};
use aetherflow_auth::{Environment, TokenError};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

use crate::forge::{ISSUER, claims_with, header, keys, now, rules, sign};

/// The calendar of all nodes: it stands at one date when the tests begin, and goes on.
pub(crate) fn clock() -> DateTime<Utc> {
    static START: OnceLock<Instant> = OnceLock::new();
    let elapsed = START.get_or_init(Instant::now).elapsed();
    now() + TimeDelta::from_std(elapsed).unwrap()
}

pub(crate) type Answer = Result<(), TokenError>;

pub(crate) struct Node {
    pub(crate) revocations: Arc<Revocations>,
    verifier: Verifier,
    changes: Arc<Mutex<Vec<String>>>,
    task: JoinSet<()>,
}

impl Node {
    pub(crate) fn start(address: &str) -> Self {
        Self::start_with(address, Arc::default(), WhenLost::Closed)
    }

    pub(crate) fn start_with(address: &str, revocations: Arc<Revocations>, when_lost: WhenLost) -> Self {
        let mut node = Self::prepared(revocations);
        let changes = Arc::clone(&node.changes);
        let feed = RedisFeed::new(address, Environment::production(), Arc::clone(&node.revocations))
            .unwrap()
            .with_lost_feed(when_lost)
            .with_clock(clock)
            .with_report(move |change| changes.lock().unwrap().push(name_of(&change)));
        node.task.spawn(async move { match feed.run().await {} });
        node
    }

    fn prepared(revocations: Arc<Revocations>) -> Self {
        let verifier = Verifier::new(rules(), keys()).unwrap().with_revocations(Arc::clone(&revocations));
        Self { revocations, verifier, changes: Arc::default(), task: JoinSet::new() }
    }

    pub(crate) fn answer(&self, id: &str) -> Answer {
        self.verifier.verify_at(token(id), clock()).map(|_| ())
    }

    pub(crate) fn revoke(&self, id: &str) {
        self.revocations.revoke_token(ISSUER, id, now() + TimeDelta::hours(1));
    }

    pub(crate) async fn is_current(&self) {
        eventually("current", true, || self.revocations.is_current_at(clock())).await;
    }

    pub(crate) async fn becomes(&self, id: &str, want: Answer) {
        eventually(id, want, || self.answer(id)).await;
    }

    /// Waits for the first answer that is not "unknown", and gives it.
    pub(crate) async fn first_answer(&self, id: &str) -> Answer {
        let unknown = Err(TokenError::RevocationsUnknown);
        let mut ticks = interval(Duration::from_millis(1));
        let answered = async {
            loop {
                let answer = self.answer(id);
                if answer != unknown {
                    return answer;
                }
                ticks.tick().await;
            }
        };
        timeout(PATIENCE, answered).await.unwrap_or(unknown)
    }

    pub(crate) async fn reports(&self, want: &str) {
        let found = || {
            let changes = self.changes.lock().unwrap();
            changes.iter().find(|change| change.contains(want)).or(changes.last()).cloned()
        };
        let contains = |change: Option<String>| change.as_ref().is_some_and(|change| change.contains(want));
        let mut ticks = interval(Duration::from_millis(2));
        let reported = async {
            while !contains(found()) {
                ticks.tick().await;
            }
        };
        if timeout(PATIENCE, reported).await.is_err() {
            assert_eq!(found(), Some(want.to_owned()));
        }
    }

    /// Ends the feed as a host does that drops its future.
    pub(crate) async fn end_feed(&mut self) {
        self.task.shutdown().await;
    }
}

fn name_of(change: &FeedChange) -> String {
    format!("{change:?}")
}

pub(crate) fn token(id: &str) -> String {
    sign(&header().to_string(), &claims_with("jti", json!(id)).to_string())
}

/// Asks until the answer is the one wanted.
pub(crate) async fn eventually<T: std::fmt::Debug + PartialEq>(name: &str, want: T, ask: impl Fn() -> T) {
    let mut ticks = interval(Duration::from_millis(2));
    let asked = async {
        while ask() != want {
            ticks.tick().await;
        }
    };
    if timeout(PATIENCE, asked).await.is_err() {
        assert_eq!(ask(), want, "{name}");
    }
}

/// How long a busy machine may take for what is done at once on an idle one.
const PATIENCE: Duration = Duration::from_secs(30);
