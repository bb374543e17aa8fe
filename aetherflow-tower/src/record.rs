//! The audit event of one request, from the first check to the head of the answer.

use std::net::IpAddr;
use std::sync::Arc;

use aetherflow_auth::audit::{Action, Event, Sink};
use aetherflow_auth::{Environment, Principal};
use chrono::{DateTime, Utc};
use http::{Method, StatusCode};

use crate::rejection::Rejection;
use crate::route::{Found, Rule};

/// What will be told of one request, however it ends; nothing, where no sink listens.
///
/// Dropped before its end, it tells that there was none.
#[derive(Debug)]
pub(crate) struct Record(Option<Box<Facts>>);

#[derive(Debug)]
struct Facts {
    sink: Arc<dyn Sink>,
    environment: Environment,
    time: DateTime<Utc>,
    method: Method,
    path: Box<str>,
    rule: Option<Arc<Rule>>,
    address: Option<IpAddr>,
    principal: Option<Arc<Principal>>,
    action: Action,
    reason: Option<&'static str>,
}

/// What plain HTTP has shown to whoever listens.
#[derive(Clone, Debug)]
pub(crate) enum Exposure {
    /// A credential that works.
    Verified(Arc<Principal>),
    /// Something that may be one.
    Claimed,
}

impl Record {
    pub(crate) fn begin(
        sink: Option<&Arc<dyn Sink>>,
        environment: Environment,
        (method, path): (&Method, &str),
        found: &Found,
        time: DateTime<Utc>,
    ) -> Self {
        Self(sink.map(|sink| {
            Box::new(Facts {
                sink: Arc::clone(sink),
                environment,
                time,
                method: method.clone(),
                path: path.into(),
                rule: found.rule().cloned(),
                address: None,
                principal: None,
                action: Action::Refused,
                reason: Some(UNDECIDED),
            })
        }))
    }

    pub(crate) fn comes_from(&mut self, address: IpAddr) {
        self.note(|facts| facts.address = Some(address));
    }

    pub(crate) fn identifies(&mut self, principal: &Arc<Principal>) {
        self.note(|facts| facts.principal = Some(Arc::clone(principal)));
    }

    pub(crate) fn exposes(&mut self, exposure: Exposure) {
        self.note(|facts| match exposure {
            Exposure::Verified(principal) => {
                facts.action = Action::CredentialExposed;
                facts.principal = Some(principal);
            }
            Exposure::Claimed => facts.action = Action::CredentialClaimed,
        });
    }

    /// Notes that the handler will be called.
    pub(crate) fn allowed(&mut self) {
        self.note(|facts| {
            facts.action = Action::Allowed;
            facts.reason = Some(UNANSWERED);
        });
    }

    /// Ends the record of a request the handler answered.
    pub(crate) fn answered(mut self, status: StatusCode) {
        self.note(|facts| facts.reason = None);
        self.end(Some(status));
    }

    /// Ends the record of a refused request, with the problem's own status also where gRPC sends 200.
    pub(crate) fn refused(mut self, rejection: &Rejection) {
        self.note(|facts| facts.reason = Some(rejection.reason().as_str()));
        self.end(Some(rejection.problem().status()));
    }

    fn note(&mut self, change: impl FnOnce(&mut Facts)) {
        if let Some(facts) = &mut self.0 {
            change(facts);
        }
    }

    fn end(&mut self, status: Option<StatusCode>) {
        if let Some(facts) = self.0.take() {
            facts.sink.record(facts.event(status));
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.end(None);
    }
}

impl Facts {
    /// The path; its beginning only, where somebody unknown was refused and would fill the disk for nothing.
    fn told_path(&self) -> &str {
        let is_known = self.principal.is_some() || self.action == Action::Allowed;
        let most = if is_known { self.path.len() } else { self.path.len().min(LONGEST_UNKNOWN) };
        let end = (0..=most).rfind(|end| self.path.is_char_boundary(*end)).unwrap_or(0);
        &self.path[..end]
    }

    fn event(&self, status: Option<StatusCode>) -> Event {
        let mut event = Event::new(self.action, self.time)
            .with_environment(self.environment)
            .with_request(self.method.as_str(), self.told_path());
        if let Some(rule) = &self.rule {
            event = event.with_route(&rule.path);
        }
        if let Some(address) = self.address {
            event = event.with_address(address);
        }
        if let Some(principal) = &self.principal {
            event = event.with_principal(principal);
        }
        if let Some(reason) = self.reason {
            event = event.with_reason(reason);
        }
        match status {
            Some(status) => event.with_status(status.as_u16()),
            None => event,
        }
    }
}

const LONGEST_UNKNOWN: usize = 128;
const UNDECIDED: &str = "the client left before the request was decided";
const UNANSWERED: &str = "no answer: the handler failed, or the client left before it";
