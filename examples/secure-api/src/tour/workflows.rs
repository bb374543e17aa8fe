//! Workflows: sealed notes, owners, and bodies that are not of their form.

use http::Method;
use serde_json::json;

use super::TourError;
use super::client::{Answer, Ask};
use super::guide::{Expected, Guide};

/// Walks through the life of a workflow.
pub(super) async fn walk(guide: &mut Guide) -> Result<(), TourError> {
    let pro = guide.secret("pro");
    let created = Expected::success(201, &["location"], "the note is sealed for its row before it is stored");
    let body = json!({ "name": "daily report", "note": NOTE });
    let workflow = guide.ask("A new workflow", Ask::post("/v2/workflows", &pro, body), created).await?;
    let path = workflow.header("location").to_owned();
    let read = Expected::success(200, &[], "its owner reads the note in clear");
    let answer = guide.ask("The note read back", Ask::get(&path, &pro), read).await?;
    guide.require(answer.json()["note"] == NOTE, "the note is the one that was stored");
    sealed(guide)?;
    others(guide, &path).await?;
    forms(guide).await?;
    let gone = Expected::success(204, &[], "its owner removes it");
    guide.ask("Deleted", Ask::new(Method::DELETE, &path).with_token(&pro), gone).await?;
    Ok(())
}

fn sealed(guide: &mut Guide) -> Result<(), TourError> {
    let database = guide.server.database()?;
    let holds = |text: &str| database.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    // The name is stored in clear: that it is found shows that the search finds what is there.
    let is_sealed = !holds(NOTE) && holds("daily report");
    let seen = format!("searched {} bytes of the database and its log for the note", database.len());
    guide.look(
        "The database file",
        &seen,
        is_sealed,
        "the name is there, the note is not: it is stored sealed",
    );
    Ok(())
}

async fn others(guide: &mut Guide, path: &str) -> Result<(), TourError> {
    let enterprise = guide.secret("enterprise");
    let absent = Expected::refusal(404, "not-found", &[], "to anyone but its owner it is not there");
    guide.ask("Another's workflow", Ask::get(path, &enterprise), absent).await?;
    Ok(())
}

async fn forms(guide: &mut Guide) -> Result<Answer, TourError> {
    let pro = guide.secret("pro");
    let unknown = Expected::refusal(422, "invalid-parameters", &[], "a member nobody asked for is refused");
    let body = json!({ "name": "report", "note": "", "owner": "somebody else" });
    guide.ask("An unknown member", Ask::post("/v2/workflows", &pro, body), unknown).await?;
    let large = Expected::refusal(413, "content-too-large", &[], "a body has at most 1 MiB");
    let body = json!({ "name": "report", "note": "x".repeat(1024 * 1024) });
    Ok(guide.ask("A body too large", Ask::post("/v2/workflows", &pro, body), large).await?)
}

const NOTE: &str = "the launch code is 0000, for my eyes only";
