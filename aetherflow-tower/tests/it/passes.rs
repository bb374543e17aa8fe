//! What a request that may pass gets, and what its handler sees.

use aetherflow_auth::Allowlist;
use aetherflow_tower::gate::{Check, Outcome};
use aetherflow_tower::{Access, Connection};
use http::Request;

use crate::service::{
    PEER, Service, get, grant, header, mint, over, problem, request, start, text, through_proxy, token,
    with_token,
};

#[test]
fn a_good_token_is_served_with_its_limits() {
    assert_eq!(
        text(Service::new().send(with_token("GET", "/v2/workflows", &token("read:workflows")))),
        r#"200
ratelimit-policy: "minute";q=60;w=60, "hour";q=1000;w=3600
ratelimit: "minute";r=59;t=59, "hour";r=999;t=3597
strict-transport-security: max-age=31536000
x-content-type-options: nosniff

served"#
    );
}

#[test]
fn an_api_key_on_v1_is_served_with_its_end_announced() {
    let service = Service::new();
    let key = service.key("read:workflows");
    assert_eq!(
        text(service.send(get("/v1/workflows", &[("x-api-key", key.expose())]))),
        r#"200
deprecation: @1750000000
link: <https://docs.example/keys>; rel="deprecation"
ratelimit-policy: "minute";q=60;w=60, "hour";q=1000;w=3600
ratelimit: "minute";r=59;t=59, "hour";r=999;t=3597
strict-transport-security: max-age=31536000
sunset: Tue, 15 Jul 2025 15:06:40 GMT
x-content-type-options: nosniff

served"#
    );
    let answer = service.send(with_token("GET", "/v1/workflows", &token("read:workflows")));
    assert_eq!(
        (answer.status().as_u16(), header(&answer, "deprecation")),
        (200, None),
        "a token is not deprecated"
    );
}

#[test]
fn a_public_route_looks_at_no_credential() {
    let served =
        "200\nstrict-transport-security: max-age=31536000\nx-content-type-options: nosniff\n\nserved";
    for (name, path, fields) in [
        ("none", "/healthz", vec![]),
        ("a bad one", "/healthz", vec![("authorization", "Bearer abc")]),
        ("two", "/healthz", vec![("authorization", "Basic a"), ("x-api-key", "b")]),
        ("one in the query", "/healthz?access_token=abc", vec![]),
    ] {
        assert_eq!(text(Service::new().send(get(path, &fields))), served, "{name}");
    }
}

#[test]
fn hsts_covers_subdomains_by_choice() {
    let service = Service::with(|gate| gate.with_hsts_for_subdomains());
    let answer = service.send(get("/healthz", &[]));
    assert_eq!(header(&answer, "strict-transport-security"), Some("max-age=31536000; includeSubDomains"));
}

#[test]
fn tls_is_believed_of_a_declared_proxy_only() {
    for (name, peer, proto, want) in [
        ("a proxy that says https", crate::service::PROXY, vec!["https"], 200),
        ("a proxy that says http", crate::service::PROXY, vec!["http"], 403),
        ("a proxy that says nothing", crate::service::PROXY, vec![], 403),
        ("a proxy that says both", crate::service::PROXY, vec!["https", "http"], 403),
        ("anyone who says https", PEER, vec!["https"], 403),
    ] {
        let fields: Vec<_> = proto.iter().map(|value| ("x-forwarded-proto", *value)).collect();
        let answer = Service::new().send(over(get("/healthz", &fields), Connection::plain((peer, 443))));
        assert_eq!(answer.status().as_u16(), want, "{name}");
    }
}

#[test]
fn lists_admit_proven_addresses_only() {
    let bound = grant("execute:workflows")
        .with_allowlist(Allowlist::parse(["10.0.0.0/8", "203.0.113.0/24"]).unwrap());
    let execute = || with_token("POST", "/v2/workflows/1/execute", &mint(&bound));
    let elsewhere = || with_token("GET", "/v2/usage", &mint(&bound));
    for (name, request, want) in [
        ("the socket's own", execute(), 200),
        ("through a proxy", through_proxy(execute(), "203.0.113.77"), 200),
        ("off the list", through_proxy(execute(), "198.51.100.1"), 403),
        ("a spoofed left entry", through_proxy(execute(), "203.0.113.77, 198.51.100.1"), 403),
        ("a proxy's own, listed as it is", over(execute(), Connection::tls((crate::service::PROXY, 1))), 403),
        ("junk behind a listed proxy", through_proxy(execute(), "junk"), 403),
        (
            "no list in the token",
            with_token("POST", "/v2/workflows/1/execute", &token("execute:workflows")),
            200,
        ),
        ("off its list, on a route that does not ask", through_proxy(elsewhere(), "198.51.100.1"), 200),
        ("on the route's list", through_proxy(with_token("GET", "/v2/office", &token("")), "192.0.2.7"), 200),
    ] {
        assert_eq!(Service::new().send(request).status().as_u16(), want, "{name}");
    }
}

#[test]
fn the_handler_sees_who_asks_and_what_is_left() {
    let service = Service::new();
    let access = allowed(
        &service,
        with_token("GET", "/v2/workflows", &mint(&grant("read:workflows").with_plan("pro"))),
    );
    let caller = access.principal().unwrap();
    assert_eq!((caller.identity().subject(), caller.issued_at()), ("alice", start()));
    assert_eq!(access.plan().unwrap().name(), "pro");
    let left: Vec<u32> = access.decision().unwrap().remaining().collect();
    assert_eq!((left, access.client_address()), (vec![299, 9_999], PEER.into()));
    assert_eq!(access.policy().to_string(), "token; scopes read:workflows");

    let anonymous = allowed(&service, get("/feed", &[]));
    assert_eq!((anonymous.principal().is_some(), anonymous.plan().is_some()), (false, false));
}

#[test]
fn head_is_decided_as_get() {
    for (method, want) in [("GET", 200), ("HEAD", 200), ("POST", 405)] {
        let answer = Service::new().send(request(method, "/healthz", &[]));
        assert_eq!(answer.status().as_u16(), want, "{method}");
    }
}

#[test]
fn the_gate_lists_every_route_with_its_demands() {
    let service = Service::new();
    let lines: Vec<String> =
        service.gate.policies().map(|(method, path, policy)| format!("{method} {path}: {policy}")).collect();
    assert_eq!(lines[0], "GET /healthz: public");
    assert_eq!(lines[2], "GET /v1/workflows: token or API key; scopes read:workflows");
    assert_eq!(lines[8], "GET /v2/files/{*name}: token; scopes read:workflows; plan enterprise");
    assert_eq!(
        (lines.len(), lines[10].as_str()),
        (11, "POST /flow.Workflows/List: token; scopes read:workflows; gRPC")
    );
}

#[test]
fn the_reason_of_a_refusal_is_in_the_response_for_the_operator() {
    let service = Service::new();
    let answer = service.send(with_token("GET", "/v2/usage", "abc"));
    let rejection = answer.extensions().get::<aetherflow_tower::rejection::Rejection>().unwrap();
    assert_eq!((rejection.reason().as_str(), problem(&answer)), ("token: malformed", (401, "invalid-token")));
}

fn allowed(service: &Service, mut request: Request<()>) -> Access {
    request.extensions_mut().insert(Connection::tls((PEER, 50_000)));
    match service.gate.check(&request) {
        Check::Done(Outcome::Allow(access, _)) => access,
        other => panic!("{other:?}"),
    }
}
