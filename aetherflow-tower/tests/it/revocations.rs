//! What is answered while nobody can tell what other nodes have revoked.

use std::sync::Arc;

use aetherflow_auth::audit::Action;
use aetherflow_auth::revocation::RedisFeed;
use chrono::TimeDelta;
use http::{Request, Version};

use crate::service::{
    ISSUER, Service, environment, forge, grant, minted, problem, request, text, token, with_token,
};

/// A service whose feed of revocations has never said anything.
fn service() -> Service {
    let service = Service::new();
    let address = "redis://127.0.0.1:1";
    drop(RedisFeed::new(address, environment(), Arc::clone(&service.revocations)).unwrap());
    service
}

fn grpc_call(token: &str) -> Request<()> {
    let mut call = with_token("POST", "/flow.Workflows/List", token);
    *call.version_mut() = Version::HTTP_2;
    call
}

#[test]
fn while_revocations_are_unknown_a_good_token_is_told_to_come_back() {
    let (service, good) = (service(), token("read:workflows"));
    let body = concat!(
        r#"{"type":"https://aetherflow.com/problems/temporarily-unavailable","title":"Temporarily unavailable","#,
        r#""status":503,"detail":"The service cannot decide this request now."}"#,
    );
    let want = format!(
        "503\ncache-control: no-store\ncontent-length: {}\ncontent-type: application/problem+json\nretry-after: 5\n\
         strict-transport-security: max-age=31536000\nx-content-type-options: nosniff\n\n{body}",
        body.len()
    );
    assert_eq!(text(service.send(with_token("GET", "/v2/workflows", &good))), want);
    let grpc = "200\ncache-control: no-store\ncontent-type: application/grpc\n\
                grpc-message: The service cannot decide this request now.\ngrpc-status: 14\nretry-after: 5\n\
                strict-transport-security: max-age=31536000\nx-content-type-options: nosniff\n\n";
    assert_eq!(text(service.send(grpc_call(&good))), grpc);
    assert_eq!(service.calls(), 0);
    let events = service.events.take();
    let reasons: Vec<_> = events.iter().map(|event| (event.action(), event.reason())).collect();
    assert_eq!(reasons, [(Action::Refused, Some("token: what other nodes revoked is not known")); 2]);
}

#[test]
fn what_is_refused_anyway_is_not_told_to_come_back() {
    let service = service();
    let revoked = minted(&grant("read:workflows"));
    service.revocations.revoke_token(ISSUER, revoked.id(), revoked.expires_at());
    for (name, request, want) in [
        (
            "revoked, which is known",
            with_token("GET", "/v2/workflows", revoked.token()),
            (401, "invalid-token"),
        ),
        (
            "forged",
            with_token("GET", "/v2/workflows", &forge(&grant("read:workflows"))),
            (401, "invalid-token"),
        ),
        ("no token", request("GET", "/v2/workflows", &[]), (401, "credential-required")),
        ("a public route", request("GET", "/healthz", &[]), (200, "")),
    ] {
        assert_eq!(problem(&service.send(request)), want, "{name}");
    }
}

#[test]
fn nobody_is_charged_for_what_the_server_does_not_know() {
    let (service, good, forged) = (service(), token("read:workflows"), forge(&grant("read:workflows")));
    let ask = |token: &str| problem(&service.send(with_token("GET", "/v2/workflows", token))).0;
    for attempt in 0..60 {
        assert_eq!(ask(&good), 503, "attempt {attempt}");
        assert_eq!(service.send(grpc_call(&good)).headers()["grpc-status"], "14", "attempt {attempt}");
    }
    assert_eq!(ask(&forged), 401, "nothing of the budget is spent yet");
    for attempt in 1..60 {
        assert_eq!(ask(&forged), 401, "guess {attempt}");
    }
    assert_eq!(ask(&forged), 429);
    service.clock.advance(TimeDelta::minutes(2));
    assert_eq!(ask(&good), 503);
}
