//! Credentials: legacy keys, addresses, issuing, rotation, revocation.

use http::Method;
use serde_json::{Value, json};

use super::TourError;
use super::client::{Answer, Ask, Secret};
use super::guide::{Expected, Guide};

/// Walks through what credentials can do, and what can be done to them.
pub(super) async fn walk(guide: &mut Guide) -> Result<(), TourError> {
    legacy(guide).await?;
    addresses(guide).await?;
    delegate(guide).await?;
    rotation(guide).await?;
    revocation(guide).await
}

async fn legacy(guide: &mut Guide) -> Result<(), TourError> {
    let key = guide.secret("api_key");
    let on_v1 = Expected::success(
        200,
        &["deprecation", "sunset", "link"],
        "a legacy key still works on v1, and is told until when",
    );
    guide.ask("A legacy API key on v1", Ask::new(Method::GET, "/v1/workflows").with_key(&key), on_v1).await?;
    let on_v2 = Expected::refusal(
        401,
        "credential-not-accepted",
        &["www-authenticate"],
        "v2 takes access tokens only",
    );
    guide.ask("The same key on v2", Ask::new(Method::GET, "/v2/workflows").with_key(&key), on_v2).await?;
    Ok(())
}

async fn addresses(guide: &mut Guide) -> Result<(), TourError> {
    let wanted = json!({
        "subject": "operations",
        "scopes": ["write:workflows", "execute:workflows"],
        "plan": "pro",
        "expires_in": 600,
        "ip": ["203.0.113.0/24"],
    });
    let token = issue(guide, "A token for one network", "token of 203.0.113.0/24", wanted).await?.0;
    let created = Expected::success(201, &["location"], "what is not sensitive works from anywhere");
    let body = json!({ "name": "deploy", "note": "" });
    let workflow = guide.ask("Its workflow", Ask::post("/v2/workflows", &token, body), created).await?;
    let path = format!("{}/execute", workflow.header("location"));
    let execute = || Ask::new(Method::POST, &path).with_token(&token);
    let off = Expected::refusal(
        403,
        "address-not-allowed",
        &[],
        "executing is sensitive: from this address it is refused",
    );
    guide.ask("Execute from off the list", execute(), off).await?;
    let proxied = guide.server.proxied;
    let on = Expected::success(200, &[], "a trusted proxy says where the client is, and that it came by TLS");
    let ask = execute().forwarded_for("203.0.113.9");
    guide.ask_plain("Execute from the list, through the proxy's port", proxied, ask, on).await?;
    Ok(())
}

async fn delegate(guide: &mut Guide) -> Result<(), TourError> {
    let wanted = json!({
        "subject": "team-lead",
        "scopes": ["manage:credentials", "read:workflows"],
        "plan": "pro",
        "expires_in": 600,
    });
    let lead = issue(guide, "A token that may issue others", "team lead's token", wanted).await?.0;
    for (title, body, shows) in [
        (
            "It asks for a scope it has not",
            json!({ "scopes": ["read:audit"], "expires_in": 600 }),
            "no credential makes a stronger one",
        ),
        (
            "It asks for another subject",
            json!({ "subject": "owner", "scopes": ["read:workflows"], "expires_in": 600 }),
            "another's credentials take manage:accounts",
        ),
    ] {
        let refused = Expected::refusal(403, "insufficient-scope", &["www-authenticate"], shows);
        guide.ask(title, Ask::post("/v2/credentials/tokens", &lead, body), refused).await?;
    }
    Ok(())
}

async fn rotation(guide: &mut Guide) -> Result<(), TourError> {
    let owner = guide.secret("owner");
    let wanted =
        json!({ "subject": "robot", "scopes": ["read:workflows"], "plan": "pro", "expires_in": 600 });
    let (old, id) = issue(guide, "A token to be rotated", "old token", wanted).await?;
    let rotated =
        Expected::success(200, &[], "a new secret with the same rights, and a while in which both work");
    let path = format!("/v2/credentials/{id}/rotate");
    let ask = Ask::post(&path, &owner, json!({ "overlap": 3600 }));
    let answer = guide.ask("Rotation", ask, rotated).await?;
    guide.require(answer.json()["replaces"] == id, "the answer names what it replaces");
    let new = Secret::new("new token", answer.json()["secret"].as_str().unwrap_or_default());
    for token in [&old, &new] {
        let works = Expected::success(200, &[], "within the overlap both work, so that nobody is locked out");
        guide.ask("Old and new", Ask::get("/v2/workflows", token), works).await?;
    }
    Ok(())
}

async fn revocation(guide: &mut Guide) -> Result<(), TourError> {
    let owner = guide.secret("owner");
    let wanted =
        json!({ "subject": "leaver", "scopes": ["read:workflows"], "plan": "pro", "expires_in": 600 });
    let (token, id) = issue(guide, "A token to be revoked", "leaver's token", wanted).await?;
    let works = Expected::success(200, &[], "it works");
    guide.ask("Before", Ask::get("/v2/workflows", &token), works).await?;
    let path = format!("/v2/credentials/{id}");
    let gone = Expected::success(204, &[], "revoked");
    guide.ask("Revocation", Ask::new(Method::DELETE, &path).with_token(&owner), gone).await?;
    let refused =
        Expected::refusal(401, "invalid-token", &["www-authenticate"], "the very next request is refused");
    guide.ask("After", Ask::get("/v2/workflows", &token), refused).await?;
    Ok(())
}

/// Has the owner issue a token; answers it with its id.
pub(super) async fn issue(
    guide: &mut Guide,
    title: &str,
    name: &str,
    wanted: Value,
) -> Result<(Secret, String), TourError> {
    let owner = guide.secret("owner");
    let issued = Expected::success(201, &["location", "cache-control"], "the secret is shown once");
    let ask = Ask::post("/v2/credentials/tokens", &owner, wanted);
    let answer: Answer = guide.ask(title, ask, issued).await?;
    let text = |member: &str| answer.json()[member].as_str().unwrap_or_default().to_owned();
    Ok((Secret::new(name, &text("secret")), text("id")))
}
