//! What only the operator can mend is told once, in words that name the fix.

use aetherflow_tower::Connection;

use crate::service::{PROXY, Service, get, over, token, with_token};

#[test]
fn each_thing_to_mend_is_told_once() {
    let forwarded = || get("/healthz", &[("x-forwarded-for", "198.51.100.1")]);
    for (name, ask, want) in [
        (
            "an undeclared proxy",
            Box::new(|service: &Service| drop(service.send(forwarded()))) as Box<dyn Fn(&Service)>,
            "aetherflow: forwarding headers from 203.0.113.9 are ignored, since it is no declared proxy: \
             if it is yours, declare it with with_trusted_proxies",
        ),
        (
            "no connection",
            Box::new(|service: &Service| drop(service.send_bare(get("/healthz", &[])))),
            "aetherflow: a request carries no Connection, so its peer is unknown and it is answered 500: \
             insert a Connection into every request's extensions in the accept loop",
        ),
        (
            "an unlisted route",
            Box::new(|service: &Service| drop(service.send(with_token("GET", "/v2/other?a=b", &token(""))))),
            "aetherflow: GET /v2/other is not listed and is answered 404: list it, if it should be served",
        ),
    ] {
        let service = Service::new();
        ask(&service);
        ask(&service);
        assert_eq!(*service.log.lock().unwrap(), [want], "{name}");
    }
}

#[test]
fn what_needs_no_mending_is_not_told() {
    let service = Service::new();
    service.send(over(get("/healthz", &[("x-forwarded-proto", "https")]), Connection::plain((PROXY, 443))));
    service.send(get("/unlisted", &[]));
    service.send(with_token("PUT", "/v2/usage", &token("")));
    assert_eq!(service.log.lock().unwrap().len(), 0);
}

#[test]
fn a_curious_client_cannot_fill_the_log() {
    let service = Service::new();
    let plan = crate::service::mint(&crate::service::grant("").with_plan("enterprise"));
    for at in 0..300 {
        service.send(with_token("GET", &format!("/{at}/{}", "x".repeat(5_000)), &plan));
    }
    let log = service.log.lock().unwrap();
    assert_eq!((log.len(), log.iter().all(|line| line.len() < 300)), (100, true));
}
