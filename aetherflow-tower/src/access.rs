use std::net::IpAddr;
use std::sync::Arc;

use aetherflow_auth::Principal;
use aetherflow_ratelimit::{Decision, Plan};

use crate::answer::Charged;
use crate::client_ip::Client;
use crate::policy::Policy;
use crate::route::Rule;

/// What the gate found out about a request it let through; the one extension it inserts.
///
/// Only a gate makes one.
#[derive(Clone, Debug)]
pub struct Access {
    pub(crate) rule: Arc<Rule>,
    pub(crate) principal: Option<Arc<Principal>>,
    pub(crate) charged: Option<Charged>,
    pub(crate) client: Client,
}

impl Access {
    /// The verified caller; none on public routes, and on optional ones without a credential.
    #[must_use]
    pub fn principal(&self) -> Option<&Arc<Principal>> {
        self.principal.as_ref()
    }

    /// The caller's plan, whose limit the request was counted against.
    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        self.charged.as_ref().map(|charged| &charged.tier.plan)
    }

    /// What remains of the plan after this request.
    #[must_use]
    pub fn decision(&self) -> Option<&Decision> {
        self.charged.as_ref().map(|charged| &charged.decision)
    }

    /// Where the request comes from, as the gate's configuration lets it know.
    #[must_use]
    pub fn client_address(&self) -> IpAddr {
        self.client.address
    }

    /// The policy the request was decided by.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.rule.policy
    }
}
