//! Workflows, each its owner's alone: to anyone else it is not there.

use aetherflow_tower::axum::Principal;
use aetherflow_tower::rejection::Problem;
use axum::extract::State;
use axum::response::Response;
use chrono::Utc;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::App;
use crate::answer::{self, Id, QUOTA_REACHED, rfc3339};
use crate::body::{Json, JsonOrNone};
use crate::name;
use crate::store::StoreError;
use crate::store::workflows::{Room, Workflow};

/// GET /v1/workflows and /v2/workflows
pub(super) async fn list(principal: Principal, State(app): State<App>) -> Result<Response, Problem> {
    let turn = app.turns.take_for_list(principal.identity()).await?;
    let owner = principal.identity().clone();
    let (turn, workflows) = turn.through(async move { app.store.workflows(&owner).await }).await?;
    let workflows = workflows?;
    let shown: Vec<Shown<'_>> = workflows.iter().map(Shown::from).collect();
    Ok(turn.hold(answer::json(StatusCode::OK, &json!({ "workflows": shown }))))
}

/// POST /v2/workflows
pub(super) async fn create(
    principal: Principal,
    State(app): State<App>,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Problem> {
    if !name::is_plain(&wanted.name) {
        return Ok(Problem::INVALID_PARAMETERS.into_response());
    }
    let turn = app.turns.take(principal.identity()).await?;
    let workflow =
        Workflow { id: name::random("wf_"), name: wanted.name, note: wanted.note, created_at: Utc::now() };
    Ok(match app.store.add_workflow(principal.identity(), &workflow).await? {
        Room::Kept => {
            turn.hold(answer::created(&format!("/v2/workflows/{}", workflow.id), &Shown::from(&workflow)))
        }
        Room::Full => QUOTA_REACHED.into_response(),
    })
}

/// GET /v2/workflows/{id}
pub(super) async fn read(principal: Principal, State(app): State<App>, id: Id) -> Result<Response, Problem> {
    let turn = app.turns.take(principal.identity()).await?;
    let owner = principal.identity().clone();
    let (turn, found) = turn.through(async move { app.store.workflow(&owner, &id.0).await }).await?;
    let found = found?;
    let show = |workflow: Workflow| turn.hold(answer::json(StatusCode::OK, &Shown::from(&workflow)));
    Ok(found.map_or_else(not_found, show))
}

/// PUT /v2/workflows/{id}
pub(super) async fn replace(
    principal: Principal,
    State(app): State<App>,
    id: Id,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Problem> {
    if !name::is_plain(&wanted.name) {
        return Ok(Problem::INVALID_PARAMETERS.into_response());
    }
    let turn = app.turns.take(principal.identity()).await?;
    let replaced = app.store.replace_workflow(principal.identity(), &id.0, wanted.name, wanted.note).await?;
    Ok(match replaced {
        Some((Room::Kept, workflow)) => turn.hold(answer::json(StatusCode::OK, &Shown::from(&workflow))),
        Some((Room::Full, _)) => QUOTA_REACHED.into_response(),
        None => not_found(),
    })
}

/// DELETE /v2/workflows/{id}
pub(super) async fn remove(
    principal: Principal,
    State(app): State<App>,
    id: Id,
) -> Result<Response, StoreError> {
    let removed = app.store.remove_workflow(principal.identity(), &id.0).await?;
    Ok(if removed { answer::gone() } else { not_found() })
}

/// POST /v2/workflows/{id}/execute
pub(super) async fn execute(
    principal: Principal,
    State(app): State<App>,
    id: Id,
    JsonOrNone(Nothing {}): JsonOrNone<Nothing>,
) -> Result<Response, StoreError> {
    let Some(workflow) = app.store.workflow(principal.identity(), &id.0).await? else {
        return Ok(not_found());
    };
    let run = json!({
        "id": name::random("run_"),
        "workflow": workflow.id,
        "status": "completed",
        "executed_at": rfc3339(Utc::now()),
    });
    Ok(answer::json(StatusCode::OK, &run))
}

/// The body of a new workflow, and of what replaces one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    name: String,
    #[serde(default)]
    note: String,
}

/// The body of a request that has nothing to say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    name: &'a str,
    note: &'a str,
    created_at: String,
}

impl<'a> From<&'a Workflow> for Shown<'a> {
    fn from(workflow: &'a Workflow) -> Self {
        let Workflow { id, name, note, created_at } = workflow;
        Self { id, name, note, created_at: rfc3339(*created_at) }
    }
}

fn not_found() -> Response {
    Problem::NOT_FOUND.into_response()
}
