//! A gate with a fault is not built, and all its faults are told at once.

use std::sync::Arc;

use aetherflow_auth::api_key::{MemoryApiKeyStore, Peppers};
use aetherflow_auth::{AllowlistError, Environment, ScopeError};
use aetherflow_ratelimit::{Limiter, Plan};
use aetherflow_tower::{Connection, Fault, Gate, Policy, Routes, Sunset, TrustedProxies};
use chrono::TimeDelta;
use http::Method;

use crate::service::{Service, environment, get, over, start, through_proxy, verifier};

fn route(path: &str, policy: Policy) -> Routes {
    Routes::new().route(Method::GET, path, policy)
}

#[test]
fn a_nested_path_without_its_slash_is_a_fault_and_no_other_path() {
    let inner = Routes::new().route(Method::GET, "me", Policy::public());
    let faults = Routes::new().nest("/v2", inner).check().unwrap_err();
    assert_eq!(faults.faults(), [Fault::Path { route: "GET me".to_owned() }]);
}

#[test]
fn a_list_given_in_two_calls_holds_what_both_said() {
    let answer = |service: &Service, address| {
        service.send(through_proxy(get("/healthz", &[]), address)).status().as_u16()
    };
    let (one, two, three) = ("192.0.2.1", "192.0.2.2", "192.0.2.3");
    let blocked = Service::with(|gate| gate.with_blocked_addresses([one]).with_blocked_addresses([two]));
    assert_eq!([one, two, three].map(|address| answer(&blocked, address)), [403, 403, 200]);
    let allowed = Service::with(|gate| gate.with_allowed_addresses([one]).with_allowed_addresses([two]));
    assert_eq!([one, two, three].map(|address| answer(&allowed, address)), [200, 200, 403]);

    // The service declares 10.0.0.0/24 already, where the request comes from.
    let proxied =
        Service::with(|gate| gate.with_trusted_proxies(TrustedProxies::x_forwarded_for(["192.0.2.2"])));
    proxied.send(through_proxy(get("/healthz", &[]), "192.0.2.1, 192.0.2.2"));
    assert_eq!(proxied.events.take()[0].address(), Some([192, 0, 2, 1].into()));

    let policy = Policy::authenticated().on_plans(["pro"]).on_plans(["enterprise"]);
    assert_eq!(policy.to_string(), "token; plan pro or enterprise");
}

#[test]
fn a_route_admits_the_addresses_of_both_its_lists() {
    let policy = Policy::public().from_addresses(["192.0.2.1"]).from_addresses(["192.0.2.2"]);
    let gate = Gate::builder(environment(), Arc::new(verifier()), Arc::new(Limiter::exact(1)));
    let service = Service { gate: gate.build(route("/a", policy)).unwrap(), ..Service::new() };
    let answers = [1, 2, 3].map(|last| {
        let request = over(get("/a", &[]), Connection::tls(([192, 0, 2, last], 1)));
        service.send(request).status().as_u16()
    });
    assert_eq!(answers, [200, 200, 403]);
    let faulty = Policy::public().from_addresses(["a"]).from_addresses(["192.0.2.1"]);
    let want = Fault::Addresses { route: "GET /a".to_owned(), cause: AllowlistError::Address };
    assert_eq!(
        route("/a", faulty).check().unwrap_err().faults(),
        [want],
        "a later list mends no earlier one"
    );
}

#[test]
fn trusted_proxies_are_of_one_family_of_headers() {
    let gate = Gate::builder(environment(), Arc::new(verifier()), Arc::new(Limiter::exact(1)))
        .with_trusted_proxies(TrustedProxies::forwarded(["10.0.0.1"]))
        .with_trusted_proxies(TrustedProxies::x_forwarded_for(["10.0.0.2"]));
    let error = gate.build(route("/a", Policy::public())).unwrap_err();
    assert_eq!(error.faults(), [Fault::ProxyFamilies]);
}

#[test]
fn each_fault_of_a_route_is_named_with_the_route() {
    let name = || "GET /a".to_owned();
    let sunset = |days: i64, link: &str| Sunset::new(start(), start() + TimeDelta::days(days), link);
    let keys = |sunset| Policy::authenticated().with_api_keys(sunset);
    let public = |demand| vec![Fault::PublicDemand { route: name(), demand }];
    for (what, policy, want) in [
        (
            "scope",
            Policy::scopes("read:\"a\""),
            vec![Fault::Scope { route: name(), cause: ScopeError::Character }],
        ),
        ("no scope", Policy::scopes(""), vec![Fault::Scope { route: name(), cause: ScopeError::Empty }]),
        ("a plan that staying anonymous escapes", Policy::optional().on_plans(["pro"]), public("on_plans")),
        (
            "a list that staying anonymous escapes",
            Policy::optional().from_allowlist(),
            public("from_allowlist"),
        ),
        (
            "two spaces",
            Policy::scopes("a  b"),
            vec![Fault::Scope { route: name(), cause: ScopeError::Empty }],
        ),
        (
            "addresses",
            Policy::public().from_addresses(["a"]),
            vec![Fault::Addresses { route: name(), cause: AllowlistError::Address }],
        ),
        ("sunset before deprecation", keys(sunset(-1, "/keys")), vec![Fault::Sunset { route: name() }]),
        ("link", keys(sunset(1, "not a link")), vec![Fault::Sunset { route: name() }]),
        ("link out of its brackets", keys(sunset(1, "/a>;b")), vec![Fault::Sunset { route: name() }]),
        ("public and keys", Policy::public().with_api_keys(sunset(1, "/keys")), public("with_api_keys")),
        ("public and a plan", Policy::public().on_plans(["pro"]), public("on_plans")),
        ("public and a list", Policy::public().from_allowlist(), public("from_allowlist")),
        ("public and parties", Policy::public().refusing_third_parties(), public("refusing_third_parties")),
    ] {
        assert_eq!(route("/a", policy).check().unwrap_err().faults(), want, "{what}");
    }
}

