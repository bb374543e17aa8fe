//! Issuing, replacing and ending credentials.
//!
//! What decides a request (revocations, API-key records) is in memory; the database is behind it. A revocation reaches
//! the memory first and a new credential last, so that whatever fails in between refuses rather than admits.

mod mint;

use std::sync::{Arc, Mutex, PoisonError};

use aetherflow_auth::api_key::{ApiKeyRecord, KeyId, MemoryApiKeyStore};
use aetherflow_auth::revocation::Revocations;
use aetherflow_tower::rejection::Problem;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;

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
        loaded.load_keys(now)?;
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

    /// Issues what `authority` may give.
    pub(crate) async fn issue(
        &self,
        authority: &Authority,
        kind: Kind,
        wish: Wish,
        lifetime: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Issued, Refusal> {
        let granted = authority.grant(wish).map_err(Refusal::Denied)?;
        let issued = self.mint.make(kind, granted, lifetime, now)?;
        let addition = self.store.add_credential(&issued.credential, issued.written_record()?).await?;
        self.conclude(addition, issued)
    }

    /// Issues the like of the credential `id`, which ends when `overlap` is over.
    pub(crate) async fn rotate(
        self: &Arc<Self>,
        authority: &Authority,
        id: &str,
        overlap: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Issued, Refusal> {
        let old = self.find(authority, id, now).await?;
        authority.renew(&old).map_err(Refusal::Denied)?;
        let like = Granted {
            owner: old.owner.clone(),
            scopes: old.scopes.clone(),
            plan: old.plan,
            allowlist: old.allowlist.clone(),
        };
        let issued = self.mint.make(old.kind, like, old.lifetime(), now)?;
        let ends_at = old.ends_at.min(now + overlap);
        let record = issued.written_record()?;
        let addition = self.store.replace_credential(id, ends_at, &issued.credential, record).await?;
        let issued = self.conclude(addition, issued)?;
        self.end_at(Credential { ends_at, ..old }, now);
        Ok(issued)
    }

    /// Ends the credential `id` at once.
    pub(crate) async fn revoke(
        self: &Arc<Self>,
        authority: &Authority,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let credential = self.find(authority, id, now).await?;
        self.end_at(Credential { ends_at: DateTime::UNIX_EPOCH, ..credential }, now);
        Ok(self.store.end_credential(id).await?)
    }

    /// Drops what no longer matters at `now`.
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
        self.conclude(Addition::Kept, issued)
    }

    async fn find(&self, authority: &Authority, id: &str, now: DateTime<Utc>) -> Result<Credential, Refusal> {
        let found = self.store.credential(id, now).await?;
        found.filter(|credential| authority.sees(credential)).ok_or(Refusal::Unknown)
    }

    fn conclude(&self, addition: Addition, issued: Issued) -> Result<Issued, Refusal> {
        match addition {
            Addition::Full => return Err(Refusal::TooMany),
            Addition::Gone => return Err(Refusal::Unknown),
            Addition::Kept => {}
        }
        if let Some(record) = issued.record.clone() {
            self.records.insert(record);
        }
        Ok(issued)
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

    // The record stays until its expiry: the bearer of a key that was genuine once is no guesser.
    fn end_key(&self, id: &str, ends_at: DateTime<Utc>) {
        // One at a time, and never to a later end: a rotation must not bring back what is revoked beside it.
        let _ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(record) = KeyId::parse(id).ok().and_then(|id| self.records.remove(&id)) else { return };
        if let Ok(record) = ending(&record, ends_at.min(record.expires_at())) {
            self.records.insert(record);
        }
    }

    fn load_tokens(self: &Arc<Self>, now: DateTime<Utc>) -> Result<(), StoreError> {
        for credential in self.store.now(|connection| credentials::ending_tokens(connection, now))? {
            self.end_at(credential, now);
        }
        Ok(())
    }

    fn load_keys(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        for (record, ends_at) in self.store.now(|connection| credentials::records(connection, now))? {
            let record = serde_json::from_str(&record).map_err(|_| StoreError::Unreadable("API key"))?;
            self.records.insert(ending(&record, ends_at)?);
        }
        Ok(())
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
            Self::Unknown => Problem::NOT_FOUND.into_response(),
            Self::Form => Problem::INVALID_PARAMETERS.into_response(),
            Self::TooMany => QUOTA_REACHED.into_response(),
            Self::Store(error) => error.into_response(),
        }
    }
}

#[cfg(test)]
mod tests;
