//! Issuing, replacing and ending credentials.
//!
//! What decides a request (revocations, API-key records) is in memory; the database is behind it.
//!
//! 1. A revocation reaches the memory first and a new credential last, so that whatever fails in between refuses rather
//!    than admits.
//! 2. The database, the memory and the audit log change in one step ([`Store::change`]), which a client that hangs up
//!    does not cut in two: a credential that the database ends and the memory does not would be good and in no list.
//! 3. A caller whose own credential has ended meanwhile changes nothing.

mod caller;
mod mint;

use std::sync::{Arc, Mutex, PoisonError};

use aetherflow_auth::api_key::{ApiKeyRecord, ApiKeyStore, KeyId, Lookup, MemoryApiKeyStore};
use aetherflow_auth::audit::Action;
use aetherflow_auth::revocation::Revocations;
use aetherflow_tower::rejection::Problem;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Transaction;
use thiserror::Error;

pub(crate) use caller::Caller;
pub(crate) use mint::{Issued, Mint};

use crate::answer::QUOTA_REACHED;
use crate::authority::{Authority, Denied, Granted, Wish};
use crate::credential::{Credential, Kind};
use crate::store::credentials::{self, Addition};
use crate::store::{Store, StoreError};

/// The credentials of this server.
#[derive(Debug)]
pub(crate) struct Credentials {
    store: Store,
    mint: Mint,
    records: Arc<MemoryApiKeyStore>,
    revocations: Arc<Revocations>,
    ending: Mutex<()>,
}

