//! Which failures an address pays for, and what it may still do when it has paid too many.

use aetherflow_auth::Environment;
use aetherflow_auth::api_key::ApiKey;
use aetherflow_auth::jwt::Grant;
use aetherflow_tower::Connection;
use chrono::TimeDelta;
use http::Request;

use crate::service::{
    AUDIENCE, PEER, Service, environment, forge, get, grant, mint, misspelt, over, problem, through_proxy,
    token, with_token,
};

#[test]
fn guesses_are_charged_and_worn_out_credentials_are_not() {
    let service = Service::new();
    let key = service.key("read:workflows");
    let removed = service.key("");
    service.store.remove(removed.id());
    let elsewhere = ApiKey::generate(Environment::staging()).unwrap();
    let short = mint(&Grant::new(environment(), "alice", AUDIENCE, TimeDelta::seconds(1)));
    let other = mint(&Grant::new(environment(), "alice", "https://other.example", TimeDelta::hours(1)));
    let with_key = |path: &str, key: &str| get(path, &[("x-api-key", key)]);
    let good = token("read:workflows");
    let bearer = format!("Bearer {good}");
    for (name, request, is_charged) in [
        ("no JWT", with_token("GET", "/v2/usage", "abc"), true),
        ("bad signature", with_token("GET", "/v2/usage", &forge(&grant(""))), true),
        ("no key", with_key("/v1/workflows", "abc"), true),
        ("bad checksum", with_key("/v1/workflows", &misspelt(&key)), true),
        ("key not on record", with_key("/v1/workflows", removed.expose()), true),
        ("bad token on an unlisted route", with_token("GET", "/unlisted", "abc"), true),
        ("bad token over plain HTTP", plain(with_token("GET", "/v2/usage", "abc")), true),
        ("bad token on an optional route", with_token("GET", "/feed", "abc"), true),
        ("no credential", get("/v2/usage", &[]), false),
        ("two credentials", get("/v2/usage", &[("authorization", &bearer), ("x-api-key", "abc")]), false),
        ("token in the query", get("/v2/usage?access_token=abc", &[]), false),
        ("no bearer", get("/v2/usage", &[("authorization", "Basic abc")]), false),
        ("no b64token", get("/v2/usage", &[("authorization", "Bearer a b")]), false),
        ("ambiguous path", with_token("GET", "/a//b", "abc"), false),
        ("bad token on a public route", with_token("GET", "/healthz", "abc"), false),
        ("expired", with_token("GET", "/v2/usage", &short), false),
        ("audience", with_token("GET", "/v2/usage", &other), false),
        ("key of another environment", with_key("/v1/workflows", elsewhere.expose()), false),
        ("key out of place", with_key("/v2/workflows", key.expose()), false),
        ("missing scope", with_token("POST", "/v2/workflows", &good), false),
    ] {
        service.clock.advance(TimeDelta::minutes(2));
        for _ in 0..60 {
            service.send(clone(&request));
        }
        let want = if is_charged { (429, "quota-exceeded") } else { (401, "invalid-token") };
        assert_eq!(problem(&service.send(with_token("GET", "/v2/usage", "probe"))), want, "{name}");
    }
}

#[test]
fn a_spent_budget_has_room_for_one_more_after_a_second_and_not_before() {
    let service = Service::new();
    let answers = |requests: usize, after: i64| {
        service.clock.advance(TimeDelta::milliseconds(after));
        let guess = || service.send(with_token("GET", "/v2/usage", "abc")).status().as_u16();
        (0..requests).map(|_| guess()).collect::<Vec<_>>()
    };
    assert_eq!(answers(60, 0), [401; 60]);
    assert_eq!([answers(2, 0), answers(2, 999)].concat(), [429; 4]);
    assert_eq!(answers(2, 1), [401, 429]);
    assert_eq!(answers(30, 30_000), [401; 30]);
    assert_eq!([answers(1, 0), answers(1, 999)].concat(), [429; 2]);
    assert_eq!(answers(2, 1), [401, 429]);
}

#[test]
fn a_spent_budget_leaves_public_routes_and_remembered_tokens() {
    let service = Service::new();
    let (seen, unseen) = (token("read:workflows"), token("write:workflows"));
    assert_eq!(service.send(with_token("GET", "/v2/workflows", &seen)).status(), 200);
    spend(&service);
    for (name, request, want) in [
        ("public", get("/healthz", &[]), 200),
        ("public, with a bad token", with_token("GET", "/healthz", "abc"), 200),
        ("optional, without a credential", get("/feed", &[]), 200),
        ("remembered", with_token("GET", "/v2/workflows", &seen), 200),
        ("remembered, on an unlisted route", with_token("GET", "/unlisted", &seen), 404),
        ("remembered, on an ambiguous path", with_token("GET", "/a//b", &seen), 400),
        ("not remembered", with_token("GET", "/v2/usage", &unseen), 429),
        ("another address", through_proxy(with_token("GET", "/v2/usage", &unseen), "198.51.100.1"), 200),
    ] {
        assert_eq!(service.send(request).status().as_u16(), want, "{name}");
    }
    service.clock.advance(TimeDelta::seconds(1));
    assert_eq!(problem(&service.send(with_token("GET", "/v2/usage", "abc"))), (401, "invalid-token"));
    assert_eq!(problem(&service.send(with_token("GET", "/v2/usage", "abc"))), (429, "quota-exceeded"));
}

#[test]
fn a_remembered_token_that_is_revoked_does_not_pass_a_spent_budget() {
    let service = Service::new();
    let minted = crate::service::minted(&grant(""));
    let ask = || with_token("GET", "/v2/usage", minted.token());
    assert_eq!(service.send(ask()).status(), 200);
    service.revocations.revoke_token(crate::service::ISSUER, minted.id(), minted.expires_at());
    assert_eq!(problem(&service.send(ask())), (401, "invalid-token"));
    spend(&service);
    assert_eq!(problem(&service.send(ask())), (429, "quota-exceeded"));
}

#[test]
fn addresses_of_one_ipv6_64_share_a_budget() {
    let service = Service::new();
    for host in 0..60 {
        let address = format!("2001:db8:0:1::{host:x}");
        service.send(through_proxy(with_token("GET", "/v2/usage", "abc"), &address));
    }
    for (address, want) in [("2001:db8:0:1:ffff::1", 429), ("2001:db8:0:2::1", 401)] {
        let answer = service.send(through_proxy(with_token("GET", "/v2/usage", "abc"), address));
        assert_eq!(answer.status().as_u16(), want, "{address}");
    }
}

fn spend(service: &Service) {
    for _ in 0..60 {
        assert_eq!(service.send(with_token("GET", "/v2/usage", "abc")).status(), 401);
    }
}

fn plain(request: Request<()>) -> Request<()> {
    over(request, Connection::plain((PEER, 50_000)))
}

fn clone(request: &Request<()>) -> Request<()> {
    let mut copy = Request::builder().method(request.method()).uri(request.uri()).body(()).unwrap();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    copy
}
