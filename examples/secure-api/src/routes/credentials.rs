//! Credentials: listed, issued, replaced, ended. What a caller may is decided in [`crate::authority`].

use aetherflow_auth::rotation::RotationPolicy;
use aetherflow_auth::{Allowlist, Environment, Scope};
use aetherflow_tower::axum::Principal;
use aetherflow_tower::rejection::Problem;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use super::App;
use crate::answer::{self, Id, rfc3339};
use crate::authority::{Authority, Wish};
use crate::body::{Json, JsonOrNone};
use crate::credential::{Credential, Kind, PlanName};
use crate::credentials::{Caller, Issued, Refusal};
use crate::name;

/// GET /v2/credentials
pub(super) async fn list(principal: Principal, State(app): State<App>) -> Result<Response, Problem> {
    let turn = app.turns.take_for_list(principal.identity()).await?;
    let now = Utc::now();
    let (authority, listing) = (Authority::of(&principal), app.credentials.clone());
    let (turn, credentials) = turn.through(async move { listing.list(&authority, now).await }).await?;
    let mut credentials = credentials?;
    app.history.fill_last_uses(&mut credentials);
    let (environment, policy) = (principal.environment(), RotationPolicy::default());
    let listed = |credential| Listed::new(credential, &environment, &policy, now);
    let shown: Vec<_> = credentials.iter().map(listed).collect();
    Ok(turn.hold(answer::json(StatusCode::OK, &json!({ "credentials": shown }))))
}

/// POST /v2/credentials/tokens
pub(super) async fn issue_token(
    principal: Principal,
    State(app): State<App>,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Refusal> {
    issue(principal, &app, Kind::Token, wanted).await
}

/// POST /v2/credentials/api-keys
pub(super) async fn issue_key(
    principal: Principal,
    State(app): State<App>,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Refusal> {
    issue(principal, &app, Kind::ApiKey, wanted).await
}

/// POST /v2/credentials/{id}/rotate
pub(super) async fn rotate(
    principal: Principal,
    State(app): State<App>,
    Id(id): Id,
    JsonOrNone(wanted): JsonOrNone<Rotation>,
) -> Result<Response, Refusal> {
    if !(0..=LONGEST_OVERLAP).contains(&wanted.overlap) {
        return Err(Refusal::Form);
    }
    let overlap = TimeDelta::seconds(wanted.overlap);
    let caller = Caller::new(principal.into_inner(), &app.history);
    let issued = app.credentials.rotate(&caller, &id, overlap, Utc::now()).await?;
    Ok(answer::json(StatusCode::OK, &Fresh::new(&issued, Some(&id))))
}

/// DELETE /v2/credentials/{id}
pub(super) async fn remove(
    principal: Principal,
    State(app): State<App>,
    id: Id,
) -> Result<Response, Refusal> {
    let caller = Caller::new(principal.into_inner(), &app.history);
    app.credentials.revoke(&caller, &id.0, Utc::now()).await?;
    Ok(answer::gone())
}

async fn issue(principal: Principal, app: &App, kind: Kind, wanted: Wanted) -> Result<Response, Refusal> {
    let lifetime = TimeDelta::try_seconds(wanted.expires_in).ok_or(Refusal::Form)?;
    if lifetime <= TimeDelta::zero() || lifetime > LONGEST_LIFE {
        return Err(Refusal::Form);
    }
    let wish = wanted.into_wish()?;
    let caller = Caller::new(principal.into_inner(), &app.history);
    let issued = app.credentials.issue(&caller, kind, wish, lifetime, Utc::now()).await?;
    Ok(answer::created(&format!("/v2/credentials/{}", issued.credential.id), &Fresh::new(&issued, None)))
}

/// The body of a request for a credential. What bounds it must be said; the rest is as the caller's own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(default, deserialize_with = "present")]
    subject: Option<String>,
    scopes: Vec<String>,
    #[serde(default, deserialize_with = "present")]
    plan: Option<String>,
    #[serde(default, deserialize_with = "present")]
    environment: Option<String>,
    expires_in: i64,
    #[serde(default, deserialize_with = "present")]
    ip: Option<Vec<String>>,
}

impl Wanted {
    fn into_wish(self) -> Result<Wish, Refusal> {
        // The beginning of OAuth client ids, which no subject may be taken for.
        let is_subject = |subject: &String| name::is_plain(subject) && !subject.starts_with("afcl_");
        // Those the caller lacks are named in a header of the refusal.
        let is_scope = |scope: &String| scope.len() <= LONGEST_SCOPE;
        let is_short = self.scopes.len() <= MOST_SCOPES
            && self.scopes.iter().all(is_scope)
            && self.ip.iter().all(|ip| ip.len() <= MOST_RANGES);
        if !self.subject.iter().all(is_subject) || !is_short {
            return Err(Refusal::Form);
        }
        Ok(Wish {
            subject: self.subject,
            scopes: self
                .scopes
                .iter()
                .map(|text| Scope::parse(text))
                .collect::<Result<_, _>>()
                .map_err(unreadable)?,
            plan: self.plan.map(|name| PlanName::parse(&name).ok_or(Refusal::Form)).transpose()?,
            environment: self.environment.map(|name| name.parse().map_err(unreadable)).transpose()?,
            allowlist: self.ip.map(|ip| Allowlist::parse(ip).map_err(unreadable)).transpose()?,
        })
    }
}

fn unreadable<E>(_: E) -> Refusal {
    Refusal::Form
}

/// How long the old credential stays good.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotation {
    #[serde(default = "longest_overlap")]
    overlap: i64,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { overlap: LONGEST_OVERLAP }
    }
}

