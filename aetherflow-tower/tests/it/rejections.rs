//! Every row of the table of rejections: status, all headers and the body, byte for byte.

use std::sync::Arc;

use aetherflow_auth::api_key::{ApiKey, ApiKeyStore, KeyId, Lookup, Peppers, StoreError};
use aetherflow_auth::jwt::Grant;
use aetherflow_auth::{Allowlist, Environment};
use aetherflow_tower::Connection;
use chrono::TimeDelta;
use http::{Request, Version};

use crate::service::{
    AUDIENCE, ISSUER, PEER, Service, environment, forge, get, grant, mint, minted, misspelt, over, request,
    text, token, with_token,
};

const INVALID_TOKEN: &str = r#"{"type":"https://aetherflow.com/problems/invalid-token","title":"Invalid token","status":401,"detail":"The credential is not valid."}"#;
const INVALID_AUTHORIZATION: &str = r#"{"type":"https://aetherflow.com/problems/invalid-request","title":"Invalid request","status":400,"detail":"The credential must be presented once, as a bearer token or in X-API-Key."}"#;
const QUOTA: &str = r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Quota exceeded","status":429,"detail":"The quota is used up for now.","violated-policies":["WINDOW"]}"#;
const LIMITS: [&str; 2] = [
    r#"ratelimit-policy: "minute";q=60;w=60, "hour";q=1000;w=3600"#,
    r#"ratelimit: "minute";r=59;t=59, "hour";r=999;t=3597"#,
];

#[test]
fn plain_http_is_refused_without_location_and_hsts() {
    for path in ["/healthz", "/v2/workflows", "/unlisted", "/a//b"] {
        let request =
            over(with_token("GET", path, &token("read:workflows")), Connection::plain((PEER, 50_000)));
        let body = r#"{"type":"https://aetherflow.com/problems/https-required","title":"HTTPS required","status":403,"detail":"This service answers over HTTPS only."}"#;
        assert_eq!(text(Service::new().send(request)), plain_refusal(403, &[], body), "{path}");
    }
}

