//! A small service behind a gate, with a clock, a store and a log the test holds.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use aetherflow_auth::api_key::{ApiKey, MemoryApiKeyStore, Peppers};
use aetherflow_auth::audit::{Event, Sink};
use aetherflow_auth::jwt::{Grant, Minted, Minter, TokenRules, Verifier};
use aetherflow_auth::key::{Algorithm, KeySet, SigningKey};
use aetherflow_auth::revocation::Revocations;
use aetherflow_auth::{Environment, Identity};
use aetherflow_ratelimit::{Limiter, Tick};
use aetherflow_tower::gate::{Clock, GateBuilder, Now};
use aetherflow_tower::{Connection, Gate, Policy, Routes, SecurityLayer, Sunset, TrustedProxies};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, Request, Response};
use tower_layer::Layer;

pub(crate) const ISSUER: &str = "https://auth.example";
pub(crate) const AUDIENCE: &str = "https://api.example";
pub(crate) const PEER: [u8; 4] = [203, 0, 113, 9];
pub(crate) const PROXY: [u8; 4] = [10, 0, 0, 1];

/// A service whose one handler answers "served".
pub(crate) struct Service {
    pub(crate) gate: Gate,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) events: Arc<Events>,
    pub(crate) log: Arc<Mutex<Vec<String>>>,
    pub(crate) calls: Arc<AtomicUsize>,
    pub(crate) store: Arc<MemoryApiKeyStore>,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) peppers: Arc<Peppers>,
}

impl Service {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// Changes the gate's configuration, but for the routes.
    pub(crate) fn with(change: impl FnOnce(GateBuilder) -> GateBuilder) -> Self {
        let (clock, events, log) = (Arc::default(), Arc::default(), Arc::<Mutex<Vec<String>>>::default());
        let (store, revocations) = (Arc::new(MemoryApiKeyStore::new()), Arc::new(Revocations::new()));
        let peppers = Arc::new(Peppers::new(environment(), "pepper", &[9; 32]).unwrap());
        let verifier = verifier().with_revocations(Arc::clone(&revocations));
        let heard = Arc::clone(&log);
        let builder = Gate::builder(environment(), Arc::new(verifier), Arc::new(Limiter::new(1_000)))
            .with_api_keys(Arc::clone(&store) as _, Arc::clone(&peppers))
            .with_trusted_proxies(TrustedProxies::x_forwarded_for(["10.0.0.0/24"]))
            .with_clock(Arc::clone(&clock) as _)
            .with_audit(Arc::clone(&events) as _)
            .with_operator_log(move |line| heard.lock().unwrap().push(line.to_owned()));
        let gate = change(builder).build(routes()).unwrap();
        Self { gate, clock, events, log, calls: Arc::default(), store, revocations, peppers }
    }

    /// Sends a request over TLS from [`PEER`], unless it carries a connection of its own.
    pub(crate) fn send(&self, mut request: Request<()>) -> Response<Body> {
        if request.extensions().get::<Connection>().is_none() {
            request.extensions_mut().insert(Connection::tls((PEER, 50_000)));
        }
        self.send_bare(request)
    }

    /// Sends a request as it is.
    pub(crate) fn send_bare(&self, request: Request<()>) -> Response<Body> {
        let mut service = SecurityLayer::new(self.gate.clone()).layer(Handler::new(&self.calls));
        answer_to(&mut service, request)
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Keeps a new API key with a scope, valid for 90 days.
    pub(crate) fn key(&self, scopes: &str) -> ApiKey {
        let key = ApiKey::generate(environment()).unwrap();
        let holder = Identity::new(ISSUER, None, "kay");
        let record = self.peppers.record(&key, holder, start(), start() + TimeDelta::days(90)).unwrap();
        self.store.insert(record.with_scopes(scopes.parse().unwrap()));
        key
    }
}

pub(crate) fn routes() -> Routes {
    let sunset = Sunset::new(start(), start() + TimeDelta::days(30), "https://docs.example/keys");
    Routes::new()
        .route(Method::GET, "/healthz", Policy::public())
        .route(Method::GET, "/feed", Policy::optional())
        .route(Method::GET, "/v1/workflows", Policy::scopes("read:workflows").with_api_keys(sunset))
        .route(Method::GET, "/v2/workflows", Policy::scopes("read:workflows"))
        .route(Method::POST, "/v2/workflows", Policy::scopes("write:workflows"))
        .route(
            Method::POST,
            "/v2/workflows/{id}/execute",
            Policy::scopes("execute:workflows").from_allowlist(),
        )
        .route(Method::GET, "/v2/usage", Policy::authenticated())
        .route(Method::GET, "/v2/keys", Policy::scopes("manage:credentials").refusing_third_parties())
        .route(Method::GET, "/v2/files/{*name}", Policy::scopes("read:workflows").on_plans(["enterprise"]))
        .route(Method::GET, "/v2/office", Policy::authenticated().from_addresses(["192.0.2.0/24"]))
        .route(Method::POST, "/flow.Workflows/List", Policy::scopes("read:workflows").grpc())
}

pub(crate) fn environment() -> Environment {
    Environment::production()
}

pub(crate) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_000, 0).unwrap()
}

pub(crate) fn verifier() -> Verifier {
    let keys = KeySet::new(ISSUER, environment(), [signing_key(7).verifying_key()]).unwrap();
    Verifier::new(TokenRules::access_token(ISSUER, AUDIENCE, environment()).unwrap(), keys).unwrap()
}

