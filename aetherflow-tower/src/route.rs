//! Which policy a request is decided by.

use std::collections::HashMap;
use std::sync::Arc;

use http::{HeaderValue, Method};

use crate::answer::header_text;
use crate::error::{ConfigError, Fault};
use crate::path::is_ambiguous;
use crate::policy::Policy;

/// The routes of a service, each with its policy: the only place a demand is written.
///
/// A path's parameters are written `{name}`, and `{*rest}` takes all that is left, as in axum. GET answers HEAD too.
/// What is not listed is refused.
///
/// # Examples
///
/// ```
/// use aetherflow_tower::{Policy, Routes};
/// use http::Method;
///
/// let routes = Routes::new()
///     .route(Method::GET, "/healthz", Policy::public())
///     .route(Method::GET, "/things/{id}", Policy::scopes("read:things"));
/// assert_eq!(routes.check(), Ok(()));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Routes {
    rules: Vec<Arc<Rule>>,
}

impl Routes {
    /// Lists nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lists one method of one path.
    #[must_use]
    pub fn route(mut self, method: Method, path: &str, policy: Policy) -> Self {
        self.list(Rule { method, path: path.into(), policy });
        self
    }

    /// Lists all of another's routes as well.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.rules.extend(other.rules);
        self
    }

    /// Lists all of another's routes under a path; its `/` is the path itself.
    #[must_use]
    pub fn nest(mut self, path: &str, other: Self) -> Self {
        let under = |rule: Arc<Rule>| {
            let rule = Arc::unwrap_or_clone(rule);
            Arc::new(Rule { path: nested(path, &rule.path).into(), ..rule })
        };
        self.rules.extend(other.rules.into_iter().map(under));
        self
    }

    /// Finds what is wrong with the routes in themselves; building a gate finds it too.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every fault: a path that cannot be routed, one listed twice or matching what another
    /// matches, HEAD, a policy that cannot hold.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut faults = Vec::new();
        self.table(&mut faults);
        ConfigError::unless_empty(faults)
    }

    /// Builds the table, and adds what is wrong to `faults`.
    pub(crate) fn table(&self, faults: &mut Vec<Fault>) -> Table {
        let mut paths: Vec<Path> = Vec::new();
        let mut index: HashMap<&str, usize> = HashMap::new();
        for rule in &self.rules {
            rule.faults(faults);
            let at = *index.entry(&rule.path).or_insert_with(|| {
                paths.push(Path::new(&rule.path));
                paths.len() - 1
            });
            paths[at].list(rule, faults);
        }
        let mut router = matchit::Router::new();
        for path in paths {
            let route = path.rules[0].name();
            let pattern = path.pattern.clone();
            match router.insert(&*pattern, Arc::new(path.finished())) {
                Ok(()) => {}
                Err(matchit::InsertError::Conflict { with }) => {
                    faults.push(Fault::Conflict { route, other: with })
                }
                Err(_) => faults.push(Fault::Path { route }),
            }
        }
        Table { router }
    }

    /// Lists a rule, and gives it back as the one a decision will name.
    pub(crate) fn list(&mut self, rule: Rule) -> Arc<Rule> {
        let rule = Arc::new(rule);
        self.rules.push(Arc::clone(&rule));
        rule
    }

    pub(crate) fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }
}

/// The path of a route nested under `prefix`.
pub(crate) fn nested(prefix: &str, path: &str) -> String {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    match path {
        "/" if !prefix.is_empty() => prefix.to_owned(),
        path if path.starts_with('/') => format!("{prefix}{path}"),
        // Joined, it would be another path than either; alone, it is a fault of its route.
        path => path.to_owned(),
    }
}

/// One listed route. Two of them are the same only if they are one allocation.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) method: Method,
    pub(crate) path: Box<str>,
    pub(crate) policy: Policy,
}

impl Rule {
    /// Method and path, as faults name them.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn faults(&self, faults: &mut Vec<Fault>) {
        let name = self.name();
        if self.method == Method::HEAD {
            faults.push(Fault::Head { route: name.clone() });
        }
        if !is_routable(&self.path) {
            faults.push(Fault::Path { route: name.clone() });
        }
        self.policy.faults(&name, faults);
    }
}

/// Whether a request could have such a path, and axum's router would take it.
fn is_routable(pattern: &str) -> bool {
    let is_old_syntax = pattern.split('/').any(|segment| segment.starts_with([':', '*']));
    // Braces are the pattern's, not the path's.
    let path = pattern.replace(['{', '}'], "");
    pattern.starts_with('/') && !is_old_syntax && !is_ambiguous(&path)
}

/// All methods of one path.
#[derive(Debug)]
pub(crate) struct Path {
    pattern: Box<str>,
    rules: Vec<Arc<Rule>>,
    /// The value of `Allow`.
    pub(crate) allow: HeaderValue,
}

impl Path {
    fn new(pattern: &str) -> Self {
        Self { pattern: pattern.into(), rules: Vec::new(), allow: HeaderValue::from_static("") }
    }

    fn list(&mut self, rule: &Arc<Rule>, faults: &mut Vec<Fault>) {
        if self.rules.iter().any(|listed| listed.method == rule.method) {
            faults.push(Fault::Duplicate { route: rule.name() });
        }
        self.rules.push(Arc::clone(rule));
    }

    fn finished(mut self) -> Self {
        let mut methods: Vec<&str> = self.rules.iter().map(|rule| rule.method.as_str()).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.sort_unstable();
        self.allow = header_text(methods.join(", "));
        self
    }

    fn find(&self, method: &Method) -> Option<&Arc<Rule>> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.rules.iter().find(|rule| rule.method == method)
    }

    /// Whether nothing about the path is secret.
    pub(crate) fn is_public(&self) -> bool {
        self.rules.iter().all(|rule| rule.policy.is_public())
    }

    fn is_grpc(&self) -> bool {
        self.rules.iter().any(|rule| rule.policy.is_grpc())
    }
}

/// The routes, ready to be asked.
#[derive(Debug)]
pub(crate) struct Table {
    router: matchit::Router<Arc<Path>>,
}

/// What the table says of a request.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    Rule(Arc<Rule>),
    OtherMethod(Arc<Path>),
    Unlisted,
    Ambiguous,
}

impl Table {
    pub(crate) fn find(&self, method: &Method, path: &str) -> Found {
        if is_ambiguous(path) {
            return Found::Ambiguous;
        }
        let Ok(found) = self.router.at(path) else { return Found::Unlisted };
        match found.value.find(method) {
            Some(rule) => Found::Rule(Arc::clone(rule)),
            None => Found::OtherMethod(Arc::clone(found.value)),
        }
    }
}

impl Found {
    pub(crate) fn rule(&self) -> Option<&Arc<Rule>> {
        match self {
            Self::Rule(rule) => Some(rule),
            Self::OtherMethod(_) | Self::Unlisted | Self::Ambiguous => None,
        }
    }

    /// Whether the route is listed as gRPC; `None` if it is not listed at all.
    pub(crate) fn is_grpc(&self) -> Option<bool> {
        match self {
            Self::Rule(rule) => Some(rule.policy.is_grpc()),
            Self::OtherMethod(path) => Some(path.is_grpc()),
            Self::Unlisted | Self::Ambiguous => None,
        }
    }
}
