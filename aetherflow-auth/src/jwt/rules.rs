use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::claims::Claims;
use crate::error::{ConfigError, TokenError};
use crate::{Allowlist, CredentialKind, Environment, Identity, Principal, ScopeSet};

/// What makes a token acceptable: issuer, audience, environment, type and ages.
#[derive(Clone, Debug)]
pub struct TokenRules {
    issuer: Box<str>,
    audience: Box<str>,
    environment: Environment,
    max_age: TimeDelta,
    leeway: TimeDelta,
}

impl TokenRules {
    /// Demands an access token of RFC 9068, of one environment.
    ///
    /// `typ` is `at+jwt`; `iss`, `sub`, `aud`, `exp`, `iat`, `jti` and `env` are mandatory; `exp` is exclusive; `iat`
    /// is at most 5 seconds ahead; `exp - iat` is at most 90 days; the leeway is none.
    ///
    /// # Errors
    ///
    /// [`ConfigError::EmptyName`] if `issuer` or `audience` is empty.
    pub fn access_token(issuer: &str, audience: &str, environment: Environment) -> Result<Self, ConfigError> {
        if issuer.is_empty() || audience.is_empty() {
            return Err(ConfigError::EmptyName);
        }
        let max_age = MAX_AGE;
        Ok(Self {
            issuer: issuer.into(),
            audience: audience.into(),
            environment,
            max_age,
            leeway: TimeDelta::zero(),
        })
    }

    /// Lets `exp`, `nbf` and `iat` be off by so much, for issuers whose clocks are.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Leeway`] below 0 or above 60 seconds.
    pub fn with_leeway(self, leeway: TimeDelta) -> Result<Self, ConfigError> {
        if leeway < TimeDelta::zero() || leeway > MAX_LEEWAY {
            return Err(ConfigError::Leeway);
        }
        Ok(Self { leeway, ..self })
    }

    /// Lowers the greatest `exp - iat` below 90 days.
    ///
    /// # Errors
    ///
    /// [`ConfigError::MaxAge`] if it is not positive or above 90 days.
    pub fn with_max_age(self, max_age: TimeDelta) -> Result<Self, ConfigError> {
        if max_age <= TimeDelta::zero() || max_age > MAX_AGE {
            return Err(ConfigError::MaxAge);
        }
        Ok(Self { max_age, ..self })
    }

    /// The one issuer whose tokens these rules accept.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The one environment whose tokens these rules accept.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// Whether a header's `typ` is accepted (RFC 9068 §2.1, RFC 7515 §4.1.9).
    pub(super) fn accepts_type(&self, typ: Option<&str>) -> bool {
        let accepted =
            |typ: &str| ["at+jwt", "application/at+jwt"].iter().any(|one| typ.eq_ignore_ascii_case(one));
        typ.is_some_and(accepted)
    }

    /// Applies every rule that does not depend on the time of asking.
    pub(super) fn judge(&self, claims: Claims<'_>, issuer: &Arc<str>) -> Result<Judged, TokenError> {
        if *required(claims.issuer)? != *self.issuer {
            return Err(TokenError::Issuer);
        }
        self.judge_environment(&required(claims.environment)?)?;
        if !required(claims.audience)?.names(&self.audience) {
            return Err(TokenError::Audience);
        }
        if claims.is_bound {
            return Err(TokenError::Bound);
        }
        let (issued_at, expires_at) = (required(claims.issued_at)?, required(claims.expires_at)?);
        if expires_at.signed_duration_since(issued_at) > self.max_age {
            return Err(TokenError::Lifetime);
        }
        let subject = required(claims.subject)?.into_owned();
        let principal = Principal {
            identity: Identity::new(Arc::clone(issuer), claims.tenant.as_deref(), subject),
            client: claims.client.map(boxed),
            scopes: scopes(claims.scope.as_deref())?,
            plan: claims.plan.map(boxed),
            environment: self.environment,
            credential_id: required(claims.id).map(boxed)?,
            kind: CredentialKind::AccessToken,
            issued_at,
            expires_at,
            allowlist: claims.addresses.as_deref().map(allowlist).transpose()?,
        };
        Ok(Judged { principal: Arc::new(principal), not_before: claims.not_before })
    }

    /// Applies the rules that depend on the time of asking.
    pub(super) fn judge_time(&self, token: &Judged, now: DateTime<Utc>) -> Result<(), TokenError> {
        let earlier = now.checked_sub_signed(self.leeway).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let later = now.checked_add_signed(self.leeway).unwrap_or(DateTime::<Utc>::MAX_UTC);
        if token.principal.expires_at <= earlier {
            return Err(TokenError::Expired);
        }
        if token.not_before.is_some_and(|start| start > later) {
            return Err(TokenError::NotYetValid);
        }
        let latest_issue = later.checked_add_signed(MAX_AHEAD).unwrap_or(DateTime::<Utc>::MAX_UTC);
        if token.principal.issued_at > latest_issue {
            return Err(TokenError::IssuedInFuture);
        }
        Ok(())
    }

    fn judge_environment(&self, name: &str) -> Result<(), TokenError> {
        if name == self.environment.as_str() { Ok(()) } else { Err(TokenError::Environment) }
    }
}

/// A token that is refused for nothing but, perhaps, its time.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) principal: Arc<Principal>,
    not_before: Option<DateTime<Utc>>,
}

fn required<T>(claim: Option<T>) -> Result<T, TokenError> {
    claim.ok_or(TokenError::MissingClaim)
}

fn boxed(text: Cow<'_, str>) -> Box<str> {
    text.into_owned().into_boxed_str()
}

fn scopes(text: Option<&str>) -> Result<ScopeSet, TokenError> {
    text.map_or(Ok(ScopeSet::default()), |text| ScopeSet::parse(text).map_err(|_| TokenError::Malformed))
}

fn allowlist(ranges: &[Cow<'_, str>]) -> Result<Allowlist, TokenError> {
    Allowlist::parse(ranges.iter().map(Cow::as_ref)).map_err(|_| TokenError::Malformed)
}

/// The 90 days of the documentation, for any credential.
pub(super) const MAX_AGE: TimeDelta = TimeDelta::days(90);
const MAX_LEEWAY: TimeDelta = TimeDelta::seconds(60);
/// How far clocks of issuer and verifier may differ about `iat`.
const MAX_AHEAD: TimeDelta = TimeDelta::seconds(5);
