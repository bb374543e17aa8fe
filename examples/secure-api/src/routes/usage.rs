//! A caller's own use: its plan's windows, and how it was answered in the last hour.

use std::collections::BTreeMap;

use aetherflow_ratelimit::Standing;
use aetherflow_tower::Access;
use aetherflow_tower::axum::Principal;
use aetherflow_tower::rejection::Problem;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use chrono::Utc;
use http::StatusCode;
use serde::Serialize;

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
    let used = Used {
        subject: principal.identity().subject(),
        plan: plan.name(),
        windows: decision.windows(plan).map(Window::from).collect(),
        last_hour: app.history.usage().last_hour(principal.identity(), Utc::now()),
    };
    answer::json(StatusCode::OK, &used)
}

#[derive(Serialize)]
struct Used<'a> {
    subject: &'a str,
    plan: &'a str,
    windows: Vec<Window<'a>>,
    last_hour: BTreeMap<u16, u64>,
}

/// One window of the plan; times in seconds, rounded up.
#[derive(Serialize)]
struct Window<'a> {
    name: &'a str,
    limit: u32,
    period: u64,
    remaining: u32,
    reset: u64,
}

impl<'a> From<Standing<'a>> for Window<'a> {
    fn from(standing: Standing<'a>) -> Self {
        let reset = standing.reset();
        Self {
            name: standing.name(),
            limit: standing.limit(),
            period: standing.period().as_secs(),
            remaining: standing.remaining(),
            reset: reset.as_secs() + u64::from(reset.subsec_nanos() > 0),
        }
    }
}
