//! One connection, from its first byte of HTTP to its end.
//!
//! 1. A request's header is complete within [`HEADER`], and has at most [`HEADERS`] fields in [`HEADER_BYTES`].
//! 2. A connection that carries no request for [`IDLE`], or no first one for [`HEADER`], is closed, HTTP/2 pings or not.
//! 3. A peer has at most [`STREAMS`] requests open, and few resets outstanding.
//! 4. Once closing, what is in flight has [`CLOSING`] to finish, to the last byte of its answer. Where nothing is, a peer
//!    has [`FAREWELL`] to answer the GOAWAY of HTTP/2: one that says nothing would otherwise hold the end back.

mod watched;

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aetherflow_tower::Connection;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};
use tower_service::Service;

use watched::Watched;

use crate::closing::Closing;
use crate::routes::SecuredRouter;

/// Serves `stream` until the peer leaves, idles too long, or `closing` turns true.
pub(crate) async fn serve<S>(stream: S, connection: Connection, router: SecuredRouter, mut closing: Closing)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::new(Instant::now()));
    let service = service_fn(|request| answer(request, connection, router.clone(), Arc::clone(&activity)));
    let stream = Watched::new(stream, &activity);
    let http = limits();
    let mut serving = pin!(http.serve_connection_with_upgrades(TokioIo::new(stream), service));
    tokio::select! {
        // A connection's own error ends the connection: the peer broke HTTP, or left.
        _ = serving.as_mut() => return,
        () = activity.idle() => {}
        () = closing.heard() => {}
    }
    serving.as_mut().graceful_shutdown();
    let finished = async {
        tokio::select! {
            _ = serving => {}
            () = activity.quiet() => {}
        }
    };
    drop(timeout(CLOSING, finished).await);
}

async fn answer(
    request: Request<Incoming>,
    connection: Connection,
    mut router: SecuredRouter,
    activity: Arc<Activity>,
) -> Result<http::Response<Body>, std::convert::Infallible> {
    let open = activity.open();
    let _in_flight = activity.begin();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(connection);
    std::future::poll_fn(|context| Service::<Request<Body>>::poll_ready(&mut router, context)).await?;
    let answer = router.call(request).await?;
    // The body alone knows when its last byte is taken; this closure lives as long as it does.
    let keeping = move |error| {
        let _open = &open;
        error
    };
    Ok(answer.map(|body| Body::new(body.map_err(keeping))))
}

fn limits() -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(HEADER_BYTES).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(ERROR_RESETS)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    http
}

/// When a connection last carried a request, and what of it goes on.
#[derive(Debug)]
struct Activity {
    carried: Mutex<Carried>,
    /// Whether the peer has not made room for what was last written.
    is_blocked: AtomicBool,
    /// That a request, or what was blocked, is at its end.
    changed: Notify,
}

#[derive(Clone, Copy, Debug)]
struct Carried {
    is_used: bool,
    /// Requests that have no answer yet.
    in_flight: usize,
    /// Requests whose answer has not been given to its last byte.
    open: usize,
    last: Instant,
}

impl Activity {
    fn new(now: Instant) -> Self {
        let carried = Carried { is_used: false, in_flight: 0, open: 0, last: now };
        Self { carried: Mutex::new(carried), is_blocked: AtomicBool::new(false), changed: Notify::new() }
    }

    fn open(self: &Arc<Self>) -> Open {
        self.lock().open += 1;
        Open(Arc::clone(self))
    }

    /// Waits until nothing has been in flight for [`FAREWELL`].
    async fn quiet(&self) {
        loop {
            let changed = self.changed.notified();
            if self.is_busy() {
                changed.await;
            } else if timeout(FAREWELL, changed).await.is_err() && !self.is_busy() {
                return;
            }
        }
    }

    fn is_busy(&self) -> bool {
        self.lock().open > 0 || self.is_blocked.load(Ordering::Acquire)
    }

    fn set_blocked(&self, is_blocked: bool) {
        if self.is_blocked.swap(is_blocked, Ordering::AcqRel) && !is_blocked {
            self.changed.notify_one();
        }
    }

    fn begin(self: &Arc<Self>) -> InFlight {
        self.change(|carried| {
            carried.is_used = true;
            carried.in_flight += 1;
        });
        InFlight(Arc::clone(self))
    }

    /// Waits until no request has been carried for too long.
    async fn idle(&self) {
        let mut due = self.due(Instant::now());
        while let Some(at) = due {
            sleep_until(at).await;
            due = self.due(Instant::now());
        }
    }

    /// When to look again, or nothing if the connection is idle at `now`.
    fn due(&self, now: Instant) -> Option<Instant> {
        let carried = *self.lock();
        let since = if carried.in_flight > 0 { now } else { carried.last };
        let patience = if carried.is_used { IDLE } else { HEADER };
        Some(since + patience).filter(|due| *due > now)
    }

