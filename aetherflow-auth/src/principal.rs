//! The verified caller, and the name it goes by.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Allowlist, Environment, ScopeSet};

/// The name of a caller: issuer, tenant and subject together.
///
/// Equality, ownership, limits, revocation and audit go by all three. A name proves nothing; a [`Principal`] does.
///
/// # Security
///
/// A bare subject is for display: two issuers, or two tenants of one, may use the same.
///
/// # Examples
///
/// ```
/// use aetherflow_auth::Identity;
///
/// let alice = Identity::new("https://auth.example", None, "alice");
/// assert_eq!(alice.tenant(), "alice");
/// assert_ne!(alice, Identity::new("https://auth.example", Some("acme"), "alice"));
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Identity {
    issuer: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<Box<str>>,
    subject: Box<str>,
}

impl Identity {
    /// Names a caller; without a tenant the subject is its own.
    #[must_use]
    pub fn new(issuer: impl Into<Arc<str>>, tenant: Option<&str>, subject: impl Into<Box<str>>) -> Self {
        Self { issuer: issuer.into(), tenant: tenant.map(Box::from), subject: subject.into() }
    }

    /// Who vouches for the subject: the claim `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The customer the caller acts for: the named tenant, else the subject itself.
    #[must_use]
    pub fn tenant(&self) -> &str {
        self.tenant.as_deref().unwrap_or(&self.subject)
    }

    /// The tenant, if the credential names one.
    #[must_use]
    pub fn named_tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The caller within issuer and tenant: the claim `sub`.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    fn parts(&self) -> (&str, &str, &str) {
        (self.issuer(), self.tenant(), self.subject())
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Identity {}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// What a caller proved itself with.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum CredentialKind {
    /// A JWT access token.
    AccessToken,
    /// A legacy API key.
    ApiKey,
    /// A credential of the host's own, by the name its authenticator gave.
    Foreign(&'static str),
}

impl CredentialKind {
    /// The kind as logs and listings print it: `token`, `api_key`, or the foreign name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "token",
            Self::ApiKey => "api_key",
            Self::Foreign(name) => name,
        }
    }
}

/// The verified caller of one request.
///
/// Only a verification in this crate makes one, so a handler that demands it cannot be reached without.
#[derive(Clone, Debug)]
pub struct Principal {
    pub(crate) identity: Identity,
    pub(crate) client: Option<Box<str>>,
    pub(crate) scopes: ScopeSet,
    pub(crate) plan: Option<Box<str>>,
    pub(crate) environment: Environment,
    pub(crate) credential_id: Box<str>,
    pub(crate) kind: CredentialKind,
    pub(crate) issued_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) allowlist: Option<Allowlist>,
}

impl Principal {
    /// Who is calling.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The third party that calls on the subject's behalf: the claim `client_id`.
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        self.client.as_deref()
    }

    /// What the caller may do.
    #[must_use]
    pub fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// The name of the caller's plan, if the credential carries one.
    #[must_use]
    pub fn plan(&self) -> Option<&str> {
        self.plan.as_deref()
    }

    /// Where the credential is valid.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// The public name of the credential: a token's `jti`, or an API key's id.
    #[must_use]
    pub fn credential_id(&self) -> &str {
        &self.credential_id
    }

    /// What the caller proved itself with.
    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        self.kind
    }

    /// When the credential was issued.
    #[must_use]
    pub fn issued_at(&self) -> DateTime<Utc> {
        self.issued_at
    }

    /// The first moment at which the credential is no longer valid.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// From where sensitive operations may be called; absent is anywhere, empty is nowhere.
    #[must_use]
    pub fn allowlist(&self) -> Option<&Allowlist> {
        self.allowlist.as_ref()
    }
}