fn longest_overlap() -> i64 {
    LONGEST_OVERLAP
}

/// A member that may be left out, but is not `null`: that could be meant as "no restriction".
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A new credential, with the secret that is shown this once.
#[derive(Serialize)]
struct Fresh<'a> {
    id: &'a str,
    kind: &'static str,
    secret: &'a str,
    expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<&'a str>,
}

impl<'a> Fresh<'a> {
    fn new(issued: &'a Issued, replaces: Option<&'a str>) -> Self {
        let credential = &issued.credential;
        Self {
            id: &credential.id,
            kind: credential.kind.as_str(),
            secret: &issued.secret,
            expires_at: rfc3339(credential.expires_at),
            replaces,
        }
    }
}

/// Where sensitive operations may be called from: everywhere, unless a list says otherwise.
///
/// An empty list is none of these: it admits nobody, and stays empty.
fn ranges(list: Option<&Allowlist>) -> Vec<String> {
    match list {
        Some(list) => list.iter().map(|range| range.to_string()).collect(),
        None => ["0.0.0.0/0", "::/0"].map(str::to_owned).to_vec(),
    }
}

/// A credential in a list.
#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    kind: &'static str,
    subject: &'a str,
    scopes: Vec<&'a str>,
    plan: &'static str,
    environment: &'a Environment,
    ip: Vec<String>,
    created_at: String,
    expires_at: String,
    last_used_at: Option<String>,
    rotation: Rotated<'a>,
}

#[derive(Serialize)]
struct Rotated<'a> {
    state: &'static str,
    replaced_by: Option<&'a str>,
}

impl<'a> Listed<'a> {
    fn new(
        credential: &'a Credential,
        environment: &'a Environment,
        policy: &RotationPolicy,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id: &credential.id,
            kind: credential.kind.as_str(),
            subject: credential.owner.subject(),
            scopes: credential.scopes.iter().collect(),
            plan: credential.plan.as_str(),
            environment,
            ip: ranges(credential.allowlist.as_ref()),
            created_at: rfc3339(credential.created_at),
            expires_at: rfc3339(credential.ends_at),
            last_used_at: credential.last_used_at.map(rfc3339),
            rotation: Rotated {
                state: credential.rotation(policy, now),
                replaced_by: credential.replaced_by.as_deref(),
            },
        }
    }
}

const LONGEST_LIFE: TimeDelta = TimeDelta::days(90);
const LONGEST_OVERLAP: i64 = 86_400;
const MOST_SCOPES: usize = 64;
const LONGEST_SCOPE: usize = 128;
const MOST_RANGES: usize = 100;
