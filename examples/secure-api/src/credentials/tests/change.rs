//! What issuing, replacing and ending leave behind, whoever hangs up and whatever ended meanwhile.

use std::pin::pin;
use std::task::{Context, Waker};

use aetherflow_auth::audit::LogFolder;
use aetherflow_auth::jwt::{Grant, TokenRules, Verifier};
use aetherflow_auth::key::KeySet;
use aetherflow_auth::{Environment, Principal};
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::history::History;

/// The credentials of a new folder, and one of them that changes them.
struct Fixture {
    _folder: tempfile::TempDir,
    credentials: Arc<Credentials>,
    history: Arc<History>,
    own: Issued,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(LogFolder::new(folder.path().join("audit")), |_| ()).unwrap();
        let credentials = load(store(&folder), at(0));
        let own = made(&credentials, Kind::ApiKey);
        Self { _folder: folder, credentials, history: Arc::new(history), own }
    }

    fn caller(&self) -> Caller {
        let key = peppers().read(&self.own.secret).unwrap();
        let principal = peppers().verify_at(&key, self.own.record.as_ref(), at(0)).unwrap();
        Caller::new(Arc::new(principal), &self.history)
    }

    async fn issue(&self, now: DateTime<Utc>) -> Result<Issued, Refusal> {
        self.issue_for(&self.caller(), now).await
    }

    async fn issue_for(&self, caller: &Caller, now: DateTime<Utc>) -> Result<Issued, Refusal> {
        let wish = Wish {
            subject: None,
            scopes: ScopeSet::default(),
            plan: None,
            environment: Some(Environment::production()),
            allowlist: None,
        };
        self.credentials.issue(caller, Kind::ApiKey, wish, TimeDelta::minutes(1), now).await
    }

    async fn rotate(&self, id: &str, now: DateTime<Utc>) -> Result<Issued, Refusal> {
        self.credentials.rotate(&self.caller(), id, TimeDelta::zero(), now).await
    }

    async fn revoke(&self, id: &str, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.credentials.revoke(&self.caller(), id, now).await
    }

    /// Whether the database, the memory and the log say that `credential` is over.
    fn over(&self, credential: &Issued) -> (bool, bool, bool) {
        let id = &credential.credential.id;
        let owner = &credential.credential.owner;
        let ended =
            self.credentials.store.now(|connection| credentials::has_ended(connection, owner, id, at(0)));
        let refused = match credential.credential.kind {
            Kind::Token => self.credentials.revocations().len() == 1,
            Kind::ApiKey => verified(&self.credentials, credential, at(0)) == Err(ApiKeyError::Expired),
        };
        (ended.unwrap(), refused, self.history.page(None, 10, |_| true).unwrap().events().len() == 1)
    }
}

/// A runtime whose database does one thing after the other, in the order they were asked for.
fn one_at_a_time() -> Runtime {
    Builder::new_current_thread().enable_time().max_blocking_threads(1).build().unwrap()
}

/// Polls `change` so many times, the database being at rest before each, and drops it.
async fn cut<T>(store: &Store, polls: usize, change: impl Future<Output = T>) {
    {
        let mut change = pin!(change);
        for _ in 0..polls {
            if change.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                break;
            }
            store.run(|_| Ok(())).await.unwrap();
        }
    }
    store.run(|_| Ok(())).await.unwrap();
}

#[test]
fn a_change_whose_caller_hangs_up_is_whole_or_not_begun() {
    let (whole, not_begun) = ((true, true, true), (false, false, false));
    for kind in [Kind::Token, Kind::ApiKey] {
        for (polls, after_rotation, after_revocation) in
            [(0, not_begun, not_begun), (1, not_begun, whole), (2, whole, whole), (3, whole, whole)]
        {
            one_at_a_time().block_on(async {
                let (rotated, revoked) = (Fixture::new(), Fixture::new());
                let old = made(&rotated.credentials, kind);
                cut(&rotated.credentials.store, polls, rotated.rotate(&old.credential.id, at(0))).await;
                assert_eq!(rotated.over(&old), after_rotation, "{kind:?}, replaced, {polls} polls");
                let old = made(&revoked.credentials, kind);
                cut(&revoked.credentials.store, polls, revoked.revoke(&old.credential.id, at(0))).await;
                assert_eq!(revoked.over(&old), after_revocation, "{kind:?}, ended, {polls} polls");
            });
        }
    }
}

