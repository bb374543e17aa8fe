//! What a store keeps of an API key.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ApiKey, KeyHash, KeyId};
use crate::{Allowlist, CredentialKind, Environment, Identity, Principal, ScopeSet};

/// What a store keeps of an API key: whose it is, what it may do, until when, and a hash in place of the secret.
///
/// Made by [`Peppers::record`](super::Peppers::record).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ApiKeyRecord {
    id: KeyId,
    hash: KeyHash,
    identity: Identity,
    scopes: ScopeSet,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<Box<str>>,
    environment: Environment,
    // Null rather than left out, and demanded back: a list lost on the way must not read as "from anywhere".
    #[serde(deserialize_with = "Option::deserialize")]
    allowlist: Option<Allowlist>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl ApiKeyRecord {
    pub(super) fn new(
        key: &ApiKey,
        hash: KeyHash,
        identity: Identity,
        created_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id: *key.id(),
            hash,
            identity,
            scopes: ScopeSet::default(),
            plan: None,
            environment: key.environment(),
            allowlist: None,
            created_at,
            expires_at,
        }
    }

    /// Lets the key do what `scopes` name.
    #[must_use]
    pub fn with_scopes(self, scopes: ScopeSet) -> Self {
        Self { scopes, ..self }
    }

    /// Puts the key on a plan.
    #[must_use]
    pub fn with_plan(self, plan: &str) -> Self {
        Self { plan: Some(plan.into()), ..self }
    }

    /// Binds sensitive operations to the addresses of `allowlist`.
    #[must_use]
    pub fn with_allowlist(self, allowlist: Allowlist) -> Self {
        Self { allowlist: Some(allowlist), ..self }
    }

    /// The key's public name.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The hash kept in place of the secret.
    #[must_use]
    pub fn hash(&self) -> &KeyHash {
        &self.hash
    }

    /// Whose key it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What the key may do.
    #[must_use]
    pub fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// The name of the key's plan.
    #[must_use]
    pub fn plan(&self) -> Option<&str> {
        self.plan.as_deref()
    }

    /// Where the key is valid.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// From where sensitive operations may be called; absent is anywhere, empty is nowhere.
    #[must_use]
    pub fn allowlist(&self) -> Option<&Allowlist> {
        self.allowlist.as_ref()
    }

    /// When the key was made.
    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }

    /// The first moment at which the key is no longer valid.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// The caller this record stands for; only a verification may hand it out.
    pub(super) fn principal(&self) -> Principal {
        Principal {
            identity: self.identity.clone(),
            client: None,
            scopes: self.scopes.clone(),
            plan: self.plan.clone(),
            environment: self.environment,
            credential_id: self.id.as_str().into(),
            kind: CredentialKind::ApiKey,
            issued_at: self.created_at,
            expires_at: self.expires_at,
            allowlist: self.allowlist.clone(),
        }
    }
}
