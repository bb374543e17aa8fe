//! What the layer promises to the service behind it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll};

use aetherflow_tower::{Access, Connection, Gate, ResponseFuture, SecurityLayer, SecurityService};
use http::{Request, Response, Version};
use tower_layer::Layer;

use crate::service::{Body, Handler, PEER, Service, answer_to, begin, get, now, over, token, with_token};

#[test]
fn the_types_go_where_tower_needs_them() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    fn sent<T: Send + 'static>() {}
    shared::<Gate>();
    shared::<SecurityLayer>();
    shared::<SecurityService<Handler>>();
    shared::<Access>();
    sent::<ResponseFuture<Handler, Request<Cell<u8>>>>();
}

#[test]
fn a_body_that_is_neither_clone_nor_send_passes_through() {
    let service = Service::new();
    let mut secured = SecurityLayer::new(service.gate.clone()).layer(Handler::new(&service.calls));
    let body = Rc::new(Cell::new(7));
    let request =
        Request::get("/healthz").extension(Connection::tls((PEER, 1))).body(Rc::clone(&body)).unwrap();
    assert_eq!(now(begin(&mut secured, request)).unwrap().status(), 200);
    assert_eq!(Rc::strong_count(&body), 1);
}

#[test]
fn one_service_answers_many_requests_each_after_it_said_that_it_is_ready() {
    let service = Service::new();
    let key = service.key("read:workflows");
    let mut secured = SecurityLayer::new(service.gate.clone()).layer(Handler::new(&service.calls));
    let by_key = || get("/v1/workflows", &[("x-api-key", key.expose())]);
    for request in [get("/healthz", &[]), by_key(), get("/unlisted", &[]), by_key(), get("/healthz", &[])] {
        answer_to(&mut secured, over(request, Connection::tls((PEER, 1))));
    }
    assert_eq!(service.calls(), 4);
}

#[test]
fn a_refusal_never_calls_the_service() {
    let service = Service::new();
    for request in [get("/unlisted", &[]), with_token("GET", "/v2/usage", "abc"), get("/a//b", &[])] {
        service.send(request);
    }
    service.send_bare(get("/healthz", &[]));
    assert_eq!(service.calls(), 0);
}

#[test]
fn the_error_of_the_service_stays_its_own() {
    let service = Service::new();
    let mut secured = SecurityLayer::new(service.gate.clone()).layer(Handler::new(&service.calls));
    let request = over(get("/healthz?fail", &[]), Connection::tls((PEER, 1)));
    assert_eq!(now(begin(&mut secured, request)).unwrap_err(), "the handler's own error");
}

/// Answers with what it saw of the request.
#[derive(Clone)]
struct Mirror;

impl tower_service::Service<Request<()>> for Mirror {
    type Response = Response<Body>;
    type Error = &'static str;
    type Future = std::future::Ready<Result<Response<Body>, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let mut response = Response::builder().version(request.version());
        for (name, value) in request.headers() {
            response = response.header(format!("saw-{name}"), value);
        }
        response = response.header("saw-extensions", request.extensions().len());
        response = response.header("saw-access", request.extensions().get::<Access>().is_some().to_string());
        response =
            response.header("strict-transport-security", "max-age=0").header("link", "</next>; rel=\"next\"");
        std::future::ready(Ok(response.body(Body::default()).unwrap()))
    }
}

#[test]
fn a_request_passes_untouched_but_for_one_extension() {
    let service = Service::new();
    let mut request = with_token("GET", "/v2/usage", &token(""));
    request.headers_mut().insert("upgrade", "websocket".parse().unwrap());
    *request.version_mut() = Version::HTTP_2;
    let before = request.headers().len();
    let mut secured = SecurityLayer::new(service.gate).layer(Mirror);
    let answer = answer_to(&mut secured, over(request, Connection::tls((PEER, 1))));
    let saw = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        (saw("saw-extensions"), saw("saw-access"), saw("saw-upgrade")),
        ("2".into(), "true".into(), "websocket".into())
    );
    let seen = answer.headers().keys().filter(|name| name.as_str().starts_with("saw-")).count();
    assert_eq!((seen, answer.version()), (before + 2, Version::HTTP_2));
}

#[test]
fn a_handler_cannot_weaken_the_gates_headers_and_keeps_its_own() {
    let service = Service::new();
    let key = service.key("read:workflows");
    let mut secured = SecurityLayer::new(service.gate.clone()).layer(Mirror);
    let request = get("/v1/workflows", &[("x-api-key", key.expose())]);
    let answer = answer_to(&mut secured, over(request, Connection::tls((PEER, 1))));
    let all = |name: &str| -> Vec<&str> {
        answer.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    };
    assert_eq!(all("strict-transport-security"), ["max-age=31536000"]);
    assert_eq!(all("link"), ["</next>; rel=\"next\"", "<https://docs.example/keys>; rel=\"deprecation\""]);
}

#[test]
fn clones_share_one_gate() {
    let service = Service::new();
    let layer = SecurityLayer::new(service.gate.clone());
    let (mut one, mut two) =
        (layer.layer(Mirror), layer.clone().layer(Handler::new(&Arc::new(AtomicUsize::new(0)))));
    let ask = || over(with_token("GET", "/v2/usage", &token("")), Connection::tls((PEER, 1)));
    answer_to(&mut one, ask());
    let answer = answer_to(&mut two, ask());
    assert_eq!(answer.headers()["ratelimit"], "\"minute\";r=58;t=58, \"hour\";r=998;t=3593");
}
