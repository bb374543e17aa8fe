use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use rand::distr::Alphanumeric;
use serde::Serialize;
use zeroize::Zeroizing;

use super::parse::MAX_TOKEN;
use super::rules::MAX_AGE;
use crate::error::{ConfigError, MintError};
use crate::key::SigningKey;
use crate::revocation::Revocations;
use crate::{Allowlist, Environment, ScopeSet};

/// Signs access tokens of one issuer with one key.
#[derive(Debug)]
pub struct Minter {
    issuer: Box<str>,
    key: SigningKey,
    header: Box<str>,
    revocations: Option<Arc<Revocations>>,
}

impl Minter {
    /// Keeps the key; its environment is the one tokens are minted for.
    ///
    /// # Errors
    ///
    /// [`ConfigError::EmptyName`] without an issuer.
    pub fn new(issuer: &str, key: SigningKey) -> Result<Self, ConfigError> {
        if issuer.is_empty() {
            return Err(ConfigError::EmptyName);
        }
        let id = serde_json::Value::from(key.id());
        let header = format!(r#"{{"alg":"{}","typ":"at+jwt","kid":{id}}}"#, key.algorithm());
        Ok(Self {
            issuer: issuer.into(),
            header: URL_SAFE_NO_PAD.encode(header).into(),
            key,
            revocations: None,
        })
    }

    /// Dates tokens after the time at which all of their subject, client or grant were revoked, so that a new token is
    /// not revoked with the old.
    #[must_use]
    pub fn with_revocations(self, revocations: Arc<Revocations>) -> Self {
        Self { revocations: Some(revocations), ..self }
    }

    /// The issuer the tokens name.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Signs a token for the grant, issued at `now` cut to the second, or later if its like were revoked
    /// ([`with_revocations`](Self::with_revocations)).
    ///
    /// # Errors
    ///
    /// [`MintError::Environment`] if the grant is for another environment than the key,
    /// [`MintError::Lifetime`] if it lives no second or more than 90 days, [`MintError::EmptyName`] if a name is
    /// empty, [`MintError::TooLong`] if no verifier would read the token, [`MintError::Backend`] if the backend
    /// does not sign.
    pub fn mint_at(&self, grant: &Grant, now: DateTime<Utc>) -> Result<Minted, MintError> {
        if grant.environment != self.key.environment() {
            return Err(MintError::Environment);
        }
        let seconds = grant.lifetime.num_seconds();
        if seconds <= 0 || grant.lifetime > MAX_AGE {
            return Err(MintError::Lifetime);
        }
        if grant.has_empty_name() {
            return Err(MintError::EmptyName);
        }
        let id = new_id();
        let issued_at = self.issue_time(grant, now.timestamp());
        let expires_at = issued_at + seconds;
        let claims = self.claims(grant, &id, issued_at, expires_at);
        let token = self.sign(&claims)?;
        let expires_at = DateTime::from_timestamp(expires_at, 0).ok_or(MintError::Lifetime)?;
        Ok(Minted { token, id: id.into(), expires_at })
    }

    /// Signs a token for the grant, issued now by the system's clock.
    ///
    /// # Errors
    ///
    /// Those of [`mint_at`](Self::mint_at).
    #[expect(clippy::disallowed_methods, reason = "the thin form that reads the clock")]
    pub fn mint(&self, grant: &Grant) -> Result<Minted, MintError> {
        self.mint_at(grant, Utc::now())
    }

    /// A watermark refuses the second it names too, so the first good one is the next.
    fn issue_time(&self, grant: &Grant, now: i64) -> i64 {
        let tenant = grant.tenant.as_deref().unwrap_or(&grant.subject);
        let watermark = self.revocations.as_ref().and_then(|revocations| {
            revocations.watermark(&self.issuer, tenant, &grant.subject, grant.client.as_deref())
        });
        watermark.map_or(now, |time| now.max(time.saturating_add(1)))
    }

    fn claims<'a>(&'a self, grant: &'a Grant, id: &'a str, issued_at: i64, expires_at: i64) -> Claims<'a> {
        Claims {
            iss: &self.issuer,
            sub: &grant.subject,
            aud: &grant.audience,
            exp: expires_at,
            iat: issued_at,
            nbf: grant.not_before.map(|time| time.timestamp()),
            jti: id,
            scope: (!grant.scopes.is_empty()).then(|| grant.scopes.as_str()),
            client_id: grant.client.as_deref(),
            env: grant.environment.as_str(),
            tenant: grant.tenant.as_deref(),
            plan: grant.plan.as_deref(),
            ip: grant.allowlist.as_ref().map(|list| list.iter().map(|range| range.to_string()).collect()),
        }
    }

    fn sign(&self, claims: &Claims<'_>) -> Result<Zeroizing<String>, MintError> {
        let text = serde_json::to_string(claims).map_err(|_| MintError::Backend)?;
        let mut token = Zeroizing::new(String::with_capacity(self.header.len() + text.len() * 4 / 3 + 132));
        token.push_str(&self.header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(text, &mut token);
        let signature = self.key.sign(token.as_bytes()).map_err(|_| MintError::Backend)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        if token.len() > MAX_TOKEN { Err(MintError::TooLong) } else { Ok(token) }
    }
}

