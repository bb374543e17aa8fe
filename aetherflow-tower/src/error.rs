//! What keeps a gate from being built.

use std::fmt;

use aetherflow_auth::{AllowlistError, Environment, ScopeError};
use thiserror::Error;

/// Every fault of a gate's configuration, all at once.
///
/// Printed, it is one line a fault, each naming what to change.
///
/// # Examples
///
/// ```
/// use aetherflow_tower::{Policy, Routes};
/// use http::Method;
///
/// let routes = Routes::new()
///     .route(Method::GET, "/things", Policy::scopes("read things\""))
///     .route(Method::HEAD, "/things", Policy::public());
/// assert_eq!(routes.check().unwrap_err().faults().len(), 2);
/// ```
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub struct ConfigError {
    faults: Vec<Fault>,
}

impl ConfigError {
    #[cfg(feature = "axum")]
    pub(crate) fn of(faults: Vec<Fault>) -> Self {
        Self { faults }
    }

    pub(crate) fn unless_empty(faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self { faults }) }
    }

    /// The faults, in the order they were found.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.faults.iter().enumerate() {
            let line_break = if at == 0 { "" } else { "\n" };
            write!(f, "{line_break}{fault}")?;
        }
        Ok(())
    }
}

/// One fault of a gate's configuration.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// A trusted proxy range that is no address and no CIDR.
    #[error("trusted proxy range `{range}`: {cause}")]
    ProxyRange {
        /// The range as configured.
        range: String,
        /// What is wrong with it.
        cause: AllowlistError,
    },
    /// A trusted proxy range wider than /8 (IPv4) or /16 (IPv6).
    #[error(
        "trusted proxy range `{range}` is wider than /8 (IPv4) or /16 (IPv6): name the proxies' own network"
    )]
    WideProxyRange {
        /// The range as configured.
        range: String,
    },
    /// Trusted proxies of both families of headers, of which a gate reads one.
    #[error("trusted proxies are declared for `X-Forwarded-For` and for `Forwarded`: name one family")]
    ProxyFamilies,
    /// An address rule of the gate that is no address and no CIDR.
    #[error("address rule: {cause}")]
    AddressRule {
        /// What is wrong with it.
        cause: AllowlistError,
    },
    /// A path that the route table cannot hold.
    #[error(
        "route {route}: the path must start with `/`, have its parameters as `{{name}}` and be no ambiguous one"
    )]
    Path {
        /// Method and path as configured.
        route: String,
    },
    /// A path that matches what another one matches.
    #[error("route {route}: its path matches the same requests as `{other}`; spell both alike, or part them")]
    Conflict {
        /// Method and path as configured.
        route: String,
        /// The path it conflicts with.
        other: String,
    },
    /// One method and path listed twice.
    #[error("route {route} is listed twice; keep the one whose policy is meant")]
    Duplicate {
        /// Method and path as configured.
        route: String,
    },
    /// A route for HEAD.
    #[error("route {route}: HEAD is decided as GET; list GET instead")]
    Head {
        /// Method and path as configured.
        route: String,
    },
    /// A method the framework cannot route.
    #[error("route {route}: axum routes no such method; use a standard one")]
    Method {
        /// Method and path as configured.
        route: String,
    },
    /// A scope that is no scope-token.
    #[error("route {route}: {cause}")]
    Scope {
        /// Method and path as configured.
        route: String,
        /// What is wrong with it.
        cause: ScopeError,
    },
    /// An address list that cannot be read.
    #[error("route {route}: address list: {cause}")]
    Addresses {
        /// Method and path as configured.
        route: String,
        /// What is wrong with it.
        cause: AllowlistError,
    },
    /// A demand about credentials on a route that lets callers in without one.
    #[error(
        "route {route} lets callers in without a credential: drop `{demand}`, or make the route protected"
    )]
    PublicDemand {
        /// Method and path as configured.
        route: String,
        /// The method of the policy that asks for it.
        demand: &'static str,
    },
    /// A sunset before its deprecation, or a link that is no URI reference.
    #[error(
        "route {route}: the sunset must not be before the deprecation, and its link be a URI without spaces"
    )]
    Sunset {
        /// Method and path as configured.
        route: String,
    },
    /// A plan that no limit is configured for.
    #[error(
        "route {route} demands the plan `{plan}`, which the gate does not know: add it with `with_plans`"
    )]
    UnknownPlan {
        /// Method and path as configured.
        route: String,
        /// The plan's name.
        plan: String,
    },
    /// API keys accepted where there is no store of them.
    #[error(
        "route {route} accepts API keys, but the gate has no store of them: add one with `with_api_keys`"
    )]
    NoKeyStore {
        /// Method and path as configured.
        route: String,
    },
    /// Two plans of one name.
    #[error("two plans are named `{plan}`")]
    DuplicatePlan {
        /// The plan's name.
        plan: String,
    },
    /// No plan named `free`, on which every credential without a plan is.
    #[error("no plan is named `free`, on which a credential without a plan is: add it to `with_plans`")]
    NoFreePlan,
    /// A verifier or peppers of another environment than the gate.
    #[error(
        "the {part} are of the environment {found}, the gate is of {expected}: each environment has its own"
    )]
    Environment {
        /// What is of another environment.
        part: &'static str,
        /// Its environment.
        found: Environment,
        /// The gate's.
        expected: Environment,
    },
    /// No route at all.
    #[error("no route is listed, so every request would be refused: list the routes")]
    NoRoute,
}
