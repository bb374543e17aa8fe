use std::fmt;
use std::sync::Arc;

use aetherflow_auth::Environment;
use aetherflow_auth::api_key::{ApiKeyStore, Peppers};
use aetherflow_auth::audit::Sink;
use aetherflow_auth::jwt::Verifier;
use aetherflow_ratelimit::{Limiter, Plan};

use super::Clock;
use super::address_rules::AddressRules;
use super::api_keys::ApiKeys;
use super::budget::FailureBudget;
use super::core::{Core, Gate};
use super::operator::{Operator, to_stderr};
use super::tiers::Tiers;
use crate::answer::{FieldStyle, HSTS_WITH_SUBDOMAINS, RateLimitFields};
use crate::client_ip::TrustedProxies;
use crate::error::{ConfigError, Fault};
use crate::route::Routes;

/// A gate being configured.
///
/// Nothing is checked before [`build`](Self::build), which then reports all faults at once.
#[must_use = "a builder protects nothing until it is built"]
pub struct GateBuilder {
    environment: Environment,
    verifier: Arc<Verifier>,
    limiter: Arc<Limiter>,
    plans: Vec<Plan>,
    keys: Option<ApiKeys>,
    proxies: Vec<TrustedProxies>,
    allowed: Option<Vec<String>>,
    blocked: Option<Vec<String>>,
    style: FieldStyle,
    clock: Option<Arc<dyn Clock>>,
    audit: Option<Arc<dyn Sink>>,
    log: Box<dyn Fn(&str) + Send + Sync>,
}

impl GateBuilder {
    pub(super) fn new(environment: Environment, verifier: Arc<Verifier>, limiter: Arc<Limiter>) -> Self {
        Self {
            environment,
            verifier,
            limiter,
            plans: vec![Plan::free(), Plan::pro(), Plan::enterprise()],
            keys: None,
            proxies: Vec::new(),
            allowed: None,
            blocked: None,
            style: FieldStyle::default(),
            clock: None,
            audit: None,
            log: Box::new(to_stderr),
        }
    }

    /// Accepts the API keys of a store, on the routes that take them.
    pub fn with_api_keys(mut self, store: Arc<dyn ApiKeyStore>, peppers: Arc<Peppers>) -> Self {
        self.keys = Some(ApiKeys::new(store, peppers));
        self
    }

    /// Believes these proxies, too, about where a request comes from; all of them by one family of headers.
    pub fn with_trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.proxies.push(proxies);
        self
    }

    /// Limits by these plans instead of free, pro and enterprise.
    pub fn with_plans(mut self, plans: impl IntoIterator<Item = Plan>) -> Self {
        self.plans = plans.into_iter().collect();
        self
    }

    /// Refuses every address but these and those of earlier calls, before anything else is looked at.
    pub fn with_allowed_addresses<I: IntoIterator<Item: AsRef<str>>>(mut self, ranges: I) -> Self {
        extend(&mut self.allowed, ranges);
        self
    }

    /// Refuses these addresses, too, before anything else is looked at.
    pub fn with_blocked_addresses<I: IntoIterator<Item: AsRef<str>>>(mut self, ranges: I) -> Self {
        extend(&mut self.blocked, ranges);
        self
    }

    /// Says `includeSubDomains` in `Strict-Transport-Security`.
    pub fn with_hsts_for_subdomains(mut self) -> Self {
        self.style.hsts = &HSTS_WITH_SUBDOMAINS;
        self
    }

    /// Adds `X-RateLimit-Limit`, `-Remaining` and `-Reset` for clients that know no others.
    pub fn with_x_rate_limit_fields(mut self) -> Self {
        self.style.rate_limit = RateLimitFields::StandardAndOlder;
        self
    }

    /// Leaves `RateLimit` and `RateLimit-Policy` off every answer but a 429.
    pub fn without_rate_limit_fields(mut self) -> Self {
        self.style.rate_limit = RateLimitFields::None;
        self
    }

    /// Records every decision: one event a request, when the head of its answer is ready.
    ///
    /// A request that gets no answer, since its handler failed or its client left, is recorded without a status.
    pub fn with_audit(mut self, sink: Arc<dyn Sink>) -> Self {
        self.audit = Some(sink);
        self
    }

    /// Reads the time from another clock than the system's.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Tells the operator in another way than by a line on standard error.
    ///
    /// A line names something only the operator can mend, such as a proxy that is not declared; each is told once.
    pub fn with_operator_log(mut self, log: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.log = Box::new(log);
        self
    }

    /// Checks everything and makes the gate.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every [`Fault`] of the configuration and the routes.
    pub fn build(self, routes: Routes) -> Result<Gate, ConfigError> {
        let mut faults = Vec::new();
        self.check_environments(&mut faults);
        self.check_plans(&routes, &mut faults);
        self.check_keys(&routes, &mut faults);
        let tiers = Tiers::new(self.plans, &mut faults);
        let proxies = TrustedProxies::read_all(self.proxies, &mut faults);
        let address_rules = AddressRules::read(self.allowed, self.blocked, &mut faults);
        let table = routes.table(&mut faults);
        ConfigError::unless_empty(faults)?;
        Ok(Gate(Arc::new(Core {
            environment: self.environment,
            verifier: self.verifier,
            limiter: self.limiter,
            tiers,
            failures: FailureBudget::new(),
            keys: self.keys,
            proxies,
            address_rules,
            routes,
            table,
            style: self.style,
            clock: self.clock,
            audit: self.audit,
            operator: Operator::new(self.log),
        })))
    }

    fn check_environments(&self, faults: &mut Vec<Fault>) {
        let expected = self.environment;
        let peppers = self.keys.as_ref().map(|keys| ("peppers", keys.peppers().environment()));
        for (part, found) in
            [("keys of the verifier", self.verifier.environment())].into_iter().chain(peppers)
        {
            if found != expected {
                faults.push(Fault::Environment { part, found, expected });
            }
        }
    }

    fn check_plans(&self, routes: &Routes, faults: &mut Vec<Fault>) {
        for rule in routes.rules() {
            let unknown =
                rule.policy.plans().filter(|name| self.plans.iter().all(|plan| plan.name() != *name));
            faults
                .extend(unknown.map(|plan| Fault::UnknownPlan { route: rule.name(), plan: plan.to_owned() }));
        }
    }

    fn check_keys(&self, routes: &Routes, faults: &mut Vec<Fault>) {
        if routes.rules().is_empty() {
            faults.push(Fault::NoRoute);
        }
        let with_keys = routes.rules().iter().filter(|rule| rule.policy.sunset().is_some());
        if self.keys.is_none() {
            faults.extend(with_keys.map(|rule| Fault::NoKeyStore { route: rule.name() }));
        }
    }
}

/// Adds to a list that may not have begun; an empty one still is a list.
fn extend<I: IntoIterator<Item: AsRef<str>>>(list: &mut Option<Vec<String>>, ranges: I) {
    list.get_or_insert_default().extend(ranges.into_iter().map(|range| range.as_ref().to_owned()));
}

impl fmt::Debug for GateBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateBuilder").field("environment", &self.environment).finish_non_exhaustive()
    }
}
