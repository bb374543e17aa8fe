//! Issuing, replacing and ending credentials.
//!
//! What decides a request (revocations, API-key records) is in memory; the database is behind it. A revocation reaches
//! the memory first and a new credential last, so that whatever fails in between refuses rather than admits.

use std::sync::{Arc, Mutex, PoisonError};

use aetherflow_auth::api_key::{ApiKey, ApiKeyRecord, KeyId, MemoryApiKeyStore, Peppers};
use aetherflow_auth::jwt::{Grant, Minter};
use aetherflow_auth::revocation::Revocations;
use aetherflow_auth::{Environment, MintError};
use aetherflow_tower::rejection::Problem;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::answer::QUOTA_REACHED;
use crate::authority::{Authority, Denied, Granted, Wish};
use crate::credential::{Credential, Kind};
use crate::store::credentials::{self, Addition};
use crate::store::{Store, StoreError};

/// The credentials of this server.
#[derive(Debug)]
pub(crate) struct Credentials {
    store: Store,
    minter: Minter,
    peppers: Arc<Peppers>,
    records: Arc<MemoryApiKeyStore>,
    revocations: Arc<Revocations>,
    environment: Environment,
    audience: String,
    ending: Mutex<()>,
}

/// A new credential, and its secret, which is shown once.
pub(crate) struct Issued {
    pub(crate) credential: Credential,
    pub(crate) secret: Zeroizing<String>,
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
    pub(crate) fn load(
        store: Store,
        minter: Minter,
        peppers: Arc<Peppers>,
        audience: &str,
        now: DateTime<Utc>,
    ) -> Result<Arc<Self>, StoreError> {
        let environment = peppers.environment();
        let (records, revocations) = (Arc::default(), Arc::default());
        let audience = audience.to_owned();
        let ending = Mutex::default();
        let loaded =
            Arc::new(Self { store, minter, peppers, records, revocations, environment, audience, ending });
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
        let (issued, record) = self.make(kind, granted, lifetime, now)?;
        let addition = self.store.add_credential(&issued.credential, written(record.as_ref())?).await?;
        self.conclude(addition, issued, record)
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
        let (issued, record) = self.make(old.kind, like, old.lifetime(), now)?;
        let ends_at = old.ends_at.min(now + overlap);
        let text = written(record.as_ref())?;
        let addition = self.store.replace_credential(id, ends_at, &issued.credential, text).await?;
        let issued = self.conclude(addition, issued, record)?;
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
        let (issued, record) = self.make(kind, granted, lifetime, now)?;
        let text = written(record.as_ref())?;
        self.store.now(|connection| credentials::insert(connection, &issued.credential, text.as_deref()))?;
        self.admit(record);
        Ok(issued)
    }

    async fn find(&self, authority: &Authority, id: &str, now: DateTime<Utc>) -> Result<Credential, Refusal> {
        let found = self.store.credential(id, now).await?;
        found.filter(|credential| authority.sees(credential)).ok_or(Refusal::Unknown)
    }

    fn make(
        &self,
        kind: Kind,
        granted: Granted,
        lifetime: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<(Issued, Option<ApiKeyRecord>), Refusal> {
        // Tokens tell time in whole seconds, and what is shown is what holds.
        let now = now.duration_trunc(TimeDelta::seconds(1)).map_err(|_| Refusal::Form)?;
        match kind {
            Kind::Token => self.make_token(granted, lifetime, now).map(|issued| (issued, None)),
            Kind::ApiKey => {
                self.make_key(granted, lifetime, now).map(|(issued, record)| (issued, Some(record)))
            }
        }
    }

    fn make_token(
        &self,
        granted: Granted,
        lifetime: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Issued, Refusal> {
        let mut grant = Grant::new(self.environment, granted.owner.subject(), &self.audience, lifetime)
            .with_scopes(granted.scopes.clone())
            .with_plan(granted.plan.as_str());
        if let Some(tenant) = granted.owner.named_tenant() {
            grant = grant.with_tenant(tenant);
        }
        if let Some(allowlist) = granted.allowlist.clone() {
            grant = grant.with_allowlist(allowlist);
        }
        let minted = self.minter.mint_at(&grant, now).map_err(Refusal::from)?;
        let credential = credential(minted.id().to_owned(), Kind::Token, granted, now, minted.expires_at());
        Ok(Issued { credential, secret: Zeroizing::new(minted.token().to_owned()) })
    }

    fn make_key(
        &self,
        granted: Granted,
        lifetime: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<(Issued, ApiKeyRecord), Refusal> {
        let key = ApiKey::generate(self.environment).map_err(|_| StoreError::Unreadable("random number"))?;
        let record = self.peppers.record(&key, granted.owner.clone(), now, now + lifetime);
        let mut record = record.map_err(|_| Refusal::Form)?;
        record = record.with_scopes(granted.scopes.clone()).with_plan(granted.plan.as_str());
        if let Some(allowlist) = granted.allowlist.clone() {
            record = record.with_allowlist(allowlist);
        }
        let credential = credential(key.id().to_string(), Kind::ApiKey, granted, now, record.expires_at());
        Ok((Issued { credential, secret: Zeroizing::new(key.expose().to_owned()) }, record))
    }

    fn conclude(
        &self,
        addition: Addition,
        issued: Issued,
        record: Option<ApiKeyRecord>,
    ) -> Result<Issued, Refusal> {
        match addition {
            Addition::Full => Err(Refusal::TooMany),
            Addition::Gone => Err(Refusal::Unknown),
            Addition::Kept => {
                self.admit(record);
                Ok(issued)
            }
        }
    }

    fn admit(&self, record: Option<ApiKeyRecord>) {
        if let Some(record) = record {
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

impl From<MintError> for Refusal {
    fn from(_: MintError) -> Self {
        // Only what was asked for can make minting fail: its scopes, subject and addresses fit in no token.
        Self::Form
    }
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

fn credential(
    id: String,
    kind: Kind,
    granted: Granted,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Credential {
    let Granted { owner, scopes, plan, allowlist } = granted;
    let ends_at = expires_at;
    let (replaced_by, last_used_at) = (None, None);
    Credential {
        id,
        kind,
        owner,
        scopes,
        plan,
        allowlist,
        created_at,
        expires_at,
        ends_at,
        replaced_by,
        last_used_at,
    }
}

fn written(record: Option<&ApiKeyRecord>) -> Result<Option<String>, StoreError> {
    record.map(serde_json::to_string).transpose().map_err(|_| StoreError::Unreadable("API key"))
}

#[cfg(test)]
mod tests;
