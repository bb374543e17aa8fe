//! Axum behind the gate: one call fills router and table, and a handler runs under its own policy only.

use std::convert::Infallible;
use std::sync::Arc;

use aetherflow_ratelimit::Limiter;
use aetherflow_tower::axum::{Principal, SecureRouter};
use aetherflow_tower::gate::GateBuilder;
use aetherflow_tower::rejection::{Problem, Reason, Rejection};
use aetherflow_tower::{Access, Connection, Fault, Gate, Policy, Routes, SecurityLayer, SecurityService};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::{Extension, Router};
use http::{Method, Request, Response, StatusCode};
use tower_layer::Layer as _;
use tower_service::Service;

use crate::service::{ManualClock, PEER, environment, now, token, verifier};

fn gate() -> GateBuilder {
    Gate::builder(environment(), Arc::new(verifier()), Arc::new(Limiter::exact(100)))
        .with_clock(Arc::new(ManualClock::default()))
        .with_operator_log(|_| ())
}

fn app() -> SecureRouter<&'static str> {
    let things = SecureRouter::new()
        .route("/", Method::GET, async |caller: Principal| caller.identity().subject().to_owned(), read())
        .route("/{id}", Method::GET, async |Path(id): Path<String>| id, read())
        .route("/{id}", Method::DELETE, async || StatusCode::NO_CONTENT, Policy::scopes("delete:things"));
    let own = SecureRouter::new().route("/own", Method::GET, async || own_problem().await, Policy::public());
    SecureRouter::new()
        .route("/state", Method::GET, async |State(state): State<&'static str>| state, Policy::public())
        .route(
            "/feed",
            Method::GET,
            async |caller: Option<Principal>| feed(caller.as_ref()),
            Policy::optional(),
        )
        .route("/nobody", Method::GET, async |_: Principal| "unreachable", Policy::public())
        .route(
            "/left",
            Method::GET,
            async |Extension(access): Extension<Access>| left(&access),
            Policy::authenticated(),
        )
        .nest("/things", things)
        .merge(own)
}

fn read() -> Policy {
    Policy::scopes("read:things")
}

async fn own_problem() -> Problem {
    Problem::CONTENT_TOO_LARGE
}

fn feed(caller: Option<&Principal>) -> String {
    caller.map_or("anyone", |caller| caller.identity().subject()).to_owned()
}

