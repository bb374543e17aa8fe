//! No credential makes a stronger one, as a caller meets it.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Ask, Secret};
use crate::server::Server;

const TOKENS: &str = "/v2/credentials/tokens";

/// A manager of its own credentials, on Pro, from this machine's addresses only.
async fn lead(server: &Server) -> (Secret, String) {
    let scopes = ["manage:credentials", "read:workflows"];
    server.issue(json!({ "subject": "lead", "scopes": scopes, "plan": "pro", "ip": ["127.0.0.0/8"] })).await
}

#[tokio::test]
async fn each_single_step_beyond_the_callers_own_is_refused_for_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (lead, _) = lead(&server).await;
    let scope =
        |scope: &str| format!(r#"Bearer realm="aetherflow", error="insufficient_scope", scope="{scope}""#);
    let rows: [(&str, &str, Value, u16, &str, String); 13] = [
        ("as it is", "", Value::Null, 201, "", String::new()),
        ("its own subject", "subject", json!("lead"), 201, "", String::new()),
        ("a smaller plan", "plan", json!("free"), 201, "", String::new()),
        ("the OAuth spelling", "scopes", json!(["workflows:read"]), 201, "", String::new()),
        ("another subject", "subject", json!("bob"), 403, "insufficient-scope", scope("manage:accounts")),
        ("a larger plan", "plan", json!("enterprise"), 403, "insufficient-scope", scope("manage:accounts")),
        ("a further scope", "scopes", json!(["read:audit"]), 403, "insufficient-scope", scope("read:audit")),
        ("another environment", "environment", json!("staging"), 422, "invalid-parameters", String::new()),
        ("a wider list", "ip", json!(["0.0.0.0/0"]), 403, "address-not-allowed", String::new()),
        ("a list beside its own", "ip", json!(["203.0.113.0/24"]), 403, "address-not-allowed", String::new()),
        ("a narrower list", "ip", json!(["127.0.0.1"]), 201, "", String::new()),
        ("no list by name", "ip", Value::Null, 422, "invalid-parameters", String::new()),
        ("a client's name", "subject", json!("afcl_000000000000"), 422, "invalid-parameters", String::new()),
    ];
    for (name, member, value, status, problem, challenge) in rows {
        let mut body = json!({ "scopes": ["read:workflows"], "expires_in": 60 });
        if !member.is_empty() {
            body[member] = value;
        }
        let answer = server.send(Ask::post(TOKENS, &lead, body)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (status, problem),
            "{name}: {}",
            answer.text
        );
        assert_eq!(answer.header("www-authenticate"), challenge, "{name}");
        assert_eq!(answer.header("cache-control"), "no-store", "{name}");
    }
}

#[tokio::test]
async fn an_issued_credential_is_answered_once_and_listed_without_its_secret() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let owner = server.secret("owner");
    let body = json!({
        "subject": "robot", "scopes": ["workflows:read"], "plan": "pro", "environment": "production",
        "expires_in": 7_776_000, "ip": ["203.0.113.0/24"],
    });
    for (path, kind) in [(TOKENS, "token"), ("/v2/credentials/api-keys", "api_key")] {
        let issued = server.send(Ask::post(path, &owner, body.clone())).await;
        let json = issued.json();
        let id = json["id"].as_str().unwrap();
        assert_eq!((issued.status.as_u16(), &json["kind"]), (201, &json!(kind)));
        assert_eq!(issued.header("location"), format!("/v2/credentials/{id}"));
        let list = server.send(Ask::get("/v2/credentials", &owner)).await;
        assert!(!list.text.contains(json["secret"].as_str().unwrap()), "the list shows no secret");
        let list = list.json();
        let listed =
            list["credentials"].as_array().unwrap().iter().find(|listed| listed["id"] == id).unwrap();
        assert_eq!(listed["subject"], "robot");
        assert_eq!(listed["scopes"], json!(["read:workflows"]));
        assert_eq!(listed["ip"], json!(["203.0.113.0/24"]));
        assert_eq!(listed["expires_at"], json["expires_at"]);
        assert_eq!(listed["environment"], "production");
        assert_eq!(listed["last_used_at"], Value::Null);
    }
}