    fn change(&self, change: impl FnOnce(&mut Carried)) {
        let mut carried = self.lock();
        change(&mut carried);
        carried.last = Instant::now();
    }

    fn lock(&self) -> MutexGuard<'_, Carried> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.change(|carried| carried.in_flight -= 1);
    }
}

/// A request until the last byte of its answer is given.
struct Open(Arc<Activity>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.lock().open -= 1;
        self.0.changed.notify_one();
    }
}

const HEADER: Duration = Duration::from_secs(10);
const HEADERS: usize = 100;
const HEADER_BYTES: usize = 32 * 1024;
const IDLE: Duration = Duration::from_secs(60);
const CLOSING: Duration = Duration::from_secs(10);
const FAREWELL: Duration = Duration::from_secs(1);
const STREAMS: u32 = 100;
const PENDING_RESETS: usize = 20;
const ERROR_RESETS: usize = 100;
const SEND_BUFFER: usize = 64 * 1024;
const PING: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use aetherflow_auth::Environment;
    use aetherflow_auth::jwt::{TokenRules, Verifier};
    use aetherflow_auth::key::KeySet;
    use aetherflow_ratelimit::Limiter;
    use aetherflow_tower::axum::SecureRouter;
    use aetherflow_tower::{Gate, Policy};
    use http::Method;

    use super::*;

    #[test]
    fn a_connection_is_idle_only_when_nothing_was_carried_for_the_whole_time() {
        let start = Instant::now();
        let activity = Arc::new(Activity::new(start));
        assert_eq!(activity.due(start), Some(start + HEADER), "the first request comes soon");
        assert_eq!(activity.due(start + HEADER), None);

        let request = activity.begin();
        let later = start + 10 * IDLE;
        assert_eq!(activity.due(later), Some(later + IDLE), "a request in flight keeps it open");
        drop(request);
        let last = activity.lock().last;
        assert_eq!(activity.due(last), Some(last + IDLE));
        assert_eq!(activity.due(last + IDLE), None);
    }

    const LARGE: usize = 1024 * 1024;

    fn router() -> SecuredRouter {
        let (issuer, environment) = ("https://auth.example", Environment::production());
        let rules = TokenRules::access_token(issuer, "api", environment).unwrap();
        let keys = KeySet::new(issuer, environment, []).unwrap();
        let verifier = Arc::new(Verifier::new(rules, keys).unwrap());
        let gate = Gate::builder(environment, verifier, Arc::new(Limiter::exact(1)));
        let large = async || "x".repeat(LARGE);
        SecureRouter::new()
            .route("/", Method::GET, async || "", Policy::public())
            .route("/large", Method::GET, large, Policy::public())
            .protect(gate)
            .unwrap()
    }

    const PEER: ([u8; 4], u16) = ([203, 0, 113, 7], 4711);

    #[tokio::test(start_paused = true)]
    async fn a_peer_of_http_2_that_answers_no_goaway_holds_the_end_back_for_a_moment_only() {
        let (mut client, stream) = tokio::io::duplex(1_024);
        // The preface and empty settings, after which it reads nothing.
        let hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        tokio::io::AsyncWriteExt::write_all(&mut client, hello).await.unwrap();
        let (close, closing) = crate::closing::pair();
        let serving = tokio::spawn(serve(stream, Connection::plain(PEER), router(), closing));
        tokio::task::yield_now().await;
        let start = Instant::now();
        close.now();
        serving.await.unwrap();
        assert_eq!(start.elapsed(), FAREWELL);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_still_read_when_the_server_closes_is_given_to_its_end() {
        let (client, stream) = tokio::io::duplex(1_024);
        let (close, closing) = crate::closing::pair();
        let serving = tokio::spawn(serve(stream, Connection::tls(PEER), router(), closing));
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(client)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get("https://localhost/large").body(String::new()).unwrap();
        let mut body = sender.send_request(request).await.unwrap().into_body();
        close.now();
        let start = Instant::now();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            length += frame.unwrap().into_data().unwrap().len();
            // Some six seconds in all.
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert_eq!(length, LARGE);
        assert!(start.elapsed() > 2 * FAREWELL, "{:?}", start.elapsed());
        serving.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_never_says_what_it_wants_is_closed_as_soon_as_a_header_would_be_late() {
        for said in ["", "P", "PRI * HTTP/2.0\r\n", "GET /healthz HTTP/1.1\r\n"] {
            let (mut client, stream) = tokio::io::duplex(1_024);
            tokio::io::AsyncWriteExt::write_all(&mut client, said.as_bytes()).await.unwrap();
            let (_close, closing) = crate::closing::pair();
            let start = Instant::now();
            serve(stream, Connection::plain(PEER), router(), closing).await;
            assert_eq!(start.elapsed().as_secs(), HEADER.as_secs(), "{said:?}");
        }
    }
}