#[test]
fn no_credential_is_challenged_without_an_error() {
    let body = r#"{"type":"https://aetherflow.com/problems/credential-required","title":"Credential required","status":401,"detail":"This request needs a credential."}"#;
    let want = refusal(401, &[r#"www-authenticate: Bearer realm="aetherflow""#], body);
    for path in ["/v2/workflows", "/v2/usage", "/unlisted", "/v2/files/a"] {
        assert_eq!(text(Service::new().send(get(path, &[]))), want, "{path}");
    }
    assert_eq!(text(Service::new().send(request("DELETE", "/v2/workflows", &[]))), want, "another method");
    assert_eq!(text(Service::new().send(get("/v2/usage", &[("x-api-key", "")]))), want, "an empty key alone");
}

#[test]
fn a_credential_presented_otherwise_than_once_and_well_is_an_invalid_request() {
    let want = refusal(
        400,
        &[r#"www-authenticate: Bearer realm="aetherflow", error="invalid_request""#],
        INVALID_AUTHORIZATION,
    );
    let bearer = format!("Bearer {}", token("read:workflows"));
    let authorization = ("authorization", bearer.as_str());
    for (name, path, fields) in [
        ("no bearer", "/v2/workflows", vec![("authorization", "Basic dTpw")]),
        ("no token", "/v2/workflows", vec![("authorization", "Bearer")]),
        ("no b64token", "/v2/workflows", vec![("authorization", "Bearer a b")]),
        ("two fields", "/v2/workflows", vec![authorization, authorization]),
        ("token and key", "/v2/workflows", vec![authorization, ("x-api-key", "a")]),
        ("token and empty key", "/v2/workflows", vec![authorization, ("x-api-key", "")]),
        ("two keys", "/v2/workflows", vec![("x-api-key", "a"), ("x-api-key", "b")]),
        ("token in the query", "/v2/workflows?access_token=a", vec![authorization]),
        ("only in the query", "/v2/workflows?a=b&access_token=c", vec![]),
        ("optional route", "/feed", vec![("authorization", "Basic dTpw")]),
        ("unlisted route", "/unlisted", vec![("authorization", "Basic dTpw")]),
    ] {
        assert_eq!(text(Service::new().send(get(path, &fields))), want, "{name}");
    }
}

#[test]
fn every_bad_credential_gets_the_same_answer() {
    let service = Service::new();
    let good = grant("read:workflows");
    let key = service.key("read:workflows");
    let removed = service.key("read:workflows");
    service.store.remove(removed.id());
    let elsewhere = ApiKey::generate(Environment::staging()).unwrap();
    let another = Grant::new(environment(), "alice", "https://other.example", TimeDelta::hours(1));
    let lifetime = Grant::new(environment(), "alice", AUDIENCE, TimeDelta::seconds(1));
    let want = refusal(
        401,
        &[r#"www-authenticate: Bearer realm="aetherflow", error="invalid_token""#],
        INVALID_TOKEN,
    );
    let flipped = misspelt(&key);
    let (token, short) = (mint(&good), mint(&lifetime));
    service.clock.advance(TimeDelta::seconds(1));
    for (name, field, value) in [
        ("no JWT", "authorization", "Bearer abc".to_owned()),
        ("bad signature", "authorization", format!("Bearer {}", forge(&good))),
        ("expired", "authorization", format!("Bearer {short}")),
        ("audience", "authorization", format!("Bearer {}", mint(&another))),
        ("key as bearer", "authorization", format!("Bearer {}", key.expose())),
        ("token as key", "x-api-key", token),
        ("no key at all", "x-api-key", "abc".to_owned()),
        ("bad checksum", "x-api-key", flipped),
        ("removed", "x-api-key", removed.expose().to_owned()),
        ("environment", "x-api-key", elsewhere.expose().to_owned()),
        ("unknown", "x-api-key", ApiKey::generate(environment()).unwrap().expose().to_owned()),
    ] {
        for path in ["/v1/workflows", "/v2/workflows", "/feed", "/unlisted"] {
            let answer = service.send(get(path, &[(field, &value)]));
            assert_eq!(text(answer), want, "{name} on {path}");
            service.clock.advance(TimeDelta::seconds(1));
        }
    }
}

#[test]
fn a_revoked_token_is_refused_on_the_very_next_request() {
    let service = Service::new();
    let minted = minted(&grant("read:workflows"));
    assert_eq!(service.send(with_token("GET", "/v2/workflows", minted.token())).status(), 200);
    service.revocations.revoke_token(ISSUER, minted.id(), minted.expires_at());
    let answer = service.send(with_token("GET", "/v2/workflows", minted.token()));
    let challenge = r#"www-authenticate: Bearer realm="aetherflow", error="invalid_token""#;
    assert_eq!(text(answer), refusal(401, &[challenge], INVALID_TOKEN));
}

#[test]
fn an_api_key_outside_v1_or_after_its_sunset_is_not_accepted() {
    let body = r#"{"type":"https://aetherflow.com/problems/credential-not-accepted","title":"Credential not accepted","status":401,"detail":"This kind of credential is not accepted here."}"#;
    let challenge = r#"www-authenticate: Bearer realm="aetherflow", error="invalid_token""#;
    let want = refusal(401, &[challenge, LIMITS[0], LIMITS[1]], body);
    for (path, passed) in [("/v2/workflows", TimeDelta::zero()), ("/v1/workflows", TimeDelta::days(30))] {
        let service = Service::new();
        let key = service.key("read:workflows");
        service.clock.advance(passed);
        assert_eq!(text(service.send(get(path, &[("x-api-key", key.expose())]))), want, "{path}");
    }
}

#[test]
fn a_missing_scope_is_named_in_the_challenge() {
    let body = r#"{"type":"https://aetherflow.com/problems/insufficient-scope","title":"Insufficient scope","status":403,"detail":"The credential lacks a scope this request needs."}"#;
    let challenge =
        r#"www-authenticate: Bearer realm="aetherflow", error="insufficient_scope", scope="write:workflows""#;
    let answer = Service::new().send(with_token("POST", "/v2/workflows", &token("workflows:read")));
    assert_eq!(text(answer), refusal(403, &[challenge, LIMITS[0], LIMITS[1]], body));
}

#[test]
fn an_address_off_a_list_is_refused_and_the_list_not_shown() {
    let body = r#"{"type":"https://aetherflow.com/problems/address-not-allowed","title":"Address not allowed","status":403,"detail":"This request is not allowed from this address."}"#;
    let want = refusal(403, &LIMITS, body);
    let execute = "/v2/workflows/1/execute";
    for (name, list) in [("elsewhere", vec!["198.51.100.0/24"]), ("empty", vec![])] {
        let bound = grant("execute:workflows").with_allowlist(Allowlist::parse(list).unwrap());
        assert_eq!(text(Service::new().send(with_token("POST", execute, &mint(&bound)))), want, "{name}");
    }
    assert_eq!(
        text(Service::new().send(with_token("GET", "/v2/office", &token("")))),
        want,
        "the route's list"
    );
    let blocked = Service::with(|gate| gate.with_blocked_addresses(["203.0.113.0/24"]));
    assert_eq!(text(blocked.send(get("/healthz", &[]))), refusal(403, &[], body), "the gate's list");
    let outside = Service::with(|gate| gate.with_allowed_addresses(["198.51.100.0/24"]));
    assert_eq!(text(outside.send(get("/healthz", &[]))), refusal(403, &[], body), "outside the gate's list");
}

#[test]
fn a_plan_without_the_feature_is_refused() {
    let body = r#"{"type":"https://aetherflow.com/problems/plan-required","title":"Plan required","status":403,"detail":"The plan does not include this feature."}"#;
    let answer = Service::new().send(with_token("GET", "/v2/files/a", &token("read:workflows")));
    assert_eq!(text(answer), refusal(403, &LIMITS, body));
}

#[test]
fn a_third_party_is_refused_where_the_route_says_so() {
    let body = r#"{"type":"https://aetherflow.com/problems/third-party-not-allowed","title":"Third party not allowed","status":403,"detail":"This operation refuses credentials held by a third party."}"#;
    let third = grant("manage:credentials").with_client("afcl_0123456789ab");
    let answer = Service::new().send(with_token("GET", "/v2/keys", &mint(&third)));
    assert_eq!(text(answer), refusal(403, &LIMITS, body));
}

#[test]
fn a_used_up_plan_lists_the_violated_windows_only() {
    let service = Service::new();
    let token = token("read:workflows");
    for _ in 0..60 {
        assert_eq!(service.send(with_token("GET", "/v2/workflows", &token)).status(), 200);
    }
    let answer = service.send(with_token("GET", "/v2/workflows", &token));
    let fields =
        ["retry-after: 1", r#"ratelimit-policy: "minute";q=60;w=60"#, r#"ratelimit: "minute";r=0;t=1"#];
    assert_eq!(text(answer), refusal(429, &fields, &QUOTA.replace("WINDOW", "minute")));
}

#[test]
fn a_spent_failure_budget_is_a_quota_of_its_own() {
    let service = Service::new();
    for _ in 0..60 {
        assert_eq!(service.send(with_token("GET", "/v2/workflows", "abc")).status(), 401);
    }
    let answer = service.send(with_token("GET", "/v2/workflows", "abc"));
    let fields =
        ["retry-after: 1", r#"ratelimit-policy: "failures";q=60;w=60"#, r#"ratelimit: "failures";r=0;t=1"#];
    assert_eq!(text(answer), refusal(429, &fields, &QUOTA.replace("WINDOW", "failures")));
}

#[derive(Debug)]
struct OutOfReach;

impl ApiKeyStore for OutOfReach {
    fn find(&self, _: &KeyId) -> Lookup {
        Lookup::Ready(Err(StoreError::Unavailable))
    }
}

#[test]
fn a_key_store_out_of_reach_is_a_temporary_failure() {
    let peppers = Peppers::new(environment(), "pepper", &[9; 32]).unwrap();
    let service = Service::with(|gate| gate.with_api_keys(Arc::new(OutOfReach), Arc::new(peppers)));
    let key = ApiKey::generate(environment()).unwrap();
    let body = r#"{"type":"https://aetherflow.com/problems/temporarily-unavailable","title":"Temporarily unavailable","status":503,"detail":"The service cannot decide this request now."}"#;
    let answer = service.send(get("/v1/workflows", &[("x-api-key", key.expose())]));
    assert_eq!(text(answer), refusal(503, &["retry-after: 5"], body));
}

#[test]
fn an_unlisted_route_is_not_found_once_the_caller_is_known() {
    let body = r#"{"type":"https://aetherflow.com/problems/not-found","title":"Not found","status":404,"detail":"There is no such resource."}"#;
    for path in ["/unlisted", "/v2/workflows/", "/V2/workflows", "/v2/workflows/1"] {
        let answer = Service::new().send(with_token("GET", path, &token("")));
        assert_eq!(text(answer), refusal(404, &LIMITS, body), "{path}");
    }
}

#[test]
fn a_method_that_is_not_listed_is_told_which_are() {
    let body = r#"{"type":"https://aetherflow.com/problems/method-not-allowed","title":"Method not allowed","status":405,"detail":"The resource does not take this method."}"#;
    for method in ["DELETE", "OPTIONS", "PUT", "get"] {
        let answer = Service::new().send(with_token(method, "/v2/workflows", &token("")));
        let want = refusal(405, &["allow: GET, HEAD, POST", LIMITS[0], LIMITS[1]], body);
        assert_eq!(text(answer), want, "{method}");
    }
    let authority = Service::new().send(request("CONNECT", "api.example:443", &[]));
    assert_eq!(authority.status(), 401, "a target without a path is an unlisted route");
    let public = Service::new().send(request("POST", "/healthz", &[]));
    assert_eq!(text(public), refusal(405, &["allow: GET, HEAD"], body), "no credential where all is public");
    let other = Service::new().send(with_token("HEAD", "/v2/workflows/1/execute", &token("")));
    let head = text(other);
    assert!(head.starts_with("405\nallow: POST\n") && head.ends_with("\n\n"), "{head}");
}

#[test]
fn an_ambiguous_path_is_an_invalid_request_before_authentication() {
    let body = r#"{"type":"https://aetherflow.com/problems/invalid-request","title":"Invalid request","status":400,"detail":"The request is malformed."}"#;
    for path in [
        "/v2//workflows",
        "/v2/../healthz",
        "/v2/%2e%2e/healthz",
        "/v2/a%2fb",
        "/healthz;x",
        "/a%252fb",
        "/%",
    ] {
        assert_eq!(text(Service::new().send(get(path, &[]))), refusal(400, &[], body), "{path}");
    }
}

#[test]
fn a_request_without_a_connection_is_answered_as_misconfigured() {
    let service = Service::new();
    let body = r#"{"type":"https://aetherflow.com/problems/misconfigured","title":"Misconfigured","status":500,"detail":"The service is misconfigured."}"#;
    for path in ["/healthz", "/v2/workflows"] {
        let answer = service.send_bare(with_token("GET", path, &token("read:workflows")));
        assert_eq!(text(answer), plain_refusal(500, &[], body), "{path}");
    }
    assert_eq!(service.calls(), 0);
}

#[test]
fn head_gets_the_status_and_headers_of_get_without_the_body() {
    for path in ["/v2/workflows", "/unlisted", "/a//b"] {
        let service = Service::new();
        let mut want = text(service.send(get(path, &[])));
        want.truncate(want.find("\n\n").unwrap() + 2);
        assert_eq!(text(service.send(request("HEAD", path, &[]))), want, "{path}");
    }
}

#[test]
fn a_grpc_route_is_refused_in_trailers_only() {
    let call = |fields: &[(&str, &str)]| on_http2(request("POST", "/flow.Workflows/List", fields));
    let answer = Service::new().send(call(&[]));
    assert_eq!(
        text(answer),
        r#"200
cache-control: no-store
content-type: application/grpc
grpc-message: This request needs a credential.
grpc-status: 16
strict-transport-security: max-age=31536000
www-authenticate: Bearer realm="aetherflow"
x-content-type-options: nosniff

"#
    );
    let bearer = format!("Bearer {}", token(""));
    let answer = Service::new().send(call(&[("authorization", &bearer)]));
    assert_eq!(
        text(answer),
        r#"200
cache-control: no-store
content-type: application/grpc
grpc-message: The credential lacks a scope this request needs.
grpc-status: 7
ratelimit-policy: "minute";q=60;w=60, "hour";q=1000;w=3600
ratelimit: "minute";r=59;t=59, "hour";r=999;t=3597
strict-transport-security: max-age=31536000
www-authenticate: Bearer realm="aetherflow", error="insufficient_scope", scope="read:workflows"
x-content-type-options: nosniff

"#
    );
}

#[test]
fn each_problem_has_its_code_in_grpc() {
    let call = |path: &str, fields: &[(&str, &str)]| {
        let both = [fields, &[("te", "trailers"), ("content-type", "application/grpc+proto")]].concat();
        on_http2(request("POST", path, &both))
    };
    let bearer = format!("Bearer {}", token(""));
    let known = [("authorization", bearer.as_str())];
    for (name, answer, want) in [
        ("no credential", Service::new().send(call("/flow.Workflows/List", &[])), "16"),
        (
            "bad token",
            Service::new().send(call("/flow.Workflows/List", &[("authorization", "Bearer a")])),
            "16",
        ),
        ("two credentials", Service::new().send(call("/flow.Workflows/List", &[known[0], known[0]])), "3"),
        ("unlisted", Service::new().send(call("/flow.Workflows/Drop", &known)), "12"),
        ("unlisted and unknown", Service::new().send(call("/flow.Workflows/Drop", &[])), "16"),
        ("ambiguous", Service::new().send(call("/flow.Workflows//List", &known)), "3"),
        (
            "plain",
            Service::new().send(over(call("/flow.Workflows/List", &known), Connection::plain((PEER, 1)))),
            "7",
        ),
        ("no connection", Service::new().send_bare(call("/flow.Workflows/List", &known)), "13"),
        ("other method", Service::new().send(with_token("GET", "/flow.Workflows/List", &token(""))), "12"),
    ] {
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["grpc-status"]),
            (200, &want.parse().unwrap()),
            "{name}"
        );
    }
}

#[test]
fn an_unlisted_route_is_grpc_only_if_all_signs_say_so() {
    let full = [("te", "trailers"), ("content-type", "application/grpc")];
    for (name, request, is_grpc) in [
        ("all signs", on_http2(request("POST", "/a.B/C", &full)), true),
        ("HTTP/1.1", request("POST", "/a.B/C", &full), false),
        ("GET", on_http2(get("/a.B/C", &full)), false),
        ("no te", on_http2(request("POST", "/a.B/C", &full[1..])), false),
        ("no type", on_http2(request("POST", "/a.B/C", &full[..1])), false),
        (
            "grpc-web",
            on_http2(request("POST", "/a.B/C", &[full[0], ("content-type", "application/grpc-web")])),
            false,
        ),
        ("listed otherwise", on_http2(request("POST", "/v2/workflows", &full)), false),
    ] {
        let answer = Service::new().send(request);
        assert_eq!(answer.headers().contains_key("grpc-status"), is_grpc, "{name}");
    }
}

fn on_http2(mut request: Request<()>) -> Request<()> {
    *request.version_mut() = Version::HTTP_2;
    request
}

/// The text of a refusal over TLS.
fn refusal(status: u16, fields: &[&str], body: &str) -> String {
    let tls = ["strict-transport-security: max-age=31536000", "x-content-type-options: nosniff"];
    plain_refusal(status, &[fields, &tls].concat(), body)
}

fn plain_refusal(status: u16, fields: &[&str], body: &str) -> String {
    let length = format!("content-length: {}", body.len());
    let always = ["cache-control: no-store", "content-type: application/problem+json", &length];
    let mut lines = [fields, &always].concat();
    lines.sort_unstable();
    format!("{status}\n{}\n\n{body}", lines.join("\n"))
}