#[test]
fn paths_that_cannot_be_routed_are_faults() {
    for path in [
        "",
        "a",
        "/a//b",
        "/../a",
        "/a;b",
        "/a b",
        "/{a",
        "/a}",
        "/:id",
        "/*rest",
        "/{*rest}/a",
        "/%2f",
        "/é",
    ] {
        let faults = route(path, Policy::public()).check().unwrap_err();
        assert!(faults.faults().contains(&Fault::Path { route: format!("GET {path}") }), "{path}: {faults}");
    }
    for path in ["/", "/a", "/a/", "/{id}", "/a/{*rest}", "/a:b", "/a.json", "/%C3%A9"] {
        assert_eq!(route(path, Policy::public()).check(), Ok(()), "{path}");
    }
}

#[test]
fn a_route_is_listed_once_and_in_one_spelling() {
    let twice = route("/a", Policy::public()).route(Method::GET, "/a", Policy::authenticated());
    assert_eq!(twice.check().unwrap_err().faults(), [Fault::Duplicate { route: "GET /a".into() }]);
    let spelt = route("/{a}/b", Policy::public()).route(Method::POST, "/{c}/b", Policy::public());
    let want = Fault::Conflict { route: "POST /{c}/b".into(), other: "/{a}/b".into() };
    assert_eq!(spelt.check().unwrap_err().faults(), [want]);
    let head = Routes::new().route(Method::HEAD, "/a", Policy::public());
    assert_eq!(head.check().unwrap_err().faults(), [Fault::Head { route: "HEAD /a".into() }]);
}

#[test]
fn nested_routes_stand_under_their_prefix() {
    let inner = || {
        Routes::new().route(Method::GET, "/", Policy::public()).route(Method::GET, "/{id}", Policy::public())
    };
    for (prefix, want) in [("/a", ["/a", "/a/{id}"]), ("/a/", ["/a", "/a/{id}"]), ("/", ["/", "/{id}"])] {
        let routes = Routes::new().nest(prefix, inner());
        let gate = Gate::builder(environment(), Arc::new(verifier()), Arc::new(Limiter::exact(1)))
            .build(routes)
            .unwrap();
        assert_eq!(gate.policies().map(|(_, path, _)| path.to_owned()).collect::<Vec<_>>(), want, "{prefix}");
    }
}

#[test]
fn every_fault_is_told_at_once_and_names_its_fix() {
    let staging = Environment::staging();
    let peppers = Peppers::new(environment(), "pepper", &[9; 32]).unwrap();
    let sunset = Sunset::new(start(), start(), "/keys");
    let routes = route("/a", Policy::authenticated().on_plans(["gold"]))
        .merge(route("/b", Policy::scopes("\"")))
        .merge(route("/c", Policy::authenticated().with_api_keys(sunset.clone())));
    let gate = Gate::builder(staging, Arc::new(verifier()), Arc::new(Limiter::exact(1)))
        .with_plans([Plan::pro(), Plan::pro()])
        .with_trusted_proxies(TrustedProxies::forwarded(["0.0.0.0/0", "10.0.0.1/8"]))
        .with_blocked_addresses(["nowhere"]);
    let error = gate.build(routes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the keys of the verifier are of the environment production, the gate is of staging: each environment has its own
route GET /a demands the plan `gold`, which the gate does not know: add it with `with_plans`
route GET /c accepts API keys, but the gate has no store of them: add one with `with_api_keys`
two plans are named `pro`
no plan is named `free`, on which a credential without a plan is: add it to `with_plans`
trusted proxy range `0.0.0.0/0` is wider than /8 (IPv4) or /16 (IPv6): name the proxies' own network
trusted proxy range `10.0.0.1/8`: the range has bits set below its prefix
address rule: the range does not begin with an address
route GET /b: a scope holds a character that RFC 6749 does not allow"
    );

    let mixed = Gate::builder(staging, Arc::new(verifier()), Arc::new(Limiter::exact(1)))
        .with_api_keys(Arc::new(MemoryApiKeyStore::new()), Arc::new(peppers))
        .build(Routes::new());
    let fault = |part| Fault::Environment { part, found: environment(), expected: staging };
    assert_eq!(
        mixed.unwrap_err().faults(),
        [fault("keys of the verifier"), fault("peppers"), Fault::NoRoute]
    );
}

#[test]
fn a_gate_without_a_key_store_refuses_every_key_as_a_bad_one() {
    let service = Service::new();
    let key = service.key("read:workflows");
    let routes = route("/v2/workflows", Policy::scopes("read:workflows"));
    let gate = Gate::builder(environment(), Arc::new(verifier()), Arc::new(Limiter::exact(1)));
    let keyless = Service { gate: gate.build(routes).unwrap(), ..service };
    let answer = keyless.send(get("/v2/workflows", &[("x-api-key", key.expose())]));
    assert_eq!(crate::service::problem(&answer), (401, "invalid-token"));
}
