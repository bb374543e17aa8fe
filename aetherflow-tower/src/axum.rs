//! Routes, policies and callers in axum 0.8.
//!
//! 1. A [`SecureRouter`] takes a policy with every handler, and no other router: what it serves is listed.
//! 2. [`protect`](SecureRouter::protect) fills axum's router and the gate's table in one call, and puts the gate around
//!    it. What comes out is no router any more: nothing can be added past the gate.
//! 3. A handler runs only if the gate decided by the policy the handler was registered with. Should the two routers
//!    ever read a request differently, or the gate be missing, the answer is 500, never the handler's.
//! 4. The extractor [`Principal`] gives the caller and demands nothing: the policy has.

use std::fmt;
use std::sync::Arc;

use ::axum::Router;
use ::axum::body::Body;
use ::axum::handler::Handler;
use ::axum::routing::{MethodFilter, MethodRouter, on};
use http::{Method, Response};
use tower_layer::Layer as _;

use crate::axum::guard::Guarded;
use crate::error::{ConfigError, Fault};
use crate::gate::GateBuilder;
use crate::layer::{SecurityLayer, SecurityService};
use crate::policy::Policy;
use crate::rejection::Problem;
use crate::route::{Routes, Rule, nested};

mod guard;
mod principal;

pub use principal::Principal;

/// An axum router in which every route has a policy.
///
/// GET answers HEAD too. Mistakes are kept until [`protect`](SecureRouter::protect) reports them all.
///
/// # Examples
///
/// ```
/// use aetherflow_tower::Policy;
/// use aetherflow_tower::axum::{Principal, SecureRouter};
/// use http::Method;
///
/// async fn whoami(caller: Principal) -> String {
///     caller.identity().subject().to_owned()
/// }
///
/// let api = SecureRouter::<()>::new().route("/me", Method::GET, whoami, Policy::authenticated());
/// let service = SecureRouter::new().nest("/v2", api);
/// # let _: SecureRouter = service;
/// ```
#[must_use = "a router serves nothing until it is protected"]
pub struct SecureRouter<S = ()> {
    entries: Vec<Entry<S>>,
}

/// A route whose guard will be made with the table's rule.
struct Entry<S> {
    rule: Rule,
    handler: HandlerOf<S>,
}

type HandlerOf<S> = Box<dyn FnOnce(MethodFilter, Arc<Rule>) -> MethodRouter<S> + Send>;

impl<S: Clone + Send + Sync + 'static> SecureRouter<S> {
    /// Serves nothing yet.
    pub fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Serves one method of one path by a handler, for those the policy lets in.
    pub fn route<H, T>(mut self, path: &str, method: Method, handler: H, policy: Policy) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.entries.push(Entry {
            rule: Rule { method, path: path.into(), policy },
            handler: Box::new(|filter, rule| on(filter, Guarded { handler, rule })),
        });
        self
    }

    /// Serves all of another's routes under a path; its `/` is the path itself.
    ///
    /// The handlers see the whole path.
    pub fn nest(mut self, path: &str, other: Self) -> Self {
        let under = |mut entry: Entry<S>| {
            entry.rule.path = nested(path, &entry.rule.path).into();
            entry
        };
        self.entries.extend(other.entries.into_iter().map(under));
        self
    }

    /// Serves all of another's routes as well.
    pub fn merge(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self
    }

    /// Gives the handlers so far the state they ask for; those added later may ask for another.
    pub fn with_state<S2>(self, state: S) -> SecureRouter<S2> {
        let entries = self.entries.into_iter().map(|Entry { rule, handler }| {
            let state = state.clone();
            let handler = Box::new(|filter, rule| handler(filter, rule).with_state(state));
            Entry { rule, handler: handler as HandlerOf<S2> }
        });
        SecureRouter { entries: entries.collect() }
    }

    /// Parts the handlers from their table, for a host that builds gate and layer itself.
    ///
    /// Behind no gate, or behind one with another table, every handler answers 500.
    ///
    /// # Security
    ///
    /// Put the layer around the finished router, not into it by [`Router::layer`]: to what is answered inside, axum
    /// adds `Allow`, and so shows to a caller without a credential which paths are listed.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every fault of the routes and their policies.
    pub fn into_parts(self) -> Result<(Router<S>, Routes), ConfigError> {
        let (router, routes, mut faults) = self.split();
        routes.table(&mut faults);
        ConfigError::unless_empty(faults)?;
        Ok((router, routes))
    }

    /// Fills axum's router with the routes that have no fault, which axum would panic at.
    fn split(self) -> (Router<S>, Routes, Vec<Fault>) {
        let (mut router, mut routes, mut faults) = (Router::new(), Routes::new(), Vec::new());
        let mut handlers = Vec::new();
        for Entry { rule, handler } in self.entries {
            match MethodFilter::try_from(rule.method.clone()) {
                Ok(filter) => handlers.push((filter, handler, routes.list(rule))),
                Err(_) => faults.push(Fault::Method { route: rule.name() }),
            }
        }
        if routes.check().is_ok() {
            for (filter, handler, rule) in handlers {
                router = router.route(&rule.path, handler(filter, Arc::clone(&rule)));
            }
        }
        (router, routes, faults)
    }
}

impl SecureRouter {
    /// Builds the gate and puts it around the routes, whose handlers have their state.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every fault of the gate, the routes and their policies.
    pub fn protect(self, gate: GateBuilder) -> Result<SecurityService<Router>, ConfigError> {
        let (router, routes, mut faults) = self.split();
        match (gate.build(routes), faults.is_empty()) {
            // The state given here once would else be given at every request.
            (Ok(gate), true) => Ok(SecurityLayer::new(gate).layer(router.with_state(()))),
            (Ok(_), false) => Err(ConfigError::of(faults)),
            (Err(error), _) => {
                faults.splice(0..0, error.faults().iter().cloned());
                Err(ConfigError::of(faults))
            }
        }
    }
}

impl<S: Clone + Send + Sync + 'static> Default for SecureRouter<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for SecureRouter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|entry| entry.rule.name())).finish()
    }
}

impl ::axum::response::IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        self.into_response()
    }
}
