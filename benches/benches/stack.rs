//! The whole layer in process, beside what a team would build from jsonwebtoken, tower-http and tower_governor.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use aetherflow_auth::Environment;
use aetherflow_auth::audit::{Event, Sink};
use aetherflow_auth::key::{Algorithm, VerifyingKey};
use aetherflow_benches::{Contest, Counting, Measured, ratio, token};
use aetherflow_ratelimit::{Limiter, Plan, Window};
use aetherflow_tower::{Connection, Gate, Policy, Routes, SecurityLayer};
use axum::body::Body;
use futures_util::FutureExt as _;
use governor::middleware::{NoOpMiddleware, StateInformationMiddleware};
use http::{Method, Request, Response, StatusCode, header};
use jsonwebtoken::{DecodingKey, Validation};
use serde::Deserialize;
use tower::{Layer as _, Service, service_fn};
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::KeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};
use tower_http::validate_request::ValidateRequestHeaderLayer;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let token = token::hs256();
    let mut contest = Contest::new();
    contest.add("bare service", calls(service_fn(bare), &token));
    contest.add("ours, first sight", calls(ours(Shape::FirstSight), &token));
    contest.add("ours, token hit", calls(ours(Shape::Hit), &token));
    contest.add("ours, token hit, fields and audit", calls(ours(Shape::Everything), &token));
    contest.add("hand-built stack", calls(hand_built(), &token));
    contest.add("hand-built stack with headers", calls(hand_built_with_headers(), &token));
    let all = contest.measure();
    let over_bare = |at: usize| all[at].median - all[0].median;
    report(&all, over_bare);
}

fn report(all: &[Measured], over_bare: impl Fn(usize) -> f64) {
    println!("over the bare service:");
    for (at, one) in all.iter().enumerate().skip(1) {
        println!("{:<44} {:>9.1}", one.name, over_bare(at));
    }
    let peer = "jsonwebtoken 11.1 + tower-http 0.6 + 2x tower_governor 0.8";
    ratio("first sight vs hand-built stack", over_bare(1), peer, over_bare(4));
    ratio("allow vs hand-built stack", over_bare(2), peer, over_bare(4));
    ratio("allow with headers vs hand-built stack with headers", over_bare(3), peer, over_bare(5));
}

/// One request a call, which must be allowed; the futures are ready at once.
fn calls<S>(mut service: S, token: &str) -> impl FnMut()
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let authorization = http::HeaderValue::try_from(format!("Bearer {token}")).expect("visible ASCII");
    let connection = Connection::tls(([192, 0, 2, 1], 50_000));
    move || {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = http::Uri::from_static("/v2/workflows");
        request.headers_mut().insert(header::AUTHORIZATION, authorization.clone());
        request.extensions_mut().insert(connection);
        let answer = service.call(request).now_or_never().expect("nothing to wait for");
        assert_eq!(answer.map(|answer| answer.status()), Ok(StatusCode::OK));
    }
}

fn bare(_: Request<Body>) -> Ready<Result<Response<Body>, Infallible>> {
    ready(Ok(Response::new(Body::empty())))
}

enum Shape {
    FirstSight,
    Hit,
    Everything,
}

type Bare = tower::util::ServiceFn<fn(Request<Body>) -> Ready<Result<Response<Body>, Infallible>>>;

fn ours(shape: Shape) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible> {
    let here = Environment::production();
    let key = VerifyingKey::from_secret("k1", Algorithm::Hs256, token::SECRET).expect("long enough");
    let mut verifier = token::verifier(key);
    if matches!(shape, Shape::FirstSight) {
        verifier = verifier.with_cache(0);
    }
    let windows = [("minute", 60), ("hour", 3600)].map(|(name, period)| endless(name, period));
    let plan = Plan::new("free", windows).expect("two windows");
    let mut gate = Gate::builder(here, Arc::new(verifier), Arc::new(Limiter::new(10_000))).with_plans([plan]);
    gate = match shape {
        Shape::Everything => gate.with_audit(Arc::new(Discard)),
        Shape::FirstSight | Shape::Hit => gate.without_rate_limit_fields(),
    };
    let routes = Routes::new().route(Method::GET, "/v2/workflows", Policy::scopes("read:workflows"));
    let bare: Bare = service_fn(bare);
    SecurityLayer::new(gate.build(routes).expect("a good configuration")).layer(bare)
}