/// What a token is to say.
///
/// # Examples
///
/// ```
/// use aetherflow_auth::Environment;
/// use aetherflow_auth::jwt::Grant;
/// use chrono::TimeDelta;
///
/// let grant = Grant::new(Environment::production(), "alice", "https://api.example", TimeDelta::days(90))
///     .with_scopes("read:workflows execute:workflows".parse()?)
///     .with_plan("pro");
/// # let _ = grant;
/// # Ok::<(), aetherflow_auth::ScopeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Grant {
    environment: Environment,
    subject: Box<str>,
    audience: Box<str>,
    lifetime: TimeDelta,
    scopes: ScopeSet,
    tenant: Option<Box<str>>,
    client: Option<Box<str>>,
    plan: Option<Box<str>>,
    not_before: Option<DateTime<Utc>>,
    allowlist: Option<Allowlist>,
}

impl Grant {
    /// Grants nothing yet but a name, in one environment, to one service, for so long.
    #[must_use]
    pub fn new(environment: Environment, subject: &str, audience: &str, lifetime: TimeDelta) -> Self {
        Self {
            environment,
            subject: subject.into(),
            audience: audience.into(),
            lifetime,
            scopes: ScopeSet::default(),
            tenant: None,
            client: None,
            plan: None,
            not_before: None,
            allowlist: None,
        }
    }

    /// Grants scopes: the claim `scope`.
    #[must_use]
    pub fn with_scopes(self, scopes: ScopeSet) -> Self {
        Self { scopes, ..self }
    }

    /// Names the customer the subject acts for: the claim `tenant`.
    #[must_use]
    pub fn with_tenant(self, tenant: &str) -> Self {
        Self { tenant: Some(tenant.into()), ..self }
    }

    /// Names the third party that asked: the claim `client_id`.
    #[must_use]
    pub fn with_client(self, client: &str) -> Self {
        Self { client: Some(client.into()), ..self }
    }

    /// Names the plan: the claim `plan`.
    #[must_use]
    pub fn with_plan(self, plan: &str) -> Self {
        Self { plan: Some(plan.into()), ..self }
    }

    /// Makes the token good only from a time on: the claim `nbf`.
    #[must_use]
    pub fn with_not_before(self, start: DateTime<Utc>) -> Self {
        Self { not_before: Some(start), ..self }
    }

    /// Limits where sensitive operations may be called from: the claim `ip`.
    #[must_use]
    pub fn with_allowlist(self, allowlist: Allowlist) -> Self {
        Self { allowlist: Some(allowlist), ..self }
    }

    fn has_empty_name(&self) -> bool {
        let optional = [&self.tenant, &self.client, &self.plan];
        let empty_optional = optional.into_iter().flatten().any(|name| name.is_empty());
        self.subject.is_empty() || self.audience.is_empty() || empty_optional
    }
}

/// A new token.
pub struct Minted {
    token: Zeroizing<String>,
    id: Box<str>,
    expires_at: DateTime<Utc>,
}

impl Minted {
    /// The token itself, a secret to be shown once.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The token's id: the claim `jti`, 22 base62 characters (130 random bits).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// From when on the token is refused: the claim `exp`.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

impl fmt::Debug for Minted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Minted");
        shown
            .field("token", &"[redacted]")
            .field("id", &self.id)
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    env: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<Vec<String>>,
}

fn new_id() -> String {
    rand::rng().sample_iter(Alphanumeric).take(22).map(char::from).collect()
}