pub(crate) fn signing_key(byte: u8) -> SigningKey {
    SigningKey::from_secret("key-1", Algorithm::Hs256, &[byte; 32], environment()).unwrap()
}

/// What a good token for `alice` says; each test changes one thing.
pub(crate) fn grant(scopes: &str) -> Grant {
    Grant::new(environment(), "alice", AUDIENCE, TimeDelta::hours(1)).with_scopes(scopes.parse().unwrap())
}

pub(crate) fn mint(grant: &Grant) -> String {
    minted(grant).token().to_owned()
}

pub(crate) fn minted(grant: &Grant) -> Minted {
    Minter::new(ISSUER, signing_key(7)).unwrap().mint_at(grant, start()).unwrap()
}

/// A token of another signer under the same key id.
pub(crate) fn forge(grant: &Grant) -> String {
    Minter::new(ISSUER, signing_key(8)).unwrap().mint_at(grant, start()).unwrap().token().to_owned()
}

/// The key with another last digit, so that its checksum does not hold.
pub(crate) fn misspelt(key: &ApiKey) -> String {
    let (rest, last) = key.expose().split_at(key.expose().len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}

pub(crate) fn token(scopes: &str) -> String {
    mint(&grant(scopes))
}

pub(crate) fn request(method: &str, path: &str, fields: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

pub(crate) fn get(path: &str, fields: &[(&str, &str)]) -> Request<()> {
    request("GET", path, fields)
}

pub(crate) fn with_token(method: &str, path: &str, token: &str) -> Request<()> {
    request(method, path, &[("authorization", &format!("Bearer {token}"))])
}

pub(crate) fn over<T>(mut request: Request<T>, connection: Connection) -> Request<T> {
    request.extensions_mut().insert(connection);
    request
}

/// A request that a declared proxy passes on over TLS for a client at `address`.
pub(crate) fn through_proxy(request: Request<()>, address: &str) -> Request<()> {
    let mut request = over(request, Connection::tls((PROXY, 443)));
    request.headers_mut().insert("x-forwarded-for", address.parse().unwrap());
    request
}

/// An answer as text: status, headers by name, an empty line, the body.
pub(crate) fn text(response: Response<Body>) -> String {
    let (parts, body) = response.into_parts();
    let mut fields: Vec<String> =
        parts.headers.iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap())).collect();
    fields.sort_unstable();
    format!("{}\n{}\n{}", parts.status.as_u16(), fields.concat(), String::from_utf8(body.0.to_vec()).unwrap())
}

pub(crate) fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

/// The slug of the problem in an answer, and its status.
pub(crate) fn problem(response: &Response<Body>) -> (u16, &str) {
    let text = str::from_utf8(&response.body().0).unwrap();
    let slug = text.split('"').nth(3).and_then(|kind| kind.rsplit(['/', '#']).next()).unwrap_or("");
    (response.status().as_u16(), slug)
}

#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Body(pub(crate) Bytes);

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

/// Panics when called before it said that it is ready, and forgets with every clone that it did.
pub(crate) struct Handler {
    calls: Arc<AtomicUsize>,
    is_ready: bool,
}

impl Handler {
    pub(crate) fn new(calls: &Arc<AtomicUsize>) -> Self {
        Self { calls: Arc::clone(calls), is_ready: false }
    }
}

impl Clone for Handler {
    fn clone(&self) -> Self {
        Self::new(&self.calls)
    }
}

impl<B> tower_service::Service<Request<B>> for Handler {
    type Response = Response<Body>;
    type Error = &'static str;
    type Future = std::future::Ready<Result<Response<Body>, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called before it was ready");
        self.calls.fetch_add(1, Ordering::Relaxed);
        if request.uri().query() == Some("fail") {
            return std::future::ready(Err("the handler's own error"));
        }
        std::future::ready(Ok(Response::new(Body(Bytes::from_static(b"served")))))
    }
}

pub(crate) fn answer_to<S>(service: &mut S, request: Request<()>) -> Response<Body>
where
    S: tower_service::Service<Request<()>, Response = Response<Body>, Error = &'static str>,
{
    now(begin(service, request)).unwrap()
}

/// Calls a service once it says that it is ready.
pub(crate) fn begin<B, S>(service: &mut S, request: Request<B>) -> S::Future
where
    S: tower_service::Service<Request<B>, Error = &'static str>,
{
    assert_eq!(service.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(())));
    service.call(request)
}

/// The value of a future that never waits for anything outside.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..100 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return value;
        }
    }
    panic!("the future waits for something outside");
}

/// Stands still until the test moves it.
#[derive(Debug, Default)]
pub(crate) struct ManualClock(AtomicU64);

impl ManualClock {
    pub(crate) fn advance(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_milliseconds().unsigned_abs(), Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        let millis = self.0.load(Ordering::Relaxed);
        let passed = TimeDelta::milliseconds(millis.try_into().unwrap());
        Now { time: start() + passed, tick: Tick::from_millis(millis) }
    }
}

/// Keeps what was recorded.
#[derive(Debug, Default)]
pub(crate) struct Events(Mutex<Vec<Event>>);

impl Events {
    pub(crate) fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Sink for Events {
    fn record(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}
