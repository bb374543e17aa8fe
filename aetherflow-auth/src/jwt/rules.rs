mod ceiling;
mod names;

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use self::ceiling::Ceiling;
pub(super) use self::names::{Names, Role};
use super::claims::Claims;
use super::json::Malformed;
use crate::error::{ConfigError, TokenError};
use crate::{Allowlist, CredentialKind, Environment, Identity, Principal, ScopeSet};

/// What makes a token acceptable: issuer, audience, environment, type and ages.
///
/// Begin with [`access_token`](Self::access_token) for tokens of this crate's form, with
/// [`from_issuer`](Self::from_issuer) for those of an issuer of another house, with [`custom`](Self::custom) for a
/// type of your own. What a method gives up stands in its name or under its `# Security`.
///
/// # Examples
///
/// ```
/// use aetherflow_auth::jwt::TokenRules;
/// use aetherflow_auth::{Environment, ScopeSet};
///
/// let (issuer, here) = ("https://sso.example/realms/acme", Environment::production());
/// let keycloak = TokenRules::from_issuer(issuer, "https://api.example", here, ScopeSet::parse("read:workflows")?)?
///     .legacy_typ()
///     .with_demanded("typ", "Bearer")?
///     .with_client_from("azp")?;
/// assert_eq!(keycloak.issuer(), issuer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TokenRules {
    issuer: Box<str>,
    audience: Box<str>,
    environment: Environment,
    typ: Box<str>,
    is_legacy_typ_accepted: bool,
    max_age: TimeDelta,
    leeway: TimeDelta,
    /// None are those of this crate's own access tokens.
    names: Option<Names>,
    ceiling: Ceiling,
    binding: Option<Box<str>>,
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
        Ok(Self {
            issuer: issuer.into(),
            audience: audience.into(),
            environment,
            typ: ACCESS_TOKEN.into(),
            is_legacy_typ_accepted: false,
            max_age: MAX_AGE,
            leeway: TimeDelta::zero(),
            names: None,
            ceiling: Ceiling::default(),
            binding: None,
        })
    }

    /// Demands an access token of RFC 9068 from an issuer that knows no environments, such as Keycloak, Auth0 or
    /// Entra; its tokens are of the environment given here.
    ///
    /// As [`access_token`](Self::access_token), but `env`, `tenant`, `plan` and `ip` mean nothing, and of the scopes a
    /// token claims only those in `scopes` count.
    ///
    /// # Security
    ///
    /// An issuer that serves several environments must give each its own audience: nothing else tells them apart.
    ///
    /// # Errors
    ///
    /// [`ConfigError::EmptyName`] if `issuer` or `audience` is empty.
    pub fn from_issuer(
        issuer: &str,
        audience: &str,
        environment: Environment,
        scopes: ScopeSet,
    ) -> Result<Self, ConfigError> {
        let own = Self::access_token(issuer, audience, environment)?;
        Ok(Self { names: Some(Names::foreign()), ..own }.with_scope_ceiling(scopes))
    }

    /// Demands a token of another type, which the issuer uses for nothing else (RFC 8725 §3.11); otherwise as
    /// [`from_issuer`](Self::from_issuer).
    ///
    /// `typ` is compared without case, and with or without `application/` (RFC 7515 §4.1.9).
    ///
    /// # Errors
    ///
    /// [`ConfigError::EmptyName`] if `issuer` or `audience` is empty, [`ConfigError::TokenType`] if `typ` is empty, or
    /// `JWT`, which is the type of every token.
    pub fn custom(
        issuer: &str,
        audience: &str,
        environment: Environment,
        typ: &str,
        scopes: ScopeSet,
    ) -> Result<Self, ConfigError> {
        let typ = bare(typ);
        if typ.is_empty() || typ.eq_ignore_ascii_case(ANY_TOKEN) {
            return Err(ConfigError::TokenType);
        }
        Ok(Self { typ: typ.into(), ..Self::from_issuer(issuer, audience, environment, scopes)? })
    }

    /// Accepts the type `JWT` too, as most issuers write.
    ///
    /// # Security
    ///
    /// Gives up telling an access token from the issuer's other tokens by type: an ID token or a token for logging out
    /// is then refused only for its audience or for a claim that [`with_demanded`](Self::with_demanded) names.
    #[must_use]
    pub fn legacy_typ(self) -> Self {
        Self { is_legacy_typ_accepted: true, ..self }
    }

    /// Demands no id: the credential is named by the second of its issue and its subject, `1767225600:alice`.
    ///
    /// # Security
    ///
    /// Gives up revoking one token alone: whoever revokes it revokes all its subject got in the same second.
    #[must_use]
    pub fn without_token_id(self) -> Self {
        let names = self.names.unwrap_or_else(Names::own).without(&Role::Id);
        Self { names: Some(names), ..self }
    }

    /// Accepts tokens bound by one method of RFC 7800 `cnf`, such as `x5t#S256` (RFC 8705) or `jkt` (RFC 9449), whose
    /// proof the host checks itself; unbound tokens stay accepted.
    ///
    /// # Security
    ///
    /// Gives up the refusal, not the proof: a host that does not compare the claim `cnf` (by
    /// [`verify_claims_at`](super::Verifier::verify_claims_at)) with what the caller proved lets a thief in.
    #[must_use]
    pub fn binding_proven_by_host(self, method: &str) -> Self {
        Self { binding: Some(method.into()), ..self }
    }

    /// Reads scopes from this claim, a text or an array of texts, and from no other: `scp`, `roles`, `permissions`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::ClaimName`] if the name is empty, one of RFC 7519 or `cnf`, or read already.
    pub fn with_scopes_from(self, claim: &str) -> Result<Self, ConfigError> {
        self.reading(claim, Role::Scopes)
    }

    /// Reads the client from this claim, and from no other: `azp`, `appid`, `cid`.
    ///
    /// # Errors
    ///
    /// Those of [`with_scopes_from`](Self::with_scopes_from).
    pub fn with_client_from(self, claim: &str) -> Result<Self, ConfigError> {
        self.reading(claim, Role::Client)
    }

    /// Reads the token's id from this claim instead of `jti`: Entra's `uti`. It is mandatory and must be unique.
    ///
    /// # Errors
    ///
    /// Those of [`with_scopes_from`](Self::with_scopes_from).
    pub fn with_id_from(self, claim: &str) -> Result<Self, ConfigError> {
        self.reading(claim, Role::Id)
    }

    /// Reads the tenant from this claim: `tid`, `org_id`. It names a tenant of this issuer, of no other.
    ///
    /// # Errors
    ///
    /// Those of [`with_scopes_from`](Self::with_scopes_from).
    pub fn with_tenant_from(self, claim: &str) -> Result<Self, ConfigError> {
        self.reading(claim, Role::Tenant)
    }

    /// Reads the plan's name from this claim; a token that names one not in `plans` is refused.
    ///
    /// # Errors
    ///
    /// Those of [`with_scopes_from`](Self::with_scopes_from).
    pub fn with_plan_from<'n>(
        self,
        claim: &str,
        plans: impl IntoIterator<Item = &'n str>,
    ) -> Result<Self, ConfigError> {
        Ok(self.reading(claim, Role::Plan)?.with_plan_ceiling(plans))
    }

    /// Demands that this claim is there and is this text: `typ` is `Bearer` for Keycloak, `ver` is `2.0` for Entra.
    ///
    /// # Errors
    ///
    /// Those of [`with_scopes_from`](Self::with_scopes_from).
    pub fn with_demanded(self, claim: &str, text: &str) -> Result<Self, ConfigError> {
        self.reading(claim, Role::Exactly(text.into()))
    }

    /// Takes away every scope that is not in `scopes`.
    #[must_use]
    pub fn with_scope_ceiling(mut self, scopes: ScopeSet) -> Self {
        self.ceiling.scopes = Some(scopes);
        self
    }

    /// Refuses a token that names a plan not in `plans`.
    #[must_use]
    pub fn with_plan_ceiling<'n>(mut self, plans: impl IntoIterator<Item = &'n str>) -> Self {
        self.ceiling.plans = Some(plans.into_iter().map(Box::from).collect());
        self
    }

    /// Refuses a token whose caller acts for a tenant not in `tenants`; one that names none acts for its subject.
    #[must_use]
    pub fn with_tenant_ceiling<'n>(mut self, tenants: impl IntoIterator<Item = &'n str>) -> Self {
        self.ceiling.tenants = Some(tenants.into_iter().map(Box::from).collect());
        self
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

    fn reading(self, claim: &str, role: Role) -> Result<Self, ConfigError> {
        let names = self.names.unwrap_or_else(Names::own).with(claim, role)?;
        Ok(Self { names: Some(names), ..self })
    }

    /// Whether a header's `typ` is accepted (RFC 9068 §2.1, RFC 7515 §4.1.9).
    pub(super) fn accepts_type(&self, typ: Option<&str>) -> bool {
        typ.map(bare).is_some_and(|typ| {
            typ.eq_ignore_ascii_case(&self.typ)
                || (self.is_legacy_typ_accepted && typ.eq_ignore_ascii_case(ANY_TOKEN))
        })
    }

    /// Reads the claims by the names these rules know them by.
    pub(super) fn read<'t>(&self, text: &'t str) -> Result<Claims<'t>, Malformed> {
        match &self.names {
            None => Claims::read(text),
            Some(names) => Claims::read_named(text, names),
        }
    }

    /// Applies every rule that does not depend on the time of asking.
    pub(super) fn judge(&self, claims: Claims<'_>, issuer: &Arc<str>) -> Result<Judged, TokenError> {
        if *required(claims.issuer)? != *self.issuer {
            return Err(TokenError::Issuer);
        }
        self.judge_environment(claims.environment.as_deref())?;
        if !required(claims.audience)?.names(&self.audience) {
            return Err(TokenError::Audience);
        }
        self.judge_kind(claims.binding.as_deref(), claims.demanded)?;
        let (issued_at, expires_at) = (required(claims.issued_at)?, required(claims.expires_at)?);
        if expires_at.signed_duration_since(issued_at) > self.max_age {
            return Err(TokenError::Lifetime);
        }
        let subject = required(claims.subject)?.into_owned();
        let credential_id = self.credential_id(claims.id, issued_at, &subject)?;
        let identity = Identity::new(Arc::clone(issuer), claims.tenant.as_deref(), subject);
        self.ceiling.admit(claims.plan.as_deref(), identity.tenant())?;
        let principal = Principal {
            identity,
            client: claims.client.map(boxed),
            scopes: self.ceiling.lower(scopes(claims.scope.as_deref())?),
            plan: claims.plan.map(boxed),
            environment: self.environment,
            credential_id,
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

    fn judge_environment(&self, named: Option<&str>) -> Result<(), TokenError> {
        if self.names.as_ref().is_some_and(|names| !names.reads(&Role::Environment)) {
            return Ok(());
        }
        if required(named)? == self.environment.as_str() { Ok(()) } else { Err(TokenError::Environment) }
    }

    /// Refuses a token bound in a way nobody proves, and one without a claim that is demanded.
    fn judge_kind(&self, binding: Option<&str>, demanded: usize) -> Result<(), TokenError> {
        if binding.is_some_and(|method| self.binding.as_deref() != Some(method)) {
            return Err(TokenError::Bound);
        }
        if demanded != self.names.as_ref().map_or(0, Names::demanded) {
            return Err(TokenError::Type);
        }
        Ok(())
    }

    /// What the token is revoked by. A name made up here is never more than a subject's tokens of one second, so no
    /// token escapes a revocation by it.
    fn credential_id(
        &self,
        id: Option<Cow<'_, str>>,
        issued_at: DateTime<Utc>,
        subject: &str,
    ) -> Result<Box<str>, TokenError> {
        if self.names.as_ref().is_some_and(|names| !names.reads(&Role::Id)) {
            return Ok(format!("{}:{subject}", issued_at.timestamp()).into());
        }
        required(id).map(boxed)
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

/// A type without its `application/`, which RFC 7515 §4.1.9 lets a writer leave out where no other slash follows.
fn bare(typ: &str) -> &str {
    let prefix = "application/";
    let (head, tail) = typ.split_at_checked(prefix.len()).unwrap_or((typ, ""));
    if head.eq_ignore_ascii_case(prefix) && !tail.contains('/') { tail } else { typ }
}

const ACCESS_TOKEN: &str = "at+jwt";
const ANY_TOKEN: &str = "JWT";
/// The 90 days of the documentation, for any credential.
pub(super) const MAX_AGE: TimeDelta = TimeDelta::days(90);
const MAX_LEEWAY: TimeDelta = TimeDelta::seconds(60);
/// How far clocks of issuer and verifier may differ about `iat`.
const MAX_AHEAD: TimeDelta = TimeDelta::seconds(5);
