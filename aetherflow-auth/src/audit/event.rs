//! One decision, as the log keeps it.

use std::borrow::Cow;
use std::net::IpAddr;

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use serde::{Deserialize, Serialize, Serializer};

use crate::{CredentialKind, Environment, Identity, Principal};

/// One decision: what was done, when, on which request, by whom.
///
/// As JSON its members are, in this order and left out when absent: `time` (RFC 3339 in UTC, to the millisecond),
/// `action`, `reason`, `status`, `method`, `path`, `route`, `address`, `issuer`, `tenant`, `subject`, `client`,
/// `kind`, `credential`, `environment`, `target`, `request`.
///
/// # Security
///
/// Text that a client chose is cut after 1,024 bytes, and JSON escapes it, so that no request can write a line of its
/// own. A query is never kept: it may hold a credential.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Event {
    #[serde(serialize_with = "write_millis")]
    time: DateTime<Utc>,
    action: Action,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'static, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    route: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(flatten)]
    identity: Option<Identity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<Cow<'static, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credential: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    environment: Option<Environment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<Box<str>>,
}

impl Event {
    /// Begins an event of an action at a time, which is kept to the millisecond.
    #[must_use]
    pub fn new(action: Action, time: DateTime<Utc>) -> Self {
        Self {
            time: time.trunc_subsecs(3),
            action,
            reason: None,
            status: None,
            method: None,
            path: None,
            route: None,
            address: None,
            identity: None,
            client: None,
            kind: None,
            credential: None,
            environment: None,
            target: None,
            request: None,
        }
    }

    /// Moves the time up to `earliest`, if it were before.
    pub(super) fn not_before(self, earliest: DateTime<Utc>) -> Self {
        Self { time: self.time.max(earliest), ..self }
    }

    /// Says why, in words fixed at compile time.
    #[must_use]
    pub fn with_reason(self, reason: &'static str) -> Self {
        Self { reason: Some(Cow::Borrowed(reason)), ..self }
    }

    /// Adds the HTTP status that was answered.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Adds the request's method and path; a query is cut off.
    #[must_use]
    pub fn with_request(self, method: &str, path: &str) -> Self {
        let path = path.split_once('?').map_or(path, |(path, _query)| path);
        Self { method: Some(capped(method)), path: Some(capped(path)), ..self }
    }

    /// Adds the pattern of the route that was matched.
    #[must_use]
    pub fn with_route(self, route: &str) -> Self {
        Self { route: Some(route.into()), ..self }
    }

    /// Adds the client's address.
    #[must_use]
    pub fn with_address(self, address: IpAddr) -> Self {
        Self { address: Some(address.to_canonical()), ..self }
    }

    /// Adds a verified caller: identity, client, credential and environment.
    #[must_use]
    pub fn with_principal(self, principal: &Principal) -> Self {
        Self {
            identity: Some(principal.identity().clone()),
            client: principal.client().map(Box::from),
            environment: Some(principal.environment()),
            ..self.with_credential(principal.kind(), principal.credential_id())
        }
    }

    /// Adds the name of a caller.
    #[must_use]
    pub fn with_identity(self, identity: Identity) -> Self {
        Self { identity: Some(identity), ..self }
    }

    /// Adds the third party that asks, or asked, on a subject's behalf.
    #[must_use]
    pub fn with_client(self, client: &str) -> Self {
        Self { client: Some(capped(client)), ..self }
    }

    /// Adds a credential's kind and public id, verified or only claimed as the action says.
    #[must_use]
    pub fn with_credential(self, kind: CredentialKind, id: &str) -> Self {
        Self { kind: Some(Cow::Borrowed(kind.as_str())), credential: Some(capped(id)), ..self }
    }

    /// Adds the environment the decision was made in.
    #[must_use]
    pub fn with_environment(self, environment: Environment) -> Self {
        Self { environment: Some(environment), ..self }
    }

    /// Adds what was acted on: the id of the credential issued, rotated or revoked.
    #[must_use]
    pub fn with_target(self, id: &str) -> Self {
        Self { target: Some(capped(id)), ..self }
    }

    /// Adds the id by which the host traces the request.
    #[must_use]
    pub fn with_request_id(self, id: &str) -> Self {
        Self { request: Some(capped(id)), ..self }
    }

    /// When it was decided.
    #[must_use]
    pub fn time(&self) -> DateTime<Utc> {
        self.time
    }

    /// What was done.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The HTTP status that was answered.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The request's method.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// The request's path, without its query.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// The pattern of the route that was matched.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.route.as_deref()
    }

    /// The client's address.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Who asked.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// The third party that asked on the subject's behalf.
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        self.client.as_deref()
    }

    /// The kind of the credential that was used or claimed.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// The public id of the credential that was used or claimed.
    #[must_use]
    pub fn credential(&self) -> Option<&str> {
        self.credential.as_deref()
    }

    /// The environment the decision was made in.
    #[must_use]
    pub fn environment(&self) -> Option<Environment> {
        self.environment
    }

    /// The id of the credential that was acted on.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// The id by which the host traces the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request.as_deref()
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// A request was let through to its handler.
    Allowed,
    /// A request was refused.
    Refused,
    /// A credential that holds came over plain HTTP, where others may have read it.
    CredentialExposed,
    /// Something that looks like a credential came over plain HTTP and was not verified: never a ground to act on.
    CredentialClaimed,
    /// A credential was issued.
    Issued,
    /// A credential was replaced by a new one.
    Rotated,
    /// A credential was revoked.
    Revoked,
}

fn write_millis<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

fn capped(text: &str) -> Box<str> {
    if text.len() <= LONGEST {
        return text.into();
    }
    let kept = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", &text[..kept]).into()
}

const LONGEST: usize = 1_024;
