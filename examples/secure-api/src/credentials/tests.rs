mod change;

use std::time::Duration;

use aetherflow_auth::api_key::{ApiKeyError, ApiKeyStore, Lookup, Peppers};
use aetherflow_auth::jwt::Minter;
use aetherflow_auth::key::{Algorithm, SigningKey};
use aetherflow_auth::{Environment, Identity, ScopeSet};
use aetherflow_crypto::{KeyId as RingKeyId, KeyRing, Purpose, RingKey, Secret};

use super::*;
use crate::credential::PlanName;

const ISSUER: &str = "https://auth.example";

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn store(folder: &tempfile::TempDir) -> Store {
    let id = RingKeyId::new(1);
    let ring = KeyRing::new(id, [RingKey::new(id, Purpose::Field, &Secret::new(&[1; 32]))]).unwrap();
    Store::open(&folder.path().join("db"), ring).unwrap()
}

fn peppers() -> Arc<Peppers> {
    Arc::new(Peppers::new(Environment::production(), "1", &[2; 32]).unwrap())
}

fn load(store: Store, now: DateTime<Utc>) -> Arc<Credentials> {
    let key = SigningKey::generate(Algorithm::Es256, Environment::production()).unwrap();
    let mint = Mint::new(Minter::new(ISSUER, key).unwrap(), peppers(), "api");
    Credentials::load(store, mint, now).unwrap()
}

fn made(credentials: &Credentials, kind: Kind) -> Issued {
    let granted = Granted {
        owner: Identity::new(ISSUER, None, "alice"),
        scopes: ScopeSet::default(),
        plan: PlanName::Free,
        allowlist: None,
    };
    credentials.found(kind, granted, TimeDelta::hours(1), at(0)).unwrap()
}

fn verified(credentials: &Credentials, key: &Issued, now: DateTime<Utc>) -> Result<(), ApiKeyError> {
    let key = peppers().read(&key.secret).unwrap();
    let Lookup::Ready(found) = credentials.records().find(key.id()) else {
        panic!("the records are in memory")
    };
    peppers().verify_at(&key, found.unwrap().as_deref(), now).map(drop)
}

#[tokio::test]
async fn a_key_ends_when_told_and_no_later_word_brings_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let credentials = load(store(&folder), at(0));
    let key = made(&credentials, Kind::ApiKey);
    assert_eq!(verified(&credentials, &key, at(3_599)), Ok(()));
    let end = |ends_at| credentials.end_at(Credential { ends_at, ..key.credential.clone() }, at(0));
    end(at(60));
    assert_eq!(verified(&credentials, &key, at(59)), Ok(()));
    assert_eq!(verified(&credentials, &key, at(60)), Err(ApiKeyError::Expired));
    end(at(600));
    assert_eq!(verified(&credentials, &key, at(60)), Err(ApiKeyError::Expired));
    end(DateTime::UNIX_EPOCH);
    assert_eq!(verified(&credentials, &key, at(1)), Err(ApiKeyError::Expired));
}

#[tokio::test]
async fn what_was_ended_is_ended_after_a_restart_and_forgotten_once_expired_a_key_ninety_days_later() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let first = load(store.clone(), at(0));
    let (kept, ended, token) =
        (made(&first, Kind::ApiKey), made(&first, Kind::ApiKey), made(&first, Kind::Token));
    for one in [&ended, &token] {
        store.now(|connection| credentials::end(connection, &one.credential.id)).unwrap();
    }
    let second = load(store, at(10));
    assert_eq!(verified(&second, &kept, at(10)), Ok(()));
    assert_eq!(verified(&second, &ended, at(10)), Err(ApiKeyError::Expired));
    assert_eq!(second.revocations().len(), 1);
    second.forget_expired(at(3_661)).await.unwrap();
    assert_eq!(second.revocations().len(), 0);
    let third = load(second.store.clone(), at(3_661));
    for now in [at(3_661), at(3_600 + 90 * 86_400 - 1)] {
        third.forget_expired(now).await.unwrap();
        for key in [&kept, &ended] {
            assert_eq!(verified(&third, key, now), Err(ApiKeyError::Expired), "no guess");
        }
        assert_eq!(third.store.credentials(now).await.unwrap(), []);
    }
    let now = at(3_600 + 90 * 86_400);
    third.forget_expired(now).await.unwrap();
    assert_eq!(verified(&third, &kept, now), Err(ApiKeyError::Unknown));
}

#[tokio::test(start_paused = true)]
async fn an_overlap_is_over_by_the_calendar_though_its_sleep_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let credentials = load(store(&folder), at(0));
    let (old, new) = (made(&credentials, Kind::Token).credential, made(&credentials, Kind::Token).credential);
    let replaced = credentials.store.now(|connection| {
        let change = connection.transaction()?;
        let replaced = credentials::replace(
            &change,
            &old.id,
            at(60),
            &Credential { id: "new".to_owned(), ..new.clone() },
            None,
        )?;
        change.commit()?;
        Ok(replaced)
    });
    assert_eq!(replaced.unwrap(), Addition::Kept);
    for (now, want) in [(59, 0), (60, 1), (120, 1)] {
        credentials.end_overlaps(at(now)).await.unwrap();
        assert_eq!(credentials.revocations().len(), want, "after {now} seconds");
    }
}

#[tokio::test]
async fn a_start_whose_clock_is_ahead_still_knows_what_was_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let token = made(&load(store.clone(), at(0)), Kind::Token).credential;
    store.now(|connection| credentials::end(connection, &token.id)).unwrap();
    assert_eq!(load(store, at(7_200)).revocations().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_replaced_token_is_revoked_when_its_overlap_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let credentials = load(store(&folder), at(0));
    let token = made(&credentials, Kind::Token).credential;
    credentials.end_at(Credential { ends_at: at(60), ..token.clone() }, at(0));
    // One step of the runtime, in which the task that waits is begun.
    tokio::task::yield_now().await;
    tokio::time::advance(Duration::from_millis(59_990)).await;
    assert_eq!(credentials.revocations().len(), 0);
    tokio::time::advance(Duration::from_millis(11)).await;
    tokio::task::yield_now().await;
    assert_eq!(credentials.revocations().len(), 1);
}
