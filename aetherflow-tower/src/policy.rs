//! What a route demands of its caller.

use std::fmt;

use aetherflow_auth::{Allowlist, AllowlistError, CredentialKind, Principal, ScopeError, ScopeSet};
use chrono::{DateTime, Utc};

use crate::client_ip::Client;
use crate::error::Fault;
use crate::rejection::{Problem, Reason, Rejection};
use crate::sunset::Sunset;

/// What a route demands.
///
/// Checked in this order, after authentication and the plan's limit: credential kind, third party, plan, scopes,
/// addresses. Mistakes, such as a text that is no scope, are kept and reported when the gate is built.
///
/// # Examples
///
/// ```
/// use aetherflow_tower::Policy;
///
/// let execute = Policy::scopes("workflows:execute").from_allowlist().refusing_third_parties();
/// assert_eq!(execute.to_string(), "token; scopes execute:workflows; no third party; from its own allowlist");
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    audience: Audience,
    scopes: Result<ScopeSet, ScopeError>,
    sunset: Option<Sunset>,
    plans: Option<Vec<String>>,
    addresses: Option<Result<Allowlist, AllowlistError>>,
    ranges: Vec<String>,
    own_allowlist: bool,
    third_parties_refused: bool,
    is_grpc: bool,
}

impl Policy {
    /// Lets everyone in and looks at no credential, not even at a bad one.
    #[must_use]
    pub fn public() -> Self {
        Self::of(Audience::Everyone, ScopeSet::parse(""))
    }

    /// Lets everyone in; a credential may be absent, but a present and invalid one is rejected.
    #[must_use]
    pub fn optional() -> Self {
        Self::of(Audience::AnonymousToo, ScopeSet::parse(""))
    }

    /// Lets in whoever has a valid access token, whatever its scopes.
    #[must_use]
    pub fn authenticated() -> Self {
        Self::of(Audience::Authenticated, Ok(ScopeSet::default()))
    }

    /// Lets in whoever has a valid access token with all of these space-delimited scopes.
    ///
    /// No scope at all is a fault that building the gate reports: [`authenticated`](Self::authenticated) says so by name.
    #[must_use]
    pub fn scopes(scopes: &str) -> Self {
        let parsed = ScopeSet::parse(scopes)
            .and_then(|set| if set.is_empty() { Err(ScopeError::Empty) } else { Ok(set) });
        Self::of(Audience::Authenticated, parsed)
    }

    /// Accepts legacy API keys besides access tokens until the sunset, and announces it on every answer to one.
    #[must_use]
    pub fn with_api_keys(mut self, sunset: Sunset) -> Self {
        self.sunset = Some(sunset);
        self
    }

    /// Admits only callers on one of these plans, or of those of earlier calls.
    #[must_use]
    pub fn on_plans<I: IntoIterator<Item: Into<String>>>(mut self, plans: I) -> Self {
        self.plans.get_or_insert_default().extend(plans.into_iter().map(Into::into));
        self
    }

    /// Marks a sensitive operation: a credential that names addresses is admitted from these only.
    #[must_use]
    pub fn from_allowlist(mut self) -> Self {
        self.own_allowlist = true;
        self
    }

    /// Admits only these addresses and CIDRs, and those of earlier calls, whatever the credential.
    #[must_use]
    pub fn from_addresses<I: IntoIterator<Item: AsRef<str>>>(mut self, ranges: I) -> Self {
        self.ranges.extend(ranges.into_iter().map(|range| range.as_ref().to_owned()));
        self.addresses = Some(Allowlist::parse(&self.ranges));
        self
    }

    /// Refuses credentials that a third party holds on the subject's behalf (`client_id`).
    #[must_use]
    pub fn refusing_third_parties(mut self) -> Self {
        self.third_parties_refused = true;
        self
    }

    /// Answers refusals as gRPC: HTTP 200, trailers only.
    #[must_use]
    pub fn grpc(mut self) -> Self {
        self.is_grpc = true;
        self
    }

    fn of(audience: Audience, scopes: Result<ScopeSet, ScopeError>) -> Self {
        Self {
            audience,
            scopes,
            sunset: None,
            plans: None,
            addresses: None,
            ranges: Vec::new(),
            own_allowlist: false,
            third_parties_refused: false,
            is_grpc: false,
        }
    }

    pub(crate) fn is_public(&self) -> bool {
        self.audience == Audience::Everyone
    }

    pub(crate) fn lets_anonymous_in(&self) -> bool {
        self.audience != Audience::Authenticated
    }

    pub(crate) fn is_grpc(&self) -> bool {
        self.is_grpc
    }

    pub(crate) fn sunset(&self) -> Option<&Sunset> {
        self.sunset.as_ref()
    }