fn left(access: &Access) -> String {
    access.decision().unwrap().remaining().map(|left| left.to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn handlers_are_served_as_their_policies_say() {
    let (reader, nobody) = (token("read:things"), token(""));
    for (method, path, token, want) in [
        ("GET", "/state", "", (200, "stateful")),
        ("GET", "/feed", "", (200, "anyone")),
        ("GET", "/feed", &reader, (200, "alice")),
        ("GET", "/left", &nobody, (200, "59 999")),
        ("GET", "/things", &reader, (200, "alice")),
        ("GET", "/things/a%20b", &reader, (200, "a b")),
        ("GET", "/own", "", (413, "content-too-large")),
        ("GET", "/things", &nobody, (403, "insufficient-scope")),
        ("DELETE", "/things/1", &reader, (403, "insufficient-scope")),
        ("PUT", "/things/1", &reader, (405, "method-not-allowed")),
        ("GET", "/things/", &reader, (404, "not-found")),
        ("GET", "/other", &reader, (404, "not-found")),
        ("GET", "/other", "", (401, "credential-required")),
        ("GET", "/things//1", &reader, (400, "invalid-request")),
        ("GET", "/nobody", "", (500, "misconfigured")),
    ] {
        let mut router = app().with_state("stateful").protect(gate()).unwrap();
        let (status, body) = parts(ask(&mut router, method, path, token));
        assert_eq!((status, body.contains(want.1)), (want.0, true), "{method} {path}: {body}");
    }
}

#[test]
fn head_is_served_by_get_without_a_body() {
    let mut router = app().with_state("stateful").protect(gate()).unwrap();
    assert_eq!(parts(ask(&mut router, "HEAD", "/state", "")), (200, String::new()));
    assert_eq!(parts(ask(&mut router, "HEAD", "/other", "")), (401, String::new()));
}

#[test]
fn no_refusal_tells_which_routes_are_listed() {
    let mut service = app().with_state("stateful").protect(gate()).unwrap();
    let nobody = token("");
    let mut whole = |method, path, token| {
        let answer = ask(&mut service, method, path, token);
        let headers = answer.headers().clone();
        (headers, parts(answer))
    };
    for method in ["GET", "DELETE", "PUT", "HEAD", "OPTIONS"] {
        assert_eq!(whole(method, "/things/1", ""), whole(method, "/other", ""), "{method}");
    }
    let (headers, (status, body)) = whole("DELETE", "/things/1", "");
    let fields: Vec<_> =
        headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    let want = [
        ("content-type", "application/problem+json"),
        ("cache-control", "no-store"),
        ("www-authenticate", r#"Bearer realm="aetherflow""#),
        ("content-length", "149"),
        ("strict-transport-security", "max-age=31536000"),
        ("x-content-type-options", "nosniff"),
    ];
    assert_eq!((fields, status, body.as_str()), (want.to_vec(), 401, CREDENTIAL_REQUIRED));
    assert_eq!(whole("DELETE", "/things/1", &nobody).0.get("allow"), None, "a refusal by the policy");
}

#[test]
fn handlers_have_the_state_their_own_router_was_given() {
    let numbers = SecureRouter::new().route(
        "/number",
        Method::GET,
        async |State(number): State<u8>| number.to_string(),
        Policy::public(),
    );
    let both = SecureRouter::new().nest("/n", numbers.with_state(7)).merge(app().with_state("stateful"));
    let mut service = both.protect(gate()).unwrap();
    for (path, want) in [("/n/number", "7"), ("/state", "stateful")] {
        assert_eq!(parts(ask(&mut service, "GET", path, "")), (200, want.to_owned()));
    }
}

#[test]
fn a_handler_does_not_run_behind_no_gate() {
    let (router, _routes) = app().into_parts().unwrap();
    let mut router: Router = router.with_state("stateful");
    for path in ["/state", "/feed", "/things"] {
        let answer = ask(&mut router, "GET", path, &token("read:things"));
        let reason = answer.extensions().get::<Rejection>().unwrap().reason();
        assert_eq!((parts(answer).0, reason), (500, Reason::OtherPolicy), "{path}");
    }
}

#[test]
fn a_handler_does_not_run_under_another_policy_than_its_own() {
    let (router, _own_table) = app().into_parts().unwrap();
    // A table that reads the same request, but decides it by a weaker policy.
    let weaker = Routes::new().route(Method::GET, "/things", Policy::public()).route(
        Method::GET,
        "/state",
        Policy::public(),
    );
    let layer = SecurityLayer::new(gate().build(weaker).unwrap());
    let mut router: SecurityService<Router> = layer.layer(router.with_state("stateful"));
    for path in ["/things", "/state"] {
        assert_eq!(parts(ask(&mut router, "GET", path, "")).0, 500, "{path}");
    }
}

#[test]
fn parts_put_together_again_serve_as_one() {
    let (router, routes) = app().into_parts().unwrap();
    let layer = SecurityLayer::new(gate().build(routes).unwrap());
    let mut router: SecurityService<Router> = layer.layer(router.with_state("stateful"));
    assert_eq!(parts(ask(&mut router, "GET", "/things", &token("read:things"))), (200, "alice".into()));
}

#[test]
fn faults_that_axum_would_panic_at_are_told_together_with_the_gates() {
    let handler = async || "unreachable";
    let purge = Method::from_bytes(b"PURGE").unwrap();
    let router: SecureRouter = SecureRouter::new()
        .route("/a", Method::GET, handler, Policy::public())
        .route("/a", Method::GET, handler, Policy::public())
        .route("no-slash", Method::GET, handler, Policy::public())
        .route("/{a}", Method::GET, handler, Policy::public())
        .route("/{b}", Method::POST, handler, Policy::public())
        .route("/a", purge, handler, Policy::public())
        .route("/plan", Method::GET, handler, Policy::authenticated().on_plans(["gold"]));
    let error = router.protect(gate()).unwrap_err();
    let want = [
        Fault::UnknownPlan { route: "GET /plan".into(), plan: "gold".into() },
        Fault::Duplicate { route: "GET /a".into() },
        Fault::Path { route: "GET no-slash".into() },
        Fault::Conflict { route: "POST /{b}".into(), other: "/{a}".into() },
        Fault::Method { route: "PURGE /a".into() },
    ];
    assert_eq!(error.faults(), want);
}

fn ask<S>(router: &mut S, method: &str, path: &str, token: &str) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let mut request = Request::builder().method(method).uri(path).extension(Connection::tls((PEER, 1)));
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    now(router.call(request.body(Body::empty()).unwrap())).unwrap()
}

fn parts(answer: Response<Body>) -> (u16, String) {
    let (head, body) = answer.into_parts();
    let bytes = now(axum::body::to_bytes(body, 10_000)).unwrap();
    (head.status.as_u16(), String::from_utf8(bytes.to_vec()).unwrap())
}

const CREDENTIAL_REQUIRED: &str = r#"{"type":"https://aetherflow.com/problems/credential-required","title":"Credential required","status":401,"detail":"This request needs a credential."}"#;
