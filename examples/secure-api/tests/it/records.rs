//! Usage and audit: what is counted, and who may read what was decided.

use serde_json::{Value, json};

use crate::client::Ask;
use crate::server::Server;

#[tokio::test]
async fn usage_is_a_callers_own_and_right_to_the_request() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let readonly = server.secret("readonly");
    for _ in 0..3 {
        server.send(Ask::get("/v2/workflows", &readonly)).await;
    }
    server.send(Ask::post("/v2/workflows", &readonly, json!({}))).await;
    server.send(Ask::get("/v2/nowhere", &readonly)).await;
    let answer = server.send(Ask::get("/v2/usage", &readonly)).await;
    let used = answer.json();
    assert_eq!((&used["subject"], &used["plan"]), (&json!("readonly"), &json!("pro")));
    assert_eq!(used["last_hour"], json!({ "200": 3, "403": 1, "404": 1 }));
    let minute = &used["windows"][0];
    assert_eq!((&minute["name"], &minute["limit"]), (&json!("minute"), &json!(300)));
    let remaining = minute["remaining"].as_u64().unwrap();
    assert!(
        answer.header("ratelimit").starts_with(&format!("\"minute\";r={remaining};")),
        "{:?}",
        answer.headers
    );
    let again = server.send(Ask::get("/v2/usage", &readonly)).await.json();
    assert_eq!(again["last_hour"]["200"], json!(4), "the request before is counted now");
}

#[tokio::test]
async fn the_audit_log_is_read_newest_first_and_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (owner, readonly) = (server.secret("owner"), server.secret("readonly"));
    server.send(Ask::get("/v2/workflows", &readonly)).await;
    server.send(Ask::get("/v2/workflows", &owner)).await;
    let (auditor, id) =
        server.issue(json!({ "subject": "auditor", "scopes": ["read:audit"], "plan": "pro" })).await;
    let all = server.send(Ask::get("/v2/audit", &owner)).await.json();
    let paths = |page: &Value| -> Vec<String> {
        let events = page["events"].as_array().unwrap();
        events.iter().map(|event| event["path"].as_str().unwrap_or("").to_owned()).collect()
    };
    assert_eq!(paths(&all), ["/v2/credentials/tokens", "", "/v2/workflows", "/v2/workflows"]);
    assert_eq!((&all["events"][1]["action"], &all["events"][1]["target"]), (&json!("issued"), &json!(id)));
    assert_eq!(all["next"], Value::Null);

    let first = server.send(Ask::get("/v2/audit?limit=2", &owner)).await.json();
    let cursor = first["next"].as_str().unwrap().to_owned();
    let second = format!("/v2/audit?limit=5&after={cursor}");
    let second = server.send(Ask::get(&second, &owner)).await.json();
    assert_eq!(paths(&first), ["/v2/audit", "/v2/credentials/tokens"]);
    assert_eq!(paths(&second), ["", "/v2/workflows", "/v2/workflows"]);

    assert_eq!(paths(&server.send(Ask::get("/v2/audit", &auditor)).await.json()), Vec::<String>::new());
    assert_eq!(paths(&server.send(Ask::get("/v2/audit", &auditor)).await.json()), ["/v2/audit"]);
    for query in ["limit=0", "limit=1001", "limit=x", "after=x", "before=1"] {
        let answer = server.send(Ask::get(&format!("/v2/audit?{query}"), &owner)).await;
        assert_eq!(answer.problem(), "invalid-parameters", "{query}");
    }
    assert_eq!(server.send(Ask::get("/v2/audit", &readonly)).await.problem(), "insufficient-scope");
}
