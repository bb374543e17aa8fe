//! Making credentials: the secret, what is remembered of it, and for an API key what it is verified by.

use std::sync::Arc;

use aetherflow_auth::MintError;
use aetherflow_auth::api_key::{ApiKey, ApiKeyRecord, Peppers};
use aetherflow_auth::jwt::{Grant, Minter};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use zeroize::Zeroizing;

use super::Refusal;
use crate::authority::Granted;
use crate::credential::{Credential, Kind};
use crate::store::StoreError;

/// Makes credentials of one environment, for one audience.
#[derive(Debug)]
pub(crate) struct Mint {
    minter: Minter,
    peppers: Arc<Peppers>,
    audience: String,
}

/// A new credential, and its secret, which is shown once.
pub(crate) struct Issued {
    pub(crate) credential: Credential,
    pub(crate) secret: Zeroizing<String>,
    pub(super) record: Option<ApiKeyRecord>,
}

impl Issued {
    /// What an API key is verified by, as the database keeps it.
    pub(super) fn written_record(&self) -> Result<Option<String>, StoreError> {
        let written = self.record.as_ref().map(serde_json::to_string);
        written.transpose().map_err(|_| StoreError::Unreadable("API key"))
    }
}

impl Mint {
    /// Signs tokens with `minter`, and hashes API keys under `peppers`.
    pub(crate) fn new(minter: Minter, peppers: Arc<Peppers>, audience: &str) -> Self {
        Self { minter, peppers, audience: audience.to_owned() }
    }

    pub(super) fn make(
        &self,
        kind: Kind,
        granted: Granted,
        lifetime: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Issued, Refusal> {
        // Tokens tell time in whole seconds, and what is shown is what holds.
        let now = now.duration_trunc(TimeDelta::seconds(1)).map_err(|_| Refusal::Form)?;
        match kind {
            Kind::Token => self.make_token(granted, lifetime, now),
            Kind::ApiKey => self.make_key(granted, lifetime, now),
        }
    }

    fn make_token(
        &self,
        granted: Granted,
        lifetime: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Issued, Refusal> {
        let environment = self.peppers.environment();
        let mut grant = Grant::new(environment, granted.owner.subject(), &self.audience, lifetime)
            .with_scopes(granted.scopes.clone())
            .with_plan(granted.plan.as_str());
        if let Some(tenant) = granted.owner.named_tenant() {
            grant = grant.with_tenant(tenant);
        }
        if let Some(allowlist) = granted.allowlist.clone() {
            grant = grant.with_allowlist(allowlist);
        }
        let minted = self.minter.mint_at(&grant, now)?;
        let credential = credential(minted.id().to_owned(), Kind::Token, granted, now, minted.expires_at());
        Ok(Issued { credential, secret: Zeroizing::new(minted.token().to_owned()), record: None })
    }

    fn make_key(&self, granted: Granted, lifetime: TimeDelta, now: DateTime<Utc>) -> Result<Issued, Refusal> {
        let key = ApiKey::generate(self.peppers.environment());
        let key = key.map_err(|_| StoreError::Unreadable("random number"))?;
        let record = self.peppers.record(&key, granted.owner.clone(), now, now + lifetime);
        let mut record = record.map_err(|_| Refusal::Form)?;
        record = record.with_scopes(granted.scopes.clone()).with_plan(granted.plan.as_str());
        if let Some(allowlist) = granted.allowlist.clone() {
            record = record.with_allowlist(allowlist);
        }
        let credential = credential(key.id().to_string(), Kind::ApiKey, granted, now, record.expires_at());
        let secret = Zeroizing::new(key.expose().to_owned());
        Ok(Issued { credential, secret, record: Some(record) })
    }
}

impl From<MintError> for Refusal {
    fn from(error: MintError) -> Self {
        match error {
            MintError::Backend | MintError::Environment => StoreError::Unreadable("signing key").into(),
            // What was asked for fits in no token.
            _ => Self::Form,
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
    Credential {
        id,
        kind,
        owner,
        scopes,
        plan,
        allowlist,
        created_at,
        expires_at,
        ends_at: expires_at,
        replaced_by: None,
        last_used_at: None,
    }
}
