//! No credential makes a stronger one.
//!
//! 1. What is given has scopes the giver has, the giver's environment, and addresses within the giver's.
//! 2. Without `manage:accounts` it is for the giver's own identity, on at most the giver's plan; with it, for any subject
//!    of the giver's tenant, on any plan.
//! 3. Without `manage:accounts` a giver sees, ends and replaces what is its own on at most its plan; with it, what is
//!    anyone's, of every tenant. Replacing demands the scopes and addresses of (1) as well.

use aetherflow_auth::{Allowlist, Environment, Identity, Principal, Scope, ScopeSet};
use aetherflow_tower::rejection::Problem;

use crate::credential::{Credential, PlanName};

/// What a caller may give to others: at most what it has itself.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    identity: Identity,
    scopes: ScopeSet,
    plan: PlanName,
    environment: Environment,
    allowlist: Option<Allowlist>,
}

/// What a caller asks for; what is left out is as the caller's own.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) subject: Option<String>,
    pub(crate) scopes: ScopeSet,
    pub(crate) plan: Option<PlanName>,
    pub(crate) environment: Option<Environment>,
    pub(crate) allowlist: Option<Allowlist>,
}

/// What was granted.
#[derive(Clone, Debug)]
pub(crate) struct Granted {
    pub(crate) owner: Identity,
    pub(crate) scopes: ScopeSet,
    pub(crate) plan: PlanName,
    pub(crate) allowlist: Option<Allowlist>,
}

impl Granted {
    /// What the holder of `credential` was granted.
    pub(crate) fn like(credential: &Credential) -> Self {
        Self {
            owner: credential.owner.clone(),
            scopes: credential.scopes.clone(),
            plan: credential.plan,
            allowlist: credential.allowlist.clone(),
        }
    }
}

/// Why a wish was not granted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Denied {
    /// The credential would be valid in another environment.
    Environment,
    /// It would be another's, or on a larger plan.
    Account,
    /// It would have these scopes, and the giver has not all of them.
    Scopes(ScopeSet),
    /// It could be used from where the giver's cannot.
    Address,
}

impl Authority {
    /// The authority of a verified caller.
    pub(crate) fn of(principal: &Principal) -> Self {
        Self {
            identity: principal.identity().clone(),
            scopes: principal.scopes().clone(),
            // No plan is Free; one this server does not know is worth no more.
            plan: principal.plan().and_then(PlanName::parse).unwrap_or(PlanName::Free),
            environment: principal.environment(),
            allowlist: principal.allowlist().cloned(),
        }
    }

    /// Decides a wish for a new credential.
    pub(crate) fn grant(&self, wish: Wish) -> Result<Granted, Denied> {
        if wish.environment.is_some_and(|environment| environment != self.environment) {
            return Err(Denied::Environment);
        }
        let granted = Granted {
            owner: wish.subject.map_or_else(|| self.identity.clone(), |subject| self.named(subject)),
            scopes: wish.scopes,
            plan: wish.plan.unwrap_or(self.plan),
            allowlist: wish.allowlist.or_else(|| self.allowlist.clone()),
        };
        if !self.reaches(&granted.owner, granted.plan) {
            return Err(Denied::Account);
        }
        self.covers(&granted.scopes, granted.allowlist.as_ref()).map(|()| granted)
    }

    /// Whether the caller may know of a credential and end it.
    pub(crate) fn sees(&self, credential: &Credential) -> bool {
        self.reaches(&credential.owner, credential.plan)
    }

    /// Decides whether the caller may have a credential's replacement, and with it its secret.
    pub(crate) fn renew(&self, credential: &Credential) -> Result<(), Denied> {
        self.covers(&credential.scopes, credential.allowlist.as_ref())
    }

    fn reaches(&self, owner: &Identity, plan: PlanName) -> bool {
        self.manages_accounts() || (*owner == self.identity && plan <= self.plan)
    }

    fn covers(&self, scopes: &ScopeSet, allowlist: Option<&Allowlist>) -> Result<(), Denied> {
        if !self.scopes.contains_all(scopes) {
            return Err(Denied::Scopes(scopes.clone()));
        }
        let within = match (&self.allowlist, allowlist) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => other.is_within(own),
        };
        if within { Ok(()) } else { Err(Denied::Address) }
    }

    fn manages_accounts(&self) -> bool {
        manage_accounts().is_some_and(|scope| self.scopes.contains(&scope))
    }

    // What is issued to another subject stays within the caller's tenant; managers of accounts see, replace and end
    // the credentials of every tenant.
    fn named(&self, subject: String) -> Identity {
        Identity::new(self.identity.issuer(), self.identity.named_tenant(), subject)
    }
}

/// The scope that reaches other subjects and larger plans.
pub(crate) fn manage_accounts() -> Option<Scope> {
    Scope::parse("manage:accounts").ok()
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Environment => Problem::INVALID_PARAMETERS,
            Denied::Account => Problem::insufficient_scope(&manage_accounts().into_iter().collect()),
            Denied::Scopes(scopes) => Problem::insufficient_scope(&scopes),
            Denied::Address => Problem::ADDRESS_NOT_ALLOWED,
        }
    }
}

#[cfg(test)]
mod tests;
