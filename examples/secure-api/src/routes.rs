//! The routes of the API, each with what it demands. No other place names a scope for a route.

mod audit;
mod credentials;
mod jwks;
mod usage;
mod workflows;

use std::sync::Arc;

use aetherflow_tower::axum::SecureRouter;
use aetherflow_tower::{Policy, SecurityService, Sunset};
use chrono::{DateTime, NaiveDate, Utc};
use http::Method;

use crate::credentials::Credentials;
use crate::history::History;
use crate::store::Store;
use crate::turn::Turns;

/// What the handlers work with.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) history: Arc<History>,
    pub(crate) turns: Arc<Turns>,
    pub(crate) jwks: Arc<str>,
}

/// All routes behind the gate.
pub(crate) type SecuredRouter = SecurityService<axum::Router>;

/// All routes.
pub(crate) fn all() -> SecureRouter<App> {
    SecureRouter::new()
        .route("/healthz", Method::GET, healthz, Policy::public())
        .route("/.well-known/jwks.json", Method::GET, jwks::read, Policy::public())
        .route("/v1/workflows", Method::GET, workflows::list, read().with_api_keys(sunset()))
        .route("/v2/workflows", Method::GET, workflows::list, read())
        .route("/v2/workflows", Method::POST, workflows::create, write())
        .route("/v2/workflows/{id}", Method::GET, workflows::read, read())
        .route("/v2/workflows/{id}", Method::PUT, workflows::replace, write())
        .route("/v2/workflows/{id}", Method::DELETE, workflows::remove, write())
        .route(
            "/v2/workflows/{id}/execute",
            Method::POST,
            workflows::execute,
            Policy::scopes("execute:workflows").from_allowlist(),
        )
        .route("/v2/credentials", Method::GET, credentials::list, sensitive("manage:credentials"))
        .route(
            "/v2/credentials/tokens",
            Method::POST,
            credentials::issue_token,
            sensitive("manage:credentials"),
        )
        .route(
            "/v2/credentials/api-keys",
            Method::POST,
            credentials::issue_key,
            sensitive("manage:credentials"),
        )
        .route(
            "/v2/credentials/{id}/rotate",
            Method::POST,
            credentials::rotate,
            sensitive("manage:credentials"),
        )
        .route("/v2/credentials/{id}", Method::DELETE, credentials::remove, sensitive("manage:credentials"))
        .route("/v2/usage", Method::GET, usage::read, Policy::authenticated())
        .route("/v2/audit", Method::GET, audit::read, sensitive("read:audit"))
}

fn read() -> Policy {
    Policy::scopes("read:workflows")
}

fn write() -> Policy {
    Policy::scopes("write:workflows")
}

/// Only from the credential's own addresses, and never by a third party.
fn sensitive(scopes: &str) -> Policy {
    Policy::scopes(scopes).from_allowlist().refusing_third_parties()
}

fn sunset() -> Sunset {
    Sunset::new(midnight(2025, 1, 1), midnight(2035, 1, 1), "https://aetherflow.com/docs/api-keys")
}

fn midnight(year: i32, month: u32, day: u32) -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default().and_time(chrono::NaiveTime::MIN).and_utc()
}

async fn healthz() -> axum::response::Response {
    crate::answer::json(http::StatusCode::OK, &serde_json::json!({ "status": "ok" }))
}