/// A window no benchmark exhausts.
fn endless(name: &str, seconds: u64) -> Window {
    Window::new(name, u32::MAX, Duration::from_secs(seconds)).expect("a window")
}

#[derive(Debug)]
struct Discard;

impl Sink for Discard {
    fn record(&self, event: Event) {
        std::hint::black_box(event);
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    scope: String,
    env: String,
}

#[derive(Clone)]
struct Subject(String);

/// Limits by the subject the token named.
#[derive(Clone, Debug)]
struct BySubject;

impl KeyExtractor for BySubject {
    type Key = String;

    fn extract<T>(&self, request: &Request<T>) -> Result<String, GovernorError> {
        request
            .extensions()
            .get::<Subject>()
            .map(|subject| subject.0.clone())
            .ok_or(GovernorError::UnableToExtractKey)
    }
}

fn validate() -> impl FnMut(&mut Request<Body>) -> Result<(), Response<Body>> + Clone {
    let mut rules = Validation::new(jsonwebtoken::Algorithm::HS256);
    rules.set_issuer(&[token::ISSUER]);
    rules.set_audience(&[token::AUDIENCE]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let key = DecodingKey::from_secret(token::SECRET);
    let (rules, key) = (Arc::new(rules), Arc::new(key));
    move |request| {
        let claims =
            bearer(request).and_then(|token| jsonwebtoken::decode::<Claims>(token, &key, &rules).ok());
        let claims = claims.map(|data| data.claims).filter(|claims| claims.env == "production");
        let Some(claims) = claims else { return Err(refused(StatusCode::UNAUTHORIZED)) };
        if !claims.scope.split(' ').any(|scope| scope == "read:workflows") {
            return Err(refused(StatusCode::FORBIDDEN));
        }
        request.extensions_mut().insert(Subject(claims.sub));
        Ok(())
    }
}

fn bearer(request: &Request<Body>) -> Option<&str> {
    request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn refused(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn hand_built() -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible> {
    let bare: Bare = service_fn(bare);
    ValidateRequestHeaderLayer::custom(Validate(validate())).layer(quiet().layer(quiet().layer(bare)))
}

fn quiet() -> GovernorLayer<BySubject, NoOpMiddleware, Body> {
    let mut config = GovernorConfigBuilder::default().key_extractor(BySubject);
    GovernorLayer::new(config.period(PERIOD).burst_size(u32::MAX).finish().expect("a quota"))
}

fn hand_built_with_headers() -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible> {
    let bare: Bare = service_fn(bare);
    ValidateRequestHeaderLayer::custom(Validate(validate())).layer(showing().layer(showing().layer(bare)))
}

fn showing() -> GovernorLayer<BySubject, StateInformationMiddleware, Body> {
    let mut config = GovernorConfigBuilder::default().key_extractor(BySubject).use_headers();
    GovernorLayer::new(config.period(PERIOD).burst_size(u32::MAX).finish().expect("a quota"))
}

/// The shortest interval a quota takes, so that no benchmark exhausts it.
const PERIOD: Duration = Duration::from_nanos(1);

#[derive(Clone)]
struct Validate<F>(F);

impl<F> tower_http::validate_request::ValidateRequest<Body> for Validate<F>
where
    F: FnMut(&mut Request<Body>) -> Result<(), Response<Body>>,
{
    type ResponseBody = Body;

    fn validate(&mut self, request: &mut Request<Body>) -> Result<(), Response<Body>> {
        (self.0)(request)
    }
}
