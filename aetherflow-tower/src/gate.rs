//! The whole model as one value, free of any framework.
//!
//! A request is decided in this order, and the first check that does not hold answers:
//!
//! 1. the accept loop said what connection it came over;
//! 2. it came over TLS;
//! 3. the gate's own address rules;
//! 4. a public route asks no more (nor does a wrong method of a path that is public altogether);
//! 5. the failure budget of its address, unless its token is remembered as good;
//! 6. its path has one reading;
//! 7. its credential: presented once and well, valid, not revoked;
//! 8. the limit of its plan;
//! 9. its route is listed, and takes its method, credential kind, third party, plan, scopes and address.
//!
//! Nothing here reads a body or awaits anything but a store of API keys.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use aetherflow_auth::Environment;
use aetherflow_auth::audit::Sink;
use aetherflow_auth::jwt::Verifier;
use aetherflow_ratelimit::Limiter;
use http::{HeaderMap, Method, StatusCode};

use crate::access::Access;
use crate::answer::{AnswerFields, FieldStyle};
use crate::client_ip::Proxies;
use crate::gate::address_rules::AddressRules;
use crate::gate::api_keys::ApiKeys;
use crate::gate::budget::FailureBudget;
use crate::gate::operator::Operator;
use crate::gate::tiers::Tiers;
use crate::gate::visit::Visit;
use crate::policy::Policy;
use crate::record::Record;
use crate::rejection::Answer;
use crate::request::RequestView;
use crate::route::{Routes, Table};

pub use builder::GateBuilder;
pub use clock::{Clock, Now};

mod address_rules;
mod api_keys;
mod budget;
mod builder;
mod clock;
mod form;
mod operator;
mod tiers;
mod visit;

/// Decides every request of a service.
///
/// Clones share everything. [`SecurityLayer`](crate::SecurityLayer) puts it in front of a tower service; a framework
/// of another kind calls [`check`](Self::check) itself.
#[derive(Clone)]
pub struct Gate(pub(crate) Arc<Core>);

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

/// A decision, or the promise of one.
#[must_use = "a request may only be served if the outcome says so"]
#[expect(clippy::large_enum_variant, reason = "moved once; a box would cost every request an allocation")]
pub enum Check {
    /// The request is decided.
    Done(Outcome),
    /// A store has to be asked first; the future owns all it needs.
    Wait(Pin<Box<dyn Future<Output = Outcome> + Send>>),
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(outcome) => f.debug_tuple("Done").field(outcome).finish(),
            Self::Wait(_) => f.write_str("Wait"),
        }
    }
}

/// What became of a request.
#[derive(Debug)]
#[must_use = "a request may only be served if the outcome says so"]
#[expect(clippy::large_enum_variant, reason = "moved once; a box would cost every request an allocation")]
pub enum Outcome {
    /// It may be served: give the handler the first, and close with the second when the handler has answered.
    Allow(Access, Closing),
    /// It is refused, with this answer.
    Reject(Answer),
}

/// What is left to do when a handler has answered: headers to add, and the audit event.
///
/// Dropped unclosed, it records that the request had no answer.
#[derive(Debug)]
pub struct Closing {
    pub(crate) fields: AnswerFields,
    pub(crate) record: Record,
}

impl Closing {
    /// Adds the gate's headers to the handler's, and records the decision with the answer's status.
    pub fn close(self, status: StatusCode, headers: &mut HeaderMap) {
        self.fields.write(headers);
        self.record.answered(status);
    }
}

/// What all clones of a gate share.
pub(crate) struct Core {
    environment: Environment,
    verifier: Arc<Verifier>,
    limiter: Arc<Limiter>,
    tiers: Tiers,
    failures: FailureBudget,
    keys: Option<ApiKeys>,
    proxies: Option<Proxies>,
    address_rules: AddressRules,
    routes: Routes,
    table: Table,
    style: FieldStyle,
    clock: Option<Arc<dyn Clock>>,
    audit: Option<Arc<dyn Sink>>,
    operator: Operator,
}

impl Core {
    fn now(&self) -> Now {
        match &self.clock {
            Some(clock) => clock.now(),
            None => Now::read(&self.limiter),
        }
    }
}
