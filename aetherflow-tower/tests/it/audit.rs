//! One event for each decision, with what the operator needs and nothing secret.

use aetherflow_auth::audit::{Action, Event};
use aetherflow_tower::Connection;
use chrono::TimeDelta;
use http::Request;
use tower_layer::Layer;

use crate::service::{
    Handler, ISSUER, PEER, Service, begin, forge, get, grant, minted, misspelt, now, over, start,
    through_proxy, token, with_token,
};

#[test]
fn a_served_request_is_recorded_with_its_caller_and_status() {
    let service = Service::new();
    let minted = minted(&grant("read:workflows").with_client("afcl_0123456789ab"));
    service.clock.advance(TimeDelta::milliseconds(1_500));
    let request = with_token("GET", "/v2/workflows?page=2", minted.token());
    service.send(through_proxy(request, "198.51.100.7"));
    let event = only(&service);
    assert_eq!((event.action(), event.status(), event.reason()), (Action::Allowed, Some(200), None));
    assert_eq!(event.time(), start() + TimeDelta::milliseconds(1_500));
    assert_eq!(
        (event.method(), event.path(), event.route()),
        (Some("GET"), Some("/v2/workflows"), Some("/v2/workflows"))
    );
    assert_eq!(event.address(), Some([198, 51, 100, 7].into()));
    let caller = event.identity().unwrap();
    assert_eq!((caller.issuer(), caller.subject()), (ISSUER, "alice"));
    assert_eq!((event.client(), event.kind()), (Some("afcl_0123456789ab"), Some("token")));
    assert_eq!(
        (event.credential(), event.environment()),
        (Some(minted.id()), Some(crate::service::environment()))
    );
}

#[test]
fn each_refusal_is_recorded_once_with_its_reason() {
    for (request, status, reason, is_known) in [
        (get("/v2/usage", &[]), 401, "no credential", false),
        (get("/v2/usage?access_token=a", &[]), 400, "a token in the query", false),
        (get("/a//b", &[]), 400, "an ambiguous path", false),
        (
            with_token("GET", "/v2/usage", &forge(&grant(""))),
            401,
            "token: the signature does not hold",
            false,
        ),
        (with_token("GET", "/v2/workflows", &token("")), 403, "a scope is missing", true),
        (with_token("GET", "/unlisted", &token("")), 404, "no such route", true),
        (with_token("PUT", "/v2/usage", &token("")), 405, "no such method of the route", true),
        (over(get("/v2/usage", &[]), Connection::plain((PEER, 1))), 403, "plain HTTP", false),
    ] {
        let service = Service::new();
        service.send(request);
        let event = only(&service);
        assert_eq!(
            (event.action(), event.status(), event.reason()),
            (Action::Refused, Some(status), Some(reason))
        );
        assert_eq!(event.identity().is_some(), is_known, "{reason}");
    }
}

#[test]
fn a_refused_stranger_has_128_bytes_of_path_recorded() {
    let service = Service::new();
    let (long, bearer) = (format!("/v2/files/{}", "a".repeat(300)), token(""));
    let fits = format!("/{}", "a".repeat(127));
    // A path is cut between letters: this one's 128th byte is the first of an é.
    let accented = format!("/{}é", "a".repeat(126));
    for (name, request, want) in [
        ("no credential", get(&long, &[]), &long[..128]),
        ("a bad one", with_token("GET", &long, "abc"), &long[..128]),
        ("plain HTTP", over(with_token("GET", &long, "abc"), Connection::plain((PEER, 1))), &long[..128]),
        ("as long as may be", get(&fits, &[]), &fits[..]),
        ("two bytes a letter", get(&accented, &[]), &accented[..127]),
        ("a known caller", with_token("GET", &long, &bearer), &long[..]),
    ] {
        service.send(request);
        assert_eq!(only(&service).path(), Some(want), "{name}");
    }
}

#[test]
fn a_grpc_refusal_is_recorded_with_the_problems_status() {
    let service = Service::new();
    let answer = service.send(crate::service::request("POST", "/flow.Workflows/List", &[]));
    assert_eq!((answer.status().as_u16(), only(&service).status()), (200, Some(401)));
}

#[test]
fn plain_http_tells_a_working_credential_from_a_claimed_one() {
    let service = Service::new();
    let (minted, key) = (minted(&grant("")), service.key(""));
    let bearer = format!("Bearer {}", minted.token());
    for (name, fields, action, credential) in [
        (
            "good token",
            vec![("authorization", bearer.as_str())],
            Action::CredentialExposed,
            Some(minted.id()),
        ),
        ("good key", vec![("x-api-key", key.expose())], Action::CredentialExposed, Some(key.id().as_str())),
        ("bad token", vec![("authorization", "Bearer abc")], Action::CredentialClaimed, None),
        ("bad key", vec![("x-api-key", &misspelt(&key))], Action::CredentialClaimed, None),
        ("another scheme", vec![("authorization", "Basic abc")], Action::CredentialClaimed, None),
        ("none", vec![], Action::Refused, None),
    ] {
        service.send(over(get("/healthz", &fields), Connection::plain((PEER, 1))));
        let event = only(&service);
        assert_eq!((event.action(), event.credential()), (action, credential), "{name}");
    }
}

#[test]
fn a_spent_budget_leaves_exposed_credentials_unverified() {
    let service = Service::new();
    for _ in 0..60 {
        service.send(with_token("GET", "/v2/usage", "abc"));
    }
    let (unseen, key) = (format!("Bearer {}", token("")), service.key(""));
    service.events.take();
    for fields in [("authorization", unseen.as_str()), ("x-api-key", key.expose())] {
        service.send(over(get("/healthz", &[fields]), Connection::plain((PEER, 1))));
        assert_eq!(only(&service).action(), Action::CredentialClaimed, "{}", fields.0);
    }
}

#[test]
fn a_request_whose_handler_fails_or_never_answers_is_recorded_without_a_status() {
    let service = Service::new();
    for is_dropped in [true, false] {
        let mut secured =
            aetherflow_tower::SecurityLayer::new(service.gate.clone()).layer(Handler::new(&service.calls));
        let request = over(get("/healthz?fail", &[]), Connection::tls((PEER, 1)));
        let answer = begin(&mut secured, request);
        if is_dropped {
            drop(answer);
        } else {
            assert_eq!(now(answer).unwrap_err(), "the handler's own error");
        }
        let event = only(&service);
        let want = Some("no answer: the handler failed, or the client left before it");
        assert_eq!(
            (event.action(), event.status(), event.reason()),
            (Action::Allowed, None, want),
            "{is_dropped}"
        );
    }
}

#[test]
fn no_event_holds_the_credential_itself() {
    let service = Service::new();
    let (token, key) = (token("read:workflows"), service.key("read:workflows"));
    let bearer = [("authorization", format!("Bearer {token}"))];
    let requests: [Request<()>; 3] = [
        with_token("GET", "/v2/workflows", &token),
        get("/v1/workflows", &[("x-api-key", key.expose())]),
        get(&format!("/v2/usage?access_token={token}"), &[(bearer[0].0, &bearer[0].1)]),
    ];
    for request in requests {
        service.send(request);
    }
    let events = format!("{:?}", service.events.take());
    assert_eq!(
        (events.contains(&token), events.contains(key.expose()), events.contains("alice")),
        (false, false, true)
    );
}

fn only(service: &Service) -> Event {
    let mut events = service.events.take();
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}
