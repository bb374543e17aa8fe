use std::sync::Arc;

use aetherflow_auth::api_key::{ApiKey, ApiKeyRecord, Lookup, StoreError};
use aetherflow_auth::{CredentialKind, Principal, TokenError};
use aetherflow_ratelimit::{Decision, Key};

use super::core::{Core, Gate};
use super::form::form_of;
use super::{Check, Closing, Now, Outcome};
use crate::access::Access;
use crate::answer::{AnswerFields, Charged, RateLimitFields};
use crate::client_ip::{self, Client};
use crate::credential::{Credential, Presented, is_b64token, presented};
use crate::policy;
use crate::record::{Exposure, Record};
use crate::rejection::{Answer, Form, Problem, Reason, Rejection};
use crate::request::{Connection, RequestView};
use crate::route::{Found, Rule};
use crate::sunset::Sunset;

/// One request on its way through the checks, with all that is needed once its view is gone.
pub(super) struct Visit {
    core: Arc<Core>,
    now: Now,
    client: Client,
    found: Found,
    form: Form,
    record: Record,
    /// Method and path, if no route is listed for them.
    unlisted: Option<String>,
}

/// What is known of a request before its credential is verified.
enum Opening<'a> {
    Anonymous(Arc<Rule>),
    Known(Arc<Principal>),
    Claimed(Credential<'a>),
}

type Verified = Result<Arc<Principal>, Rejection>;

impl Visit {
    /// Reads what every check needs.
    pub(super) fn begin<V: RequestView>(gate: &Gate, view: &V, connection: Connection, now: Now) -> Self {
        let core = &gate.0;
        let found = core.table.find(view.method(), view.path());
        let form = form_of(&found, view);
        if core.operator.listens_for_proxies(now.tick)
            && client_ip::is_undeclared_proxy(core.proxies.as_ref(), view, connection.peer())
        {
            core.operator.undeclared_proxy(connection.peer());
        }
        let client = client_ip::client(core.proxies.as_ref(), view, connection);
        let mut record = record_of(core, &found, view, now);
        record.comes_from(client.address);
        let unlisted = matches!(found, Found::Unlisted).then(|| format!("{} {}", view.method(), view.path()));
        Self { core: Arc::clone(core), now, client, found, form, record, unlisted }
    }

    /// Runs the checks in their order.
    pub(super) fn decide<V: RequestView>(self, view: &V) -> Check {
        if !self.client.is_tls {
            return self.decide_plain(view);
        }
        match self.opening(view) {
            Err(rejection) => Check::Done(self.reject(None, None, rejection)),
            Ok(Opening::Anonymous(rule)) => Check::Done(self.admit_anonymous(rule)),
            Ok(Opening::Known(principal)) => Check::Done(self.authorize(principal)),
            Ok(Opening::Claimed(credential)) => self.verify(credential, Self::conclude),
        }
    }

    /// Refuses plain HTTP, and finds out whether a credential that works has been exposed by it.
    fn decide_plain<V: RequestView>(self, view: &V) -> Check {
        let known = match presented(view) {
            Presented::Nothing => return Check::Done(self.refuse_plain(None)),
            Presented::Faulty(_) => None,
            Presented::One(credential) => match self.remembered(credential) {
                None if self.spent_budget().is_none() => {
                    return self.verify(credential, Self::conclude_plain);
                }
                known => known,
            },
        };
        Check::Done(self.refuse_plain(Some(known.map_or(Exposure::Claimed, Exposure::Verified))))
    }

    fn conclude_plain(self, verified: Verified) -> Outcome {
        self.refuse_plain(Some(verified.map_or(Exposure::Claimed, Exposure::Verified)))
    }

    fn refuse_plain(mut self, exposure: Option<Exposure>) -> Outcome {
        if let Some(exposure) = exposure {
            self.record.exposes(exposure);
        }
        self.reject(None, None, Rejection::new(Reason::PlainHttp, Problem::HTTPS_REQUIRED))
    }