#[tokio::test]
async fn anothers_credential_is_not_there_for_one_who_manages_only_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (lead, own) = lead(&server).await;
    let (other, id) =
        server.issue(json!({ "subject": "bob", "scopes": ["read:workflows"], "plan": "pro" })).await;
    let list = server.send(Ask::get("/v2/credentials", &lead)).await.json();
    let ids: Vec<&Value> =
        list["credentials"].as_array().unwrap().iter().map(|listed| &listed["id"]).collect();
    assert_eq!(ids, [&json!(own)]);
    for id in [id.as_str(), "no-such-id", "%ff"] {
        let (one, rotate) = (format!("/v2/credentials/{id}"), format!("/v2/credentials/{id}/rotate"));
        let deleted = server.send(Ask::new(Method::DELETE, &one).with_token(&lead)).await;
        let rotated = server.send(Ask::new(Method::POST, &rotate).with_token(&lead)).await;
        assert_eq!((deleted.status.as_u16(), rotated.status.as_u16()), (404, 404), "{id}");
    }
    assert_eq!(server.statuses("/v2/workflows", &[&other]).await, [200]);
}

#[tokio::test]
async fn rotation_overlaps_keeps_the_lifetime_and_does_not_lengthen_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let owner = server.secret("owner");
    let (old, id) =
        server.issue(json!({ "subject": "robot", "scopes": ["read:workflows"], "plan": "pro" })).await;
    let path = format!("/v2/credentials/{id}/rotate");
    for (overlap, want) in [(-1, 422), (86_401, 422), (86_400, 200)] {
        let answer = server.send(Ask::post(&path, &owner, json!({ "overlap": overlap }))).await;
        assert_eq!(answer.status, want, "{overlap}");
    }
    let rotated = server.send(Ask::post(&path, &owner, json!({}))).await;
    assert_eq!(rotated.json()["replaces"], json!(id));
    assert_ne!(rotated.json()["id"], json!(id));
    let new = Secret::new("new", rotated.json()["secret"].as_str().unwrap());
    assert_eq!(server.statuses("/v2/workflows", &[&old, &new]).await, [200, 200]);
    let ended = server.send(Ask::post(&path, &owner, json!({ "overlap": 0 }))).await;
    assert_eq!(ended.status, 200);
    assert_eq!(server.statuses("/v2/workflows", &[&old, &new]).await, [401, 200]);
    assert_eq!(server.send(Ask::post(&path, &owner, json!({}))).await.status, 404, "an ended one is no more");
}

#[tokio::test]
async fn a_credential_with_a_scope_or_place_the_caller_lacks_is_not_rotated() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (lead, _) = lead(&server).await;
    for (name, wanted, want) in [
        ("its like", json!({ "scopes": ["read:workflows"], "ip": ["127.0.0.1"] }), (200, "")),
        (
            "a further scope",
            json!({ "scopes": ["read:audit"], "ip": ["127.0.0.1"] }),
            (403, "insufficient-scope"),
        ),
        ("from anywhere", json!({ "scopes": ["read:workflows"] }), (403, "address-not-allowed")),
    ] {
        let mut wanted = wanted;
        wanted["subject"] = json!("lead");
        wanted["plan"] = json!("pro");
        let (_, id) = server.issue(wanted).await;
        let path = format!("/v2/credentials/{id}/rotate");
        let answer = server.send(Ask::new(Method::POST, &path).with_token(&lead)).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), want, "{name}");
    }
}

#[tokio::test]
async fn a_deleted_key_is_refused_at_once_without_spending_the_failure_budget() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let owner = server.secret("owner");
    let body = json!({ "subject": "legacy", "scopes": ["read:workflows"], "plan": "pro", "expires_in": 600 });
    let issued = server.send(Ask::post("/v2/credentials/api-keys", &owner, body)).await.json();
    let key = Secret::new("key", issued["secret"].as_str().unwrap());
    let ask = || Ask::new(Method::GET, "/v1/workflows").with_key(&key);
    assert_eq!(server.send(ask()).await.status, 200);
    let path = format!("/v2/credentials/{}", issued["id"].as_str().unwrap());
    assert_eq!(server.send(Ask::new(Method::DELETE, &path).with_token(&owner)).await.status, 204);
    for number in 0..70 {
        assert_eq!(server.send(ask()).await.problem(), "invalid-token", "attempt {number}");
    }
    assert_eq!(server.send(Ask::new(Method::DELETE, &path).with_token(&owner)).await.status, 404);
}