#[test]
fn a_key_whose_caller_hangs_up_is_known_wherever_it_is_listed() {
    for (polls, want) in [(0, 1), (1, 2), (2, 2)] {
        one_at_a_time().block_on(async {
            let fixture = Fixture::new();
            let store = &fixture.credentials.store;
            cut(store, polls, fixture.issue(at(0))).await;
            assert_eq!(store.credentials(at(0)).await.unwrap().len(), want, "{polls} polls");
            assert_eq!(fixture.credentials.records().list().len(), want, "{polls} polls");
        });
    }
}

#[tokio::test]
async fn a_caller_whose_own_credential_is_over_changes_nothing() {
    let fixture = Fixture::new();
    let other = made(&fixture.credentials, Kind::ApiKey).credential;
    assert!(fixture.issue(at(3_599)).await.is_ok());
    assert!(matches!(fixture.issue(at(3_600)).await, Err(Refusal::Ended)), "it has expired");
    let own = &fixture.own.credential;
    fixture.revoke(&own.id, at(1)).await.unwrap();
    for (name, outcome) in
        [("issue", fixture.issue(at(1)).await), ("rotate", fixture.rotate(&other.id, at(1)).await)]
    {
        assert!(matches!(outcome, Err(Refusal::Ended)), "{name}: it was revoked");
    }
    let all = fixture.credentials.store.credentials(at(1)).await.unwrap();
    assert_eq!(all.iter().filter(|credential| credential.id == other.id).count(), 1);
    assert_eq!(all.len(), 2, "the other, and what was issued while the caller's was good");
}

#[tokio::test]
async fn a_caller_of_another_issuers_token_changes_nothing_once_it_is_revoked() {
    let fixture = Fixture::new();
    let partner = principal_of_a_partner();
    let caller = Caller::new(Arc::new(partner.clone()), &fixture.history);
    let other = made(&fixture.credentials, Kind::ApiKey).credential;
    fixture.issue_for(&caller, at(0)).await.unwrap();
    let (issuer, until) = (partner.identity().issuer(), partner.expires_at());
    fixture.credentials.revocations().revoke_token(issuer, partner.credential_id(), until);
    let issued = fixture.issue_for(&caller, at(0)).await;
    let rotated = fixture.credentials.rotate(&caller, &other.id, TimeDelta::zero(), at(0)).await;
    for (name, outcome) in [("issue", issued), ("rotate", rotated)] {
        assert!(matches!(outcome, Err(Refusal::Ended)), "{name}: {:?}", outcome.map(drop));
    }
}

/// The bearer of a token that this server did not make, and whose subject is the one of `made`.
fn principal_of_a_partner() -> Principal {
    let here = Environment::production();
    let key = SigningKey::generate(Algorithm::Es256, here).unwrap();
    let keys = KeySet::new(ISSUER, here, [key.verifying_key()]).unwrap();
    let grant = Grant::new(here, "alice", "api", TimeDelta::hours(1));
    let minted = Minter::new(ISSUER, key).unwrap().mint_at(&grant, at(0)).unwrap();
    let verifier = Verifier::new(TokenRules::access_token(ISSUER, "api", here).unwrap(), keys).unwrap();
    Principal::clone(verifier.verify_at(minted.token(), at(0)).unwrap().principal())
}

#[tokio::test]
async fn what_an_overlap_has_ended_can_still_be_deleted_until_it_expires_and_only_once() {
    let fixture = Fixture::new();
    let token = made(&fixture.credentials, Kind::Token).credential;
    fixture.rotate(&token.id, at(0)).await.unwrap();
    assert!(matches!(fixture.revoke(&token.id, at(3_600)).await, Err(Refusal::Unknown)), "it has expired");
    assert!(fixture.revoke(&token.id, at(3_599)).await.is_ok());
    assert!(matches!(fixture.revoke(&token.id, at(3_599)).await, Err(Refusal::Unknown)), "it was deleted");
}