/// Why nothing was issued, replaced or ended.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    /// The caller may not.
    #[error("the caller may not")]
    Denied(Denied),
    /// The caller's own credential is over.
    #[error("the caller's credential has ended")]
    Ended,
    /// There is no such credential, as far as the caller may know.
    #[error("no such credential")]
    Unknown,
    /// What was asked for makes no credential.
    #[error("no credential has that form")]
    Form,
    /// The owner has as many as one may.
    #[error("too many credentials")]
    TooMany,
    /// The database failed.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Credentials {
    /// Takes up the credentials the database keeps, as of `now`; within a runtime, which ends overlaps.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they cannot be read.
    pub(crate) fn load(store: Store, mint: Mint, now: DateTime<Utc>) -> Result<Arc<Self>, StoreError> {
        let (records, revocations, ending) = (Arc::default(), Arc::default(), Mutex::default());
        let loaded = Arc::new(Self { store, mint, records, revocations, ending });
        loaded.load_tokens(now)?;
        loaded.load_keys()?;
        Ok(loaded)
    }

    /// What the verifier asks.
    pub(crate) fn revocations(&self) -> Arc<Revocations> {
        Arc::clone(&self.revocations)
    }

    /// What the gate looks API keys up in.
    pub(crate) fn records(&self) -> Arc<MemoryApiKeyStore> {
        Arc::clone(&self.records)
    }

    /// The credentials `authority` may know of, oldest first.
    pub(crate) async fn list(
        &self,
        authority: &Authority,
        now: DateTime<Utc>,
    ) -> Result<Vec<Credential>, StoreError> {
        let mut all = self.store.credentials(now).await?;
        all.retain(|credential| authority.sees(credential));
        Ok(all)
    }

    /// Issues what `caller` may give.
    pub(crate) async fn issue(
        self: &Arc<Self>,
        caller: &Caller,
        kind: Kind,
        wish: Wish,
        lifetime: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Issued, Refusal> {
        let granted = caller.authority().grant(wish).map_err(Refusal::Denied)?;
        let issued = self.mint.make(kind, granted, lifetime, now)?;
        let record = issued.written_record()?;
        let (giver, witness, credentials) = (caller.clone(), caller.clone(), Arc::clone(self));
        let revocations = self.revocations();
        let work = move |change: &Transaction<'_>| {
            giver.check(change, &revocations, now)?;
            kept(credentials::add(change, &issued.credential, record.as_deref())?)?;
            Ok(issued)
        };
        let told = move |issued: &Issued| {
            credentials.begin(issued);
            witness.record(Action::Issued, &issued.credential.id, now);
        };
        self.store.change(work, told).await
    }

    /// Issues the like of the credential `id`, which ends when `overlap` is over.
    pub(crate) async fn rotate(
        self: &Arc<Self>,
        caller: &Caller,
        id: &str,
        overlap: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Issued, Refusal> {
        let authority = caller.authority();
        let old = self.store.credential(id, now).await?;
        let old = old.filter(|credential| authority.sees(credential)).ok_or(Refusal::Unknown)?;
        authority.renew(&old).map_err(Refusal::Denied)?;
        let issued = self.mint.make(old.kind, Granted::like(&old), old.lifetime(), now)?;
        let record = issued.written_record()?;
        let old = Credential { ends_at: old.ends_at.min(now + overlap), ..old };
        let (giver, witness, credentials) = (caller.clone(), caller.clone(), Arc::clone(self));
        let revocations = self.revocations();
        let (replaced, ending) = (old.id.clone(), old.ends_at);
        let work = move |change: &Transaction<'_>| {
            giver.check(change, &revocations, now)?;
            kept(credentials::replace(change, &replaced, ending, &issued.credential, record.as_deref())?)?;
            Ok(issued)
        };
        let told = move |issued: &Issued| {
            credentials.begin(issued);
            witness.record(Action::Rotated, &old.id, now);
            credentials.end_at(old, now);
        };
        self.store.change(work, told).await
    }

    /// Ends the credential `id` at once, unless that was done before.
    pub(crate) async fn revoke(
        self: &Arc<Self>,
        caller: &Caller,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let (authority, witness, credentials) = (caller.authority(), caller.clone(), Arc::clone(self));
        let id = id.to_owned();
        let work = move |change: &Transaction<'_>| {
            let found = credentials::find_unrevoked(change, &id, now)?;
            let found = found.filter(|credential| authority.sees(credential)).ok_or(Refusal::Unknown)?;
            // Before the commit: were the disk to refuse it, the credential is refused all the same.
            credentials.end_at(Credential { ends_at: DateTime::UNIX_EPOCH, ..found }, now);
            credentials::end(change, &id)?;
            Ok(id)
        };
        let told = move |id: &String| witness.record(Action::Revoked, id, now);
        self.store.change(work, told).await.map(drop)
    }

    /// Ends the tokens whose overlap is over at `now`, whatever those who wait for its end have slept through.
    pub(crate) async fn end_overlaps(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let over = self.store.run(move |connection| credentials::ended_tokens(connection, now)).await?;
        over.iter().for_each(|credential| self.revoke_token(credential));
        Ok(())
    }

    /// Drops what had expired by `now`, API keys long before.
    pub(crate) async fn forget_expired(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.revocations.forget_expired_at(now);
        for id in self.store.forget_expired(now).await? {
            // A token's id is no key's.
            if let Ok(id) = KeyId::parse(&id) {
                self.records.remove(&id);
            }
        }
        Ok(())
    }

    /// Whether the credential `id`, which is over at `now`, was ended rather than has expired.
    pub(crate) fn was_ended(&self, id: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        self.store.now(|connection| credentials::was_ended_early(connection, id, now))
    }

    /// Makes a credential from nothing but the operator's word, for the first start.
    pub(crate) fn found(
        &self,
        kind: Kind,
        granted: Granted,
        lifetime: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Issued, Refusal> {
        let issued = self.mint.make(kind, granted, lifetime, now)?;
        let record = issued.written_record()?;
        self.store
            .now(|connection| credentials::insert(connection, &issued.credential, record.as_deref()))?;
        self.begin(&issued);
        Ok(issued)
    }

    /// Tells the memory of what the database has just kept.
    fn begin(&self, issued: &Issued) {
        if let Some(record) = issued.record.clone() {
            self.records.insert(record);
        }
    }

    /// Ends a credential that ends at `ends_at`, seen from `now`.
    fn end_at(self: &Arc<Self>, credential: Credential, now: DateTime<Utc>) {
        match (credential.kind, (credential.ends_at - now).to_std()) {
            // An API key's record tells its end.
            (Kind::ApiKey, _) => self.end_key(&credential.id, credential.ends_at),
            (Kind::Token, Ok(left)) if !left.is_zero() => {
                let credentials = Arc::clone(self);
                tokio::spawn(async move {
                    tokio::time::sleep(left).await;
                    credentials.revoke_token(&credential);
                });
            }
            (Kind::Token, Ok(_) | Err(_)) => self.revoke_token(&credential),
        }
    }

    fn revoke_token(&self, credential: &Credential) {
        self.revocations.revoke_token(credential.owner.issuer(), &credential.id, credential.expires_at);
    }

    // The record stays: the bearer of a key that was genuine once is no guesser.
    fn end_key(&self, id: &str, ends_at: DateTime<Utc>) {
        // One at a time, and never to a later end: a rotation must not bring back what is revoked beside it.
        let _ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(id) = KeyId::parse(id) else { return };
        let Lookup::Ready(Ok(Some(record))) = self.records.find(&id) else { return };
        // In its place: were it gone in between, a genuine key would be taken for a guess.
        match ending(&record, ends_at.min(record.expires_at())) {
            Ok(record) => drop(self.records.insert(record)),
            Err(_) => drop(self.records.remove(&id)),
        }
    }

    fn load_tokens(self: &Arc<Self>, now: DateTime<Utc>) -> Result<(), StoreError> {
        for credential in self.store.now(|connection| credentials::ending_tokens(connection))? {
            self.end_at(credential, now);
        }
        Ok(())
    }

    fn load_keys(&self) -> Result<(), StoreError> {
        for (record, ends_at) in self.store.now(|connection| credentials::records(connection))? {
            let record = serde_json::from_str(&record).map_err(|_| StoreError::Unreadable("API key"))?;
            self.records.insert(ending(&record, ends_at)?);
        }
        Ok(())
    }
}

fn kept(addition: Addition) -> Result<(), Refusal> {
    match addition {
        Addition::Kept => Ok(()),
        Addition::Full => Err(Refusal::TooMany),
        Addition::Gone => Err(Refusal::Unknown),
    }
}

/// The record, good until `ends_at`, its stored form being the only place where that stands.
fn ending(record: &ApiKeyRecord, ends_at: DateTime<Utc>) -> Result<ApiKeyRecord, StoreError> {
    let rewritten = serde_json::to_value(record).and_then(|mut written| {
        written["expires_at"] = serde_json::to_value(ends_at)?;
        serde_json::from_value(written)
    });
    rewritten.map_err(|_| StoreError::Unreadable("API key"))
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Denied(denied) => Problem::from(denied).into_response(),
            Self::Ended => Problem::INVALID_TOKEN.into_response(),
            Self::Unknown => Problem::NOT_FOUND.into_response(),
            Self::Form => Problem::INVALID_PARAMETERS.into_response(),
            Self::TooMany => QUOTA_REACHED.into_response(),
            Self::Store(error) => error.into_response(),
        }
    }
}

#[cfg(test)]
mod tests;
