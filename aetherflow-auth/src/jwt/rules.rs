mod ceiling;
mod judge;
mod names;

use chrono::TimeDelta;

use self::ceiling::Ceiling;
pub(super) use self::judge::{FamiliarScopes, Judged};
pub(super) use self::names::{Names, Role};
use crate::error::ConfigError;
use crate::{Environment, ScopeSet};

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