    /// The checks that need no cryptography and no store.
    fn opening<'a, V: RequestView>(&self, view: &'a V) -> Result<Opening<'a>, Rejection> {
        self.core.address_rules.admit(&self.client)?;
        if let Some(rule) = self.public()? {
            return Ok(Opening::Anonymous(rule));
        }
        let presented = presented(view);
        let known = match presented {
            Presented::One(credential) => self.remembered(credential),
            Presented::Nothing | Presented::Faulty(_) => None,
        };
        let anonymous = self
            .found
            .rule()
            .filter(|rule| presented == Presented::Nothing && rule.policy.lets_anonymous_in());
        if known.is_none() && anonymous.is_none() {
            self.within_budget()?;
        }
        if matches!(self.found, Found::Ambiguous) {
            return Err(Rejection::new(Reason::AmbiguousPath, Problem::INVALID_REQUEST));
        }
        match (known, anonymous, presented) {
            (Some(principal), _, _) => Ok(Opening::Known(principal)),
            (None, Some(rule), _) => Ok(Opening::Anonymous(Arc::clone(rule))),
            (None, None, Presented::One(credential)) => Ok(Opening::Claimed(credential)),
            (None, None, Presented::Nothing) => {
                Err(Rejection::new(Reason::NoCredential, Problem::CREDENTIAL_REQUIRED))
            }
            (None, None, Presented::Faulty(reason)) => {
                Err(Rejection::new(reason, Problem::INVALID_AUTHORIZATION))
            }
        }
    }

    /// The rule of a public route; a method that a wholly public path does not have is refused at once.
    fn public(&self) -> Result<Option<Arc<Rule>>, Rejection> {
        match &self.found {
            Found::Rule(rule) if rule.policy.is_public() => Ok(Some(Arc::clone(rule))),
            Found::OtherMethod(path) if path.is_public() => {
                Err(Rejection::new(Reason::Method, Problem::method_not_allowed(path.allow.clone())))
            }
            Found::Rule(_) | Found::OtherMethod(_) | Found::Unlisted | Found::Ambiguous => Ok(None),
        }
    }

    /// The caller, if its token was verified before and still is good.
    fn remembered(&self, credential: Credential<'_>) -> Option<Arc<Principal>> {
        let Credential::Token(token) = credential else { return None };
        let verified = self.core.verifier.cached_at(token, self.now.time)?;
        Some(verified.ok()?.into_principal())
    }

    fn within_budget(&self) -> Result<(), Rejection> {
        match self.spent_budget() {
            None => Ok(()),
            Some(spent) => {
                let problem = Problem::quota_exceeded(self.core.failures.plan(), &spent);
                Err(Rejection::new(Reason::FailureBudget, problem))
            }
        }
    }

    fn spent_budget(&self) -> Option<Decision> {
        self.core.failures.spent(self.client.address, self.now.tick)
    }

    /// Verifies a credential, and goes on with what came of it: at once, unless a store makes it wait.
    fn verify(self, credential: Credential<'_>, then: fn(Self, Verified) -> Outcome) -> Check {
        let verified = match credential {
            Credential::Token(token) => match self.core.verifier.verify_at(token, self.now.time) {
                Ok(verified) => Ok(verified.into_principal()),
                Err(error) => Err(refusal_of(token, error)),
            },
            Credential::Key(presented) => match self.find_key(presented) {
                Ok((key, Lookup::Ready(found))) => self.verify_key(&key, found),
                Ok((key, Lookup::Wait(found))) => {
                    return Check::Wait(Box::pin(async move {
                        let verified = self.verify_key(&key, found.await);
                        let verified = self.judged(verified);
                        then(self, verified)
                    }));
                }
                Err(reason) => Err(reason),
            },
        };
        let verified = self.judged(verified);
        Check::Done(then(self, verified))
    }

    fn find_key(&self, presented: &[u8]) -> Result<(ApiKey, Lookup), Reason> {
        self.core.keys.as_ref().ok_or(Reason::UnknownKey)?.find(presented)
    }

    fn verify_key(
        &self,
        key: &ApiKey,
        found: Result<Option<Arc<ApiKeyRecord>>, StoreError>,
    ) -> Result<Arc<Principal>, Reason> {
        self.core.keys.as_ref().ok_or(Reason::UnknownKey)?.verify(key, found, self.now.time)
    }

    /// Charges what may have been a guess, and gives every bad credential the one answer.
    fn judged(&self, verified: Result<Arc<Principal>, Reason>) -> Verified {
        verified.map_err(|reason| {
            if reason.is_charged() {
                self.core.failures.charge(self.client.address, self.now.tick);
            }
            Rejection::new(reason, problem_of(reason))
        })
    }

    fn conclude(self, verified: Verified) -> Outcome {
        match verified {
            Ok(principal) => self.authorize(principal),
            Err(rejection) => self.reject(None, None, rejection),
        }
    }

    /// Counts the request against the caller's plan, and then asks the route's policy.
    fn authorize(self, principal: Arc<Principal>) -> Outcome {
        let charged = self.charge(&principal);
        let ruling = if charged.decision.is_allowed() {
            self.admit(&principal)
        } else {
            Err(Rejection::new(
                Reason::PlanLimit,
                Problem::quota_exceeded(&charged.tier.plan, &charged.decision),
            ))
        };
        match ruling {
            Ok(rule) => self.allow(rule, Some(principal), Some(charged)),
            Err(rejection) => self.reject(Some(principal), Some(charged), rejection),
        }
    }

    fn charge(&self, principal: &Principal) -> Charged {
        let tiers = &self.core.tiers;
        let tier = tiers.find(policy::plan_of(principal)).unwrap_or_else(|| {
            self.core.operator.unknown_plan();
            tiers.free()
        });
        let caller = principal.identity();
        let key = match caller.named_tenant() {
            Some(tenant) => Key::tenant(caller.issuer(), tenant),
            None => Key::identity(caller.issuer(), caller.tenant(), caller.subject()),
        };
        let decision = self.core.limiter.check_at(&key, &tier.plan, 1, self.now.tick);
        Charged { tier: Arc::clone(tier), decision }
    }

    fn admit(&self, principal: &Principal) -> Result<Arc<Rule>, Rejection> {
        match &self.found {
            Found::Rule(rule) => {
                rule.policy.admits(principal, &self.client, self.now.time)?;
                Ok(Arc::clone(rule))
            }
            Found::OtherMethod(path) => {
                Err(Rejection::new(Reason::Method, Problem::method_not_allowed(path.allow.clone())))
            }
            Found::Unlisted | Found::Ambiguous => Err(Rejection::new(Reason::Unlisted, Problem::NOT_FOUND)),
        }
    }

    fn admit_anonymous(self, rule: Arc<Rule>) -> Outcome {
        match rule.policy.admits_address(&self.client) {
            Ok(()) => self.allow(rule, None, None),
            Err(rejection) => self.reject(None, None, rejection),
        }
    }

    fn allow(
        mut self,
        rule: Arc<Rule>,
        principal: Option<Arc<Principal>>,
        charged: Option<Charged>,
    ) -> Outcome {
        self.identify(principal.as_ref());
        self.record.allowed();
        let is_legacy = principal.as_ref().is_some_and(|caller| caller.kind() == CredentialKind::ApiKey);
        let sunset = rule.policy.sunset().filter(|_| is_legacy).cloned();
        let fields = self.fields(charged.as_ref(), sunset);
        let access = Access { rule, principal, charged, client: self.client };
        Outcome::Allow(access, Closing { fields, record: self.record })
    }

    fn reject(
        mut self,
        principal: Option<Arc<Principal>>,
        charged: Option<Charged>,
        rejection: Rejection,
    ) -> Outcome {
        self.identify(principal.as_ref());
        if let (Reason::Unlisted, Some(route)) = (rejection.reason(), &self.unlisted) {
            self.core.operator.unlisted(route);
        }
        let fields = self.fields(charged.as_ref(), None);
        self.record.refused(&rejection);
        Outcome::Reject(Answer::new(rejection, self.form, fields))
    }

    fn identify(&mut self, principal: Option<&Arc<Principal>>) {
        if let Some(principal) = principal {
            self.record.identifies(principal);
        }
    }

    fn fields(&self, limit: Option<&Charged>, sunset: Option<Sunset>) -> AnswerFields {
        let style = self.core.style;
        let limit = limit.filter(|_| style.rate_limit != RateLimitFields::None).cloned();
        AnswerFields { style, is_tls: self.client.is_tls, limit, sunset }
    }
}