    /// What is wrong with the policy in itself.
    pub(crate) fn faults(&self, route: &str, faults: &mut Vec<Fault>) {
        let route = || route.to_owned();
        if let Err(cause) = self.scopes {
            faults.push(Fault::Scope { route: route(), cause });
        }
        if let Some(Err(cause)) = self.addresses {
            faults.push(Fault::Addresses { route: route(), cause });
        }
        if self.sunset.as_ref().is_some_and(|sunset| !sunset.is_sound()) {
            faults.push(Fault::Sunset { route: route() });
        }
        for (is_demanded, demand) in [
            (self.sunset.is_some(), "with_api_keys"),
            (self.plans.is_some(), "on_plans"),
            (self.own_allowlist, "from_allowlist"),
            (self.third_parties_refused, "refusing_third_parties"),
        ] {
            // Who may come without a credential meets no demand on one: it would be left at home.
            let is_idle = self.lets_anonymous_in() && (self.is_public() || demand != "with_api_keys");
            if is_idle && is_demanded {
                faults.push(Fault::PublicDemand { route: route(), demand });
            }
        }
    }

    /// The plans it demands.
    pub(crate) fn plans(&self) -> impl Iterator<Item = &str> {
        self.plans.iter().flatten().map(String::as_str)
    }

    /// Decides on a caller whose credential is verified.
    pub(crate) fn admits(
        &self,
        principal: &Principal,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), Rejection> {
        self.admits_kind(principal, now)?;
        if self.third_parties_refused && principal.client().is_some() {
            return Err(Rejection::new(Reason::ThirdParty, Problem::THIRD_PARTY_NOT_ALLOWED));
        }
        if self
            .plans
            .as_ref()
            .is_some_and(|plans| !plans.iter().any(|plan| plan.as_str() == plan_of(principal)))
        {
            return Err(Rejection::new(Reason::OtherPlan, Problem::PLAN_REQUIRED));
        }
        self.admits_scopes(principal)?;
        let own = principal.allowlist().filter(|_| self.own_allowlist);
        if own.is_some_and(|list| !client.is_on(list)) {
            return Err(Rejection::new(Reason::OffCredentialsList, Problem::ADDRESS_NOT_ALLOWED));
        }
        self.admits_address(client)
    }

    fn admits_kind(&self, principal: &Principal, now: DateTime<Utc>) -> Result<(), Rejection> {
        let reason = match principal.kind() {
            CredentialKind::AccessToken => return Ok(()),
            CredentialKind::ApiKey => match &self.sunset {
                Some(sunset) if now < sunset.at() => return Ok(()),
                Some(_) => Reason::AfterSunset,
                None => Reason::OtherKind,
            },
            // A kind this policy cannot name is one it does not list.
            _ => Reason::OtherKind,
        };
        Err(Rejection::new(reason, Problem::CREDENTIAL_NOT_ACCEPTED))
    }

    fn admits_scopes(&self, principal: &Principal) -> Result<(), Rejection> {
        match &self.scopes {
            Ok(scopes) if principal.scopes().contains_all(scopes) => Ok(()),
            Ok(scopes) => Err(Rejection::new(Reason::MissingScope, Problem::insufficient_scope(scopes))),
            // No gate is built from such a policy; were one, it would let nobody in.
            Err(_) => Err(Rejection::new(Reason::MissingScope, Problem::MISCONFIGURED)),
        }
    }

    /// Decides on the address, which a caller without a credential has as well.
    pub(crate) fn admits_address(&self, client: &Client) -> Result<(), Rejection> {
        match &self.addresses {
            None => Ok(()),
            Some(Ok(list)) if client.is_on(list) => Ok(()),
            Some(Ok(_) | Err(_)) => Err(Rejection::new(Reason::OffRoutesList, Problem::ADDRESS_NOT_ALLOWED)),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.audience, &self.sunset) {
            (Audience::Everyone, _) => "public",
            (Audience::AnonymousToo, None) => "optional token",
            (Audience::AnonymousToo, Some(_)) => "optional token or API key",
            (Audience::Authenticated, None) => "token",
            (Audience::Authenticated, Some(_)) => "token or API key",
        })?;
        if let Ok(scopes) = &self.scopes
            && !scopes.is_empty()
        {
            write!(f, "; scopes {scopes}")?;
        }
        if let Some(plans) = &self.plans {
            write!(f, "; plan {}", plans.join(" or "))?;
        }
        for (is_demanded, text) in [
            (self.third_parties_refused, "no third party"),
            (self.own_allowlist, "from its own allowlist"),
            (self.addresses.is_some(), "from listed addresses"),
            (self.is_grpc, "gRPC"),
        ] {
            if is_demanded {
                write!(f, "; {text}")?;
            }
        }
        Ok(())
    }
}

/// The name of a caller's plan: `free`, if its credential names none.
pub(crate) fn plan_of(principal: &Principal) -> &str {
    principal.plan().unwrap_or(FREE)
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Audience {
    Everyone,
    AnonymousToo,
    Authenticated,
}

pub(crate) const FREE: &str = "free";
