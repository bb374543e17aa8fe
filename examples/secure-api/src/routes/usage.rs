//! A caller's own use: its plan's windows, and how it was answered in the last hour.

use aetherflow_ratelimit::Standing;
use aetherflow_tower::Access;
use aetherflow_tower::axum::Principal;
use aetherflow_tower::rejection::Problem;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use chrono::Utc;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::App;
use crate::answer;

/// GET /v2/usage
///
/// The windows count this request, as its `RateLimit` field does; the counts by status hold those answered before it.
pub(super) async fn read(
    principal: Principal,
    Extension(access): Extension<Access>,
    State(app): State<App>,
) -> Response {
    let (Some(plan), Some(decision)) = (access.plan(), access.decision()) else {
        return Problem::MISCONFIGURED.into_response();
    };
    let counts = app.history.usage().last_hour(principal.identity(), Utc::now());
    let counts: Map<String, Value> =
        counts.into_iter().map(|(status, count)| (status.to_string(), Value::from(count))).collect();
    let used = json!({
        "subject": principal.identity().subject(),
        "plan": plan.name(),
        "windows": decision.windows().map(|standing| show(&standing)).collect::<Vec<_>>(),
        "last_hour": counts,
    });
    answer::json(StatusCode::OK, &used)
}

fn show(standing: &Standing<'_>) -> Value {
    json!({
        "name": standing.name(),
        "limit": standing.limit(),
        "period": standing.period().as_secs(),
        "remaining": standing.remaining(),
        "reset": standing.reset().as_millis().div_ceil(1_000).to_string().parse::<u64>().unwrap_or(u64::MAX),
    })
}
