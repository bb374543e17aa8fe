use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{ANY_TOKEN, Names, Role, TokenRules, bare};
use crate::error::TokenError;
use crate::familiar::Familiar;
use crate::jwt::claims::Claims;
use crate::jwt::json::Malformed;
use crate::{Allowlist, CredentialKind, Identity, Principal, ScopeSet};

impl TokenRules {
    /// Whether a header's `typ` is accepted (RFC 9068 §2.1, RFC 7515 §4.1.9).
    pub(in crate::jwt) fn accepts_type(&self, typ: Option<&str>) -> bool {
        typ.map(bare).is_some_and(|typ| {
            typ.eq_ignore_ascii_case(&self.typ)
                || (self.is_legacy_typ_accepted && typ.eq_ignore_ascii_case(ANY_TOKEN))
        })
    }

    /// Reads the claims by the names these rules know them by.
    pub(in crate::jwt) fn read<'t>(&self, claims: &mut Claims<'t>, text: &'t str) -> Result<(), Malformed> {
        match &self.names {
            None => claims.read(text),
            Some(names) => claims.read_named(text, names),
        }
    }

    /// Applies every rule that does not depend on the time of asking, and takes what the principal keeps.
    pub(in crate::jwt) fn judge(
        &self,
        claims: &mut Claims<'_>,
        issuer: &Arc<str>,
        familiar: &FamiliarScopes,
    ) -> Result<Judged, TokenError> {
        if required(claims.issuer.as_deref())? != &*self.issuer {
            return Err(TokenError::Issuer);
        }
        self.judge_environment(claims.environment.as_deref())?;
        if !required(claims.audience.as_ref())?.names(&self.audience) {
            return Err(TokenError::Audience);
        }
        self.judge_kind(claims.binding.as_deref(), claims.demanded)?;
        let (issued_at, expires_at) = (required(claims.issued_at)?, required(claims.expires_at)?);
        if expires_at.signed_duration_since(issued_at) > self.max_age {
            return Err(TokenError::Lifetime);
        }
        let subject = required(claims.subject.take())?.into_owned();
        let credential_id = self.credential_id(claims.id.take(), issued_at, &subject)?;
        let identity = Identity::new(Arc::clone(issuer), claims.tenant.as_deref(), subject);
        self.ceiling.admit(claims.plan.as_deref(), identity.tenant())?;
        let principal = Principal {
            identity,
            client: claims.client.take().map(boxed),
            scopes: self.scopes(claims.scope.as_deref(), familiar)?,
            plan: claims.plan.take().map(boxed),
            environment: self.environment,
            credential_id,
            kind: CredentialKind::AccessToken,
            issued_at,
            expires_at,
            allowlist: claims.addresses.as_deref().map(allowlist).transpose()?,
        };
        Ok(Judged { principal: Arc::new(principal), issued_at, expires_at, not_before: claims.not_before })
    }

    /// Applies the rules that depend on the time of asking.
    pub(in crate::jwt) fn judge_time(&self, token: &Judged, now: DateTime<Utc>) -> Result<(), TokenError> {
        // Whatever the leeway, what holds without it holds with it, and most tokens do.
        let earlier = || now.checked_sub_signed(self.leeway).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let later = |by| now.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let (expires_at, issued_at) = (token.expires_at, token.issued_at);
        if expires_at <= now && expires_at <= earlier() {
            return Err(TokenError::Expired);
        }
        if token.not_before.is_some_and(|start| start > now && start > later(self.leeway)) {
            return Err(TokenError::NotYetValid);
        }
        if issued_at > now && issued_at > later(self.leeway + MAX_AHEAD) {
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

    /// The scopes a token claims, lowered to the issuer's ceiling.
    fn scopes(&self, claimed: Option<&str>, familiar: &FamiliarScopes) -> Result<ScopeSet, TokenError> {
        let Some(text) = claimed else { return Ok(ScopeSet::default()) };
        if let Some(scopes) = familiar.find(text.as_bytes()) {
            return Ok(scopes.clone());
        }
        let scopes = ScopeSet::parse(text).map_err(|_| TokenError::Malformed)?;
        let scopes = self.ceiling.lower(scopes);
        if familiar.has_room() {
            familiar.insert(text.as_bytes(), scopes.clone());
        }
        Ok(scopes)
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

/// What scopes as an issuer writes them come to under one set of rules. They are given in a few combinations, and each is
/// read but once.
pub(in crate::jwt) type FamiliarScopes = Familiar<ScopeSet, 16>;

/// A token that is refused for nothing but, perhaps, its time.
#[derive(Debug)]
pub(in crate::jwt) struct Judged {
    pub(in crate::jwt) principal: Arc<Principal>,
    // The principal's, once more: they are asked for at every hit, and lie beside the rest that is.
    issued_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    not_before: Option<DateTime<Utc>>,
}

fn required<T>(claim: Option<T>) -> Result<T, TokenError> {
    claim.ok_or(TokenError::MissingClaim)
}

fn boxed(text: Cow<'_, str>) -> Box<str> {
    text.into_owned().into_boxed_str()
}

fn allowlist(ranges: &[Cow<'_, str>]) -> Result<Allowlist, TokenError> {
    Allowlist::parse(ranges.iter().map(Cow::as_ref)).map_err(|_| TokenError::Malformed)
}

/// How far clocks of issuer and verifier may differ about `iat`.
const MAX_AHEAD: TimeDelta = TimeDelta::seconds(5);
