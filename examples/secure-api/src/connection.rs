//! One connection, from its first byte of HTTP to its end.
//!
//! 1. A request's header is complete within [`HEADER`], and has at most [`HEADERS`] fields in [`HEADER_BYTES`].
//! 2. A connection that carries no request for [`IDLE`], or no first one for [`HEADER`], is closed, HTTP/2 pings or not.
//! 3. A peer has at most [`STREAMS`] requests open, and few resets outstanding.
//! 4. Once closing, what is in flight has [`CLOSING`] to finish.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aetherflow_tower::Connection;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tower_service::Service;

use crate::closing::Closing;
use crate::routes::SecuredRouter;

/// Serves `stream` until the peer leaves, idles too long, or `closing` turns true.
pub(crate) async fn serve<S>(stream: S, connection: Connection, router: SecuredRouter, mut closing: Closing)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::new(Instant::now()));
    let service = service_fn(|request| answer(request, connection, router.clone(), Arc::clone(&activity)));
    let http = limits();
    let mut serving = pin!(http.serve_connection_with_upgrades(TokioIo::new(stream), service));
    tokio::select! {
        // A connection's own error ends the connection: the peer broke HTTP, or left.
        _ = serving.as_mut() => return,
        () = activity.idle() => {}
        () = closing.heard() => {}
    }
    serving.as_mut().graceful_shutdown();
    drop(timeout(CLOSING, serving).await);
}

async fn answer(
    request: Request<Incoming>,
    connection: Connection,
    mut router: SecuredRouter,
    activity: Arc<Activity>,
) -> Result<http::Response<Body>, std::convert::Infallible> {
    let _in_flight = activity.begin();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(connection);
    std::future::poll_fn(|context| Service::<Request<Body>>::poll_ready(&mut router, context)).await?;
    router.call(request).await
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

/// When a connection last carried a request, and whether it ever did.
#[derive(Debug)]
struct Activity(Mutex<Carried>);

#[derive(Clone, Copy, Debug)]
struct Carried {
    is_used: bool,
    in_flight: usize,
    last: Instant,
}

impl Activity {
    fn new(now: Instant) -> Self {
        Self(Mutex::new(Carried { is_used: false, in_flight: 0, last: now }))
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
        let carried = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = if carried.in_flight > 0 { now } else { carried.last };
        let patience = if carried.is_used { IDLE } else { HEADER };
        Some(since + patience).filter(|due| *due > now)
    }

    fn change(&self, change: impl FnOnce(&mut Carried)) {
        let mut carried = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut carried);
        carried.last = Instant::now();
    }
}

struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.change(|carried| carried.in_flight -= 1);
    }
}

const HEADER: Duration = Duration::from_secs(10);
const HEADERS: usize = 100;
const HEADER_BYTES: usize = 32 * 1024;
const IDLE: Duration = Duration::from_secs(60);
const CLOSING: Duration = Duration::from_secs(10);
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
        let last = activity.0.lock().unwrap().last;
        assert_eq!(activity.due(last), Some(last + IDLE));
        assert_eq!(activity.due(last + IDLE), None);
    }

    fn router() -> SecuredRouter {
        let (issuer, environment) = ("https://auth.example", Environment::production());
        let rules = TokenRules::access_token(issuer, "api", environment).unwrap();
        let keys = KeySet::new(issuer, environment, []).unwrap();
        let verifier = Arc::new(Verifier::new(rules, keys).unwrap());
        let gate = Gate::builder(environment, verifier, Arc::new(Limiter::exact(1)));
        SecureRouter::new().route("/", Method::GET, async || "", Policy::public()).protect(gate).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_never_says_what_it_wants_is_closed_as_soon_as_a_header_would_be_late() {
        for said in ["", "P", "PRI * HTTP/2.0\r\n", "GET /healthz HTTP/1.1\r\n"] {
            let (mut client, stream) = tokio::io::duplex(1_024);
            tokio::io::AsyncWriteExt::write_all(&mut client, said.as_bytes()).await.unwrap();
            let (_close, closing) = crate::closing::pair();
            let start = Instant::now();
            serve(stream, Connection::plain(([203, 0, 113, 7], 4711)), router(), closing).await;
            assert_eq!(start.elapsed().as_secs(), HEADER.as_secs(), "{said:?}");
        }
    }
}