/// Refuses a request of which nobody said where it comes from.
pub(super) fn without_connection<V: RequestView>(gate: &Gate, view: &V, now: Now) -> Answer {
    let core = &gate.0;
    core.operator.no_connection();
    let found = core.table.find(view.method(), view.path());
    let rejection = Rejection::new(Reason::NoConnection, Problem::MISCONFIGURED);
    record_of(core, &found, view, now).refused(&rejection);
    // Whether it came over TLS is as unknown, so it is not told to keep to it.
    let fields = AnswerFields { style: core.style, is_tls: false, limit: None, sunset: None };
    Answer::new(rejection, form_of(&found, view), fields)
}

fn record_of<V: RequestView>(core: &Core, found: &Found, view: &V, now: Now) -> Record {
    let request = (view.method(), view.path());
    Record::begin(core.audit.as_ref(), core.environment, request, found, now.time)
}

/// Why a token is refused: for its own sake, or because the field that holds it is none of RFC 6750's.
///
/// Asked after the token, since every good one is written so; what is not has a part that cannot be decoded, and has cost
/// no cryptography and no walk through its claims.
fn refusal_of(token: &[u8], error: TokenError) -> Reason {
    if is_b64token(token) { Reason::Token(error) } else { Reason::NotBearer }
}

/// The one answer to every bad credential; only what the service itself cannot know is told apart.
fn problem_of(reason: Reason) -> Problem {
    match reason {
        Reason::KeyStore | Reason::Token(TokenError::RevocationsUnknown) => Problem::TEMPORARILY_UNAVAILABLE,
        Reason::NotBearer => Problem::INVALID_AUTHORIZATION,
        _ => Problem::INVALID_TOKEN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_service_cannot_know_is_a_temporary_failure_and_all_else_a_bad_credential() {
        for (reason, want) in [
            (Reason::Token(TokenError::RevocationsUnknown), Problem::TEMPORARILY_UNAVAILABLE),
            (Reason::KeyStore, Problem::TEMPORARILY_UNAVAILABLE),
            (Reason::Token(TokenError::Revoked), Problem::INVALID_TOKEN),
            (Reason::Token(TokenError::Signature), Problem::INVALID_TOKEN),
            (Reason::UnknownKey, Problem::INVALID_TOKEN),
        ] {
            assert_eq!(problem_of(reason), want, "{reason}");
        }
    }
}
