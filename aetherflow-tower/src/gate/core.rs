use std::fmt;
use std::sync::Arc;

use aetherflow_auth::Environment;
use aetherflow_auth::audit::Sink;
use aetherflow_auth::jwt::Verifier;
use aetherflow_ratelimit::Limiter;
use http::Method;

use super::address_rules::AddressRules;
use super::api_keys::ApiKeys;
use super::budget::FailureBudget;
use super::operator::Operator;
use super::tiers::Tiers;
use super::visit::{self, Visit};
use super::{Check, Clock, GateBuilder, Now, Outcome};
use crate::answer::FieldStyle;
use crate::client_ip::Proxies;
use crate::policy::Policy;
use crate::request::RequestView;
use crate::route::{Routes, Table};

/// Decides every request of a service.
///
/// Clones share everything. [`SecurityLayer`](crate::SecurityLayer) puts it in front of a tower service; a framework
/// of another kind calls [`check`](Self::check) itself.
#[derive(Clone)]
pub struct Gate(pub(super) Arc<Core>);

impl Gate {
    /// Begins a gate of one environment; tokens are verified by `verifier`, plans limited by `limiter`.
    pub fn builder(environment: Environment, verifier: Arc<Verifier>, limiter: Arc<Limiter>) -> GateBuilder {
        GateBuilder::new(environment, verifier, limiter)
    }

    /// Decides a request now, by the gate's clock.
    pub fn check<V: RequestView>(&self, view: &V) -> Check {
        self.check_at(view, self.0.now())
    }

    /// Decides a request at `now`.
    ///
    /// It answers in place for everything but an API key whose store does.
    pub fn check_at<V: RequestView>(&self, view: &V, now: Now) -> Check {
        match view.connection() {
            Some(connection) => Visit::begin(self, view, connection, now).decide(view),
            None => Check::Done(Outcome::Reject(visit::without_connection(self, view, now))),
        }
    }

    /// Lists every route with its demands.
    pub fn policies(&self) -> impl Iterator<Item = (&Method, &str, &Policy)> {
        self.0.routes.rules().iter().map(|rule| (&rule.method, &*rule.path, &rule.policy))
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("environment", &self.0.environment).finish_non_exhaustive()
    }
}

/// What all clones of a gate share.
pub(super) struct Core {
    pub(super) environment: Environment,
    pub(super) verifier: Arc<Verifier>,
    pub(super) limiter: Arc<Limiter>,
    pub(super) tiers: Tiers,
    pub(super) failures: FailureBudget,
    pub(super) keys: Option<ApiKeys>,
    pub(super) proxies: Option<Proxies>,
    pub(super) address_rules: AddressRules,
    pub(super) routes: Routes,
    pub(super) table: Table,
    pub(super) style: FieldStyle,
    pub(super) clock: Option<Arc<dyn Clock>>,
    pub(super) audit: Option<Arc<dyn Sink>>,
    pub(super) operator: Operator,
}

impl Core {
    pub(super) fn now(&self) -> Now {
        match &self.clock {
            Some(clock) => clock.now(),
            None => Now::read(&self.limiter),
        }
    }
}
