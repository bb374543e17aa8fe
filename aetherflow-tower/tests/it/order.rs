//! Which of two checks answers, when a request fails both.

use aetherflow_auth::Allowlist;
use aetherflow_tower::Connection;
use http::Request;

use crate::service::{PEER, Service, forge, get, grant, mint, over, problem, request, token, with_token};

#[test]
fn plain_http_comes_before_everything_else() {
    let service = Service::with(|gate| gate.with_blocked_addresses(["203.0.113.9"]));
    for (name, request) in [
        ("and an ambiguous path", get("/a//b", &[])),
        ("and a blocked address on a public route", get("/healthz", &[])),
        ("and two credentials", get("/v2/usage", &[("x-api-key", "a"), ("x-api-key", "b")])),
    ] {
        let answer = service.send(over(request, Connection::plain((PEER, 50_000))));
        assert_eq!(problem(&answer), (403, "https-required"), "{name}");
    }
}

#[test]
fn the_gates_address_rules_come_before_budget_path_and_credential() {
    let service = Service::with(|gate| gate.with_blocked_addresses(["203.0.113.9"]));
    for (name, request) in [
        ("and an ambiguous path", get("/a//b", &[])),
        ("and no credential", get("/v2/usage", &[])),
        ("and a bad credential", with_token("GET", "/v2/usage", "abc")),
        ("and a wrong method of a public path", request("POST", "/healthz", &[])),
    ] {
        assert_eq!(problem(&service.send(request)), (403, "address-not-allowed"), "{name}");
    }
}

#[test]
fn a_spent_budget_comes_before_path_and_credential() {
    let service = Service::new();
    for _ in 0..60 {
        service.send(with_token("GET", "/v2/usage", "abc"));
    }
    for (name, request) in [
        ("and an ambiguous path", get("/a//b", &[])),
        ("and no credential", get("/v2/usage", &[])),
        ("and two credentials", get("/v2/usage", &[("x-api-key", "a"), ("x-api-key", "b")])),
        ("and an unlisted route", get("/unlisted", &[])),
        ("and a good token that was not seen before", with_token("GET", "/v2/usage", &token(""))),
    ] {
        assert_eq!(problem(&service.send(request)), (429, "quota-exceeded"), "{name}");
    }
}

#[test]
fn each_later_check_answers_only_if_the_earlier_ones_hold() {
    let third = mint(&grant("").with_client("afcl_0123456789ab"));
    let bound = mint(&grant("").with_allowlist(Allowlist::parse(["198.51.100.1"]).unwrap()));
    let forged = forge(&grant(""));
    for (name, request, want) in [
        ("ambiguous path, no credential", get("/a//b", &[]), (400, "invalid-request")),
        ("ambiguous path, bad credential", with_token("GET", "/a//b", "abc"), (400, "invalid-request")),
        ("two credentials, one bad", two("abc"), (400, "invalid-request")),
        ("bad credential, unlisted", with_token("GET", "/unlisted", &forged), (401, "invalid-token")),
        ("bad credential, other method", with_token("PUT", "/v2/usage", &forged), (401, "invalid-token")),
        ("no credential, other method", request("PUT", "/v2/usage", &[]), (401, "credential-required")),
        ("third party, scope", with_token("GET", "/v2/keys", &third), (403, "third-party-not-allowed")),
        ("plan, scope", with_token("GET", "/v2/files/a", &token("")), (403, "plan-required")),
        (
            "scope, allowlist",
            with_token("POST", "/v2/workflows/1/execute", &bound),
            (403, "insufficient-scope"),
        ),
    ] {
        assert_eq!(problem(&Service::new().send(request)), want, "{name}");
    }
}

#[test]
fn the_plans_limit_comes_before_the_routes_policy() {
    let service = Service::new();
    let token = token("");
    for _ in 0..60 {
        service.send(with_token("GET", "/v2/usage", &token));
    }
    for (name, request) in [
        ("and an unlisted route", with_token("GET", "/unlisted", &token)),
        ("and another method", with_token("PUT", "/v2/usage", &token)),
        ("and a missing scope", with_token("GET", "/v2/workflows", &token)),
        ("and another plan", with_token("GET", "/v2/files/a", &token)),
        ("and an address off the list", with_token("GET", "/v2/office", &token)),
    ] {
        assert_eq!(problem(&service.send(request)), (429, "quota-exceeded"), "{name}");
    }
}

#[test]
fn the_credential_kind_comes_before_scope_and_address() {
    let service = Service::new();
    let key = service.key("execute:nothing");
    for path in ["/v2/workflows", "/v2/files/a", "/v2/office"] {
        let answer = service.send(get(path, &[("x-api-key", key.expose())]));
        assert_eq!(problem(&answer), (401, "credential-not-accepted"), "{path}");
    }
}

fn two(token: &str) -> Request<()> {
    get("/v2/usage", &[("authorization", &format!("Bearer {token}")), ("x-api-key", "abc")])
}
