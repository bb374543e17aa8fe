//! API keys whose store makes a request wait.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aetherflow_auth::api_key::{ApiKeyRecord, ApiKeyStore, KeyId, Lookup, MemoryApiKeyStore, StoreError};
use aetherflow_auth::audit::Action;
use aetherflow_tower::{Connection, SecurityLayer};
use http::Request;
use tower_layer::Layer;

use crate::service::{Handler, PEER, Service, begin, get, misspelt, now, over, problem, text};

/// Answers at the second poll, or says then that it cannot.
#[derive(Debug)]
struct Slow(Option<Arc<MemoryApiKeyStore>>);

impl ApiKeyStore for Slow {
    fn find(&self, id: &KeyId) -> Lookup {
        let found = match &self.0 {
            Some(store) => match store.find(id) {
                Lookup::Ready(found) => found,
                Lookup::Wait(_) => unreachable!("the memory answers at once"),
            },
            None => Err(StoreError::Unavailable),
        };
        Lookup::Wait(Box::pin(Second(Some(found), false)))
    }
}

type Found = Result<Option<Arc<ApiKeyRecord>>, StoreError>;

struct Second(Option<Found>, bool);

impl Future for Second {
    type Output = Found;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if !std::mem::replace(&mut self.1, true) {
            return Poll::Pending;
        }
        Poll::Ready(self.0.take().unwrap())
    }
}

/// The same service twice: one whose store answers at once, one whose store makes it wait.
fn pair() -> (Service, Service) {
    let quick = Service::new();
    let (store, peppers) = (Arc::clone(&quick.store), Arc::clone(&quick.peppers));
    let slow = Service::with(|gate| gate.with_api_keys(Arc::new(Slow(Some(store))), peppers));
    (quick, slow)
}

#[test]
fn a_wait_changes_no_answer() {
    let (quick, slow) = pair();
    let (key, removed) = (quick.key("read:workflows"), quick.key("read:workflows"));
    quick.store.remove(removed.id());
    for (name, path, key) in [
        ("served", "/v1/workflows", key.expose()),
        ("out of place", "/v2/workflows", key.expose()),
        ("unlisted", "/unlisted", key.expose()),
        ("removed", "/v1/workflows", removed.expose()),
        ("misspelt", "/v1/workflows", &misspelt(&key)),
    ] {
        let ask = || get(path, &[("x-api-key", key)]);
        assert_eq!(text(slow.send(ask())), text(quick.send(ask())), "{name}");
    }
    assert_eq!(slow.calls(), 1);
}

#[test]
fn a_wait_that_fails_is_a_temporary_failure_and_charges_nobody() {
    let (quick, _) = pair();
    let service = Service::with(|gate| gate.with_api_keys(Arc::new(Slow(None)), Arc::clone(&quick.peppers)));
    let key = quick.key("read:workflows");
    for _ in 0..61 {
        let answer = service.send(get("/v1/workflows", &[("x-api-key", key.expose())]));
        assert_eq!(problem(&answer), (503, "temporarily-unavailable"));
    }
}

#[test]
fn a_service_waits_with_the_request_it_was_ready_for() {
    let (quick, slow) = pair();
    let key = quick.key("read:workflows");
    let mut secured = SecurityLayer::new(slow.gate.clone()).layer(Handler::new(&slow.calls));
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(begin(&mut secured, by_key(key.expose())));
    }
    for future in waiting {
        assert_eq!(now(future).unwrap().status(), 200);
    }
    assert_eq!(slow.calls(), 3);
}

#[test]
fn a_client_that_leaves_while_its_key_is_looked_up_is_recorded() {
    let (quick, slow) = pair();
    let key = quick.key("read:workflows");
    let mut secured = SecurityLayer::new(slow.gate.clone()).layer(Handler::new(&slow.calls));
    drop(begin(&mut secured, by_key(key.expose())));
    let events = slow.events.take();
    assert_eq!((events.len(), events[0].action(), events[0].status()), (1, Action::Refused, None));
    assert_eq!(events[0].reason(), Some("the client left before the request was decided"));
}

#[test]
fn a_key_over_plain_http_is_refused_after_the_same_wait() {
    let (quick, slow) = pair();
    let key = quick.key("read:workflows");
    let request = over(get("/v1/workflows", &[("x-api-key", key.expose())]), Connection::plain((PEER, 1)));
    assert_eq!(problem(&slow.send(request)), (403, "https-required"));
    let events = slow.events.take();
    assert_eq!(
        (events[0].action(), events[0].credential()),
        (Action::CredentialExposed, Some(key.id().as_str()))
    );
}

fn by_key(key: &str) -> Request<()> {
    over(get("/v1/workflows", &[("x-api-key", key)]), Connection::tls((PEER, 1)))
}
