//! Bodies, queries and paths that are not of their form: an answer of the API, never a 500.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Ask, Secret};
use crate::server::Server;

const WORKFLOWS: &str = "/v2/workflows";
const TOKENS: &str = "/v2/credentials/tokens";

#[tokio::test]
async fn each_body_that_is_not_of_its_form_has_its_own_answer() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let owner = server.secret("owner");
    let deep = format!(r#"{{"name":{}{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    let json = "application/json";
    let large = format!(r#"{{"name":"n","note":"{}"}}"#, "x".repeat(1024 * 1024));
    let long = format!(r#"{{"name":"{}","note":""}}"#, "x".repeat(201));
    let rows: [(&str, &str, &str, &str, u16); 26] = [
        ("as it should be", WORKFLOWS, json, r#"{"name":"n","note":"x"}"#, 201),
        ("with a charset", WORKFLOWS, "application/json; charset=utf-8", r#"{"name":"n","note":"x"}"#, 201),
        ("a NUL in the note", WORKFLOWS, json, r#"{"name":"n","note":"\u0000"}"#, 201),
        ("another type", WORKFLOWS, "text/plain", r#"{"name":"n","note":"x"}"#, 415),
        ("no type", WORKFLOWS, "", r#"{"name":"n","note":"x"}"#, 415),
        ("a form", WORKFLOWS, "application/x-www-form-urlencoded", "name=n", 415),
        ("a body too large", WORKFLOWS, json, &large, 413),
        ("nothing", WORKFLOWS, json, "", 422),
        ("no JSON", WORKFLOWS, json, "{", 422),
        ("no object", WORKFLOWS, json, r#"["n","x"]"#, 422),
        ("trailing bytes", WORKFLOWS, json, r#"{"name":"n","note":"x"} x"#, 422),
        ("no name", WORKFLOWS, json, r#"{"note":"x"}"#, 422),
        ("an unknown member", WORKFLOWS, json, r#"{"name":"n","note":"x","owner":"o"}"#, 422),
        ("a repeated member", WORKFLOWS, json, r#"{"name":"n","note":"x","name":"m"}"#, 422),
        ("a repeated member, escaped", WORKFLOWS, json, r#"{"name":"n","note":"x","n\u0061me":"m"}"#, 422),
        ("a number for a text", WORKFLOWS, json, r#"{"name":1,"note":"x"}"#, 422),
        ("null for a text", WORKFLOWS, json, r#"{"name":"n","note":null}"#, 422),
        ("an empty name", WORKFLOWS, json, r#"{"name":"","note":"x"}"#, 422),
        ("a NUL in the name", WORKFLOWS, json, r#"{"name":"\u0000","note":"x"}"#, 422),
        ("half a surrogate pair", WORKFLOWS, json, r#"{"name":"\ud800","note":"x"}"#, 422),
        ("a name too long", WORKFLOWS, json, &long, 422),
        ("nested too deeply", WORKFLOWS, json, &deep, 422),
        ("an hour and a half", TOKENS, json, r#"{"scopes":[],"expires_in":5400.5}"#, 422),
        ("a number too large", TOKENS, json, r#"{"scopes":[],"expires_in":1e400}"#, 422),
        ("beyond ninety days", TOKENS, json, r#"{"scopes":[],"expires_in":7776001}"#, 422),
        ("no time at all", TOKENS, json, r#"{"scopes":[],"expires_in":0}"#, 422),
    ];
    for (name, path, kind, body, want) in rows {
        let ask = Ask::new(Method::POST, path).with_token(&owner).with_body(kind, body.to_owned());
        let answer = server.send(ask).await;
        assert_eq!(answer.status, want, "{name}: {}", answer.text);
        if want != 201 {
            assert_eq!(answer.header("content-type"), "application/problem+json", "{name}");
            assert_eq!(answer.json()["status"], json!(want), "{name}");
            assert_eq!(answer.header("cache-control"), "no-store", "{name}");
        }
    }
}

#[tokio::test]
async fn each_member_of_a_wanted_credential_has_its_form() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let owner = server.secret("owner");
    let many: Vec<String> = (0..65).map(|number| format!("scope{number}")).collect();
    let longest: Vec<String> = (10..74).map(|number| format!("{number}{}", "x".repeat(126))).collect();
    let rows: [(&str, &str, Value, u16); 18] = [
        ("as it should be", "plan", json!("pro"), 201),
        ("scopes as a text", "scopes", json!("read:workflows"), 422),
        ("two scopes in one", "scopes", json!(["read:workflows write:workflows"]), 422),
        ("an empty scope", "scopes", json!([""]), 422),
        ("a quote in a scope", "scopes", json!(["\""]), 422),
        ("too many scopes", "scopes", json!(many), 422),
        ("a scope too long", "scopes", json!(["x".repeat(129)]), 422),
        ("as many and as long scopes as can be, which nobody has", "scopes", json!(longest), 403),
        ("an unknown plan", "plan", json!("gold"), 422),
        ("a plan in capitals", "plan", json!("Pro"), 422),
        ("no environment's name", "environment", json!("Prod uction"), 422),
        ("an empty subject", "subject", json!(""), 422),
        ("a NUL in the subject", "subject", json!("a\u{0}b"), 422),
        ("no address", "ip", json!(["localhost"]), 422),
        ("bits below the prefix", "ip", json!(["10.0.0.1/8"]), 422),
        ("an address as a text", "ip", json!("10.0.0.0/8"), 422),
        ("a time as a text", "expires_in", json!("60"), 422),
        ("an unknown member", "client_id", json!("x"), 422),
    ];
    for (name, member, value, want) in rows {
        let mut body = json!({ "subject": "robot", "scopes": ["read:workflows"], "expires_in": 60 });
        body[member] = value;
        for path in [TOKENS, "/v2/credentials/api-keys"] {
            let answer = server.send(Ask::post(path, &owner, body.clone())).await;
            assert_eq!(answer.status, want, "{name} at {path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_workflow_is_its_owners_alone_whatever_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (pro, other) = (server.secret("pro"), server.secret("enterprise"));
    let body = || json!({ "name": "n", "note": "x" });
    let made = server.send(Ask::post(WORKFLOWS, &pro, body())).await;
    let path = made.header("location").to_owned();
    let execute = format!("{path}/execute");
    let put = |by: &Secret| {
        let (path, by) = (path.clone(), by.clone());
        let server = &server;
        async move {
            let body = json!({ "name": "m", "note": "y" });
            server.send(Ask::new(Method::PUT, &path).with_token(&by).with_json(&body)).await
        }
    };
    assert_eq!(server.send(Ask::get(&path, &other)).await.problem(), "not-found");
    assert_eq!(put(&other).await.problem(), "not-found");
    assert_eq!(server.send(Ask::new(Method::POST, &execute).with_token(&other)).await.problem(), "not-found");
    assert_eq!(server.send(Ask::new(Method::DELETE, &path).with_token(&other)).await.problem(), "not-found");
    assert_eq!(server.send(Ask::get(&path, &pro)).await.json(), made.json());
    let replaced = put(&pro).await;
    assert_eq!((replaced.status.as_u16(), &replaced.json()["note"]), (200, &json!("y")));
    assert_eq!(replaced.json()["created_at"], made.json()["created_at"]);
    assert_eq!(server.send(Ask::new(Method::POST, &execute).with_token(&pro)).await.status, 200);
    let unknown = Ask::post(&execute, &pro, json!({ "now": true }));
    assert_eq!(server.send(unknown).await.status, 422);
    assert_eq!(server.send(Ask::new(Method::DELETE, &path).with_token(&pro)).await.status, 204);
    assert_eq!(server.send(Ask::get(&path, &pro)).await.status, 404);
}
