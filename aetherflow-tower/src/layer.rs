//! The gate in front of a tower service.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::gate::{Check, Closing, Gate, Outcome};
use crate::rejection::Answer;

/// Puts a [`Gate`] in front of a service.
///
/// A refused request is an `Ok` response; its body is never polled and the service not called. A request that may
/// pass reaches the service untouched but for one extension, an [`Access`](crate::Access).
///
/// # Examples
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
/// use std::sync::Arc;
/// use aetherflow_auth::jwt::{TokenRules, Verifier};
/// use aetherflow_auth::key::{Algorithm, KeySet, SigningKey};
/// use aetherflow_auth::Environment;
/// use aetherflow_ratelimit::Limiter;
/// use aetherflow_tower::{Gate, Policy, Routes, SecurityLayer};
///
/// let (issuer, here) = ("https://auth.example", Environment::production());
/// let keys = KeySet::new(issuer, here, [SigningKey::generate(Algorithm::Es256, here)?.verifying_key()])?;
/// let verifier = Verifier::new(TokenRules::access_token(issuer, "https://api.example", here)?, keys)?;
/// let routes = Routes::new().route(http::Method::GET, "/things", Policy::scopes("read:things"));
///
/// let gate = Gate::builder(here, Arc::new(verifier), Arc::new(Limiter::new(10_000))).build(routes)?;
/// let layer = SecurityLayer::new(gate);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SecurityLayer {
    gate: Gate,
}

impl SecurityLayer {
    /// Decides by this gate.
    #[must_use]
    pub fn new(gate: Gate) -> Self {
        Self { gate }
    }
}

impl<S> Layer<S> for SecurityLayer {
    type Service = SecurityService<S>;

    fn layer(&self, inner: S) -> SecurityService<S> {
        SecurityService { gate: self.gate.clone(), inner }
    }
}

/// A service behind a [`Gate`]; made by [`SecurityLayer`].
#[derive(Clone, Debug)]
pub struct SecurityService<S> {
    gate: Gate,
    inner: S,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for SecurityService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: Default + From<Bytes>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, Request<ReqBody>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let state = match self.gate.check(&request) {
            Check::Done(Outcome::Allow(access, closing)) => {
                request.extensions_mut().insert(access);
                State::Running { response: self.inner.call(request), closing: Some(closing) }
            }
            Check::Done(Outcome::Reject(answer)) => State::Refused { answer: Some(answer) },
            Check::Wait(check) => {
                // The clone was never asked whether it is ready; the one that said so waits with the request.
                let fresh = self.inner.clone();
                let ready = mem::replace(&mut self.inner, fresh);
                State::Deciding { check, waiting: Some((ready, request)) }
            }
        };
        ResponseFuture { state }
    }
}

pin_project! {
    /// The answer to come of a [`SecurityService`].
    pub struct ResponseFuture<S: Service<R>, R> {
        #[pin]
        state: State<S, R>,
    }
}

pin_project! {
    #[project = Step]
    enum State<S: Service<R>, R> {
        Refused { answer: Option<Answer> },
        Deciding { check: Pin<Box<dyn Future<Output = Outcome> + Send>>, waiting: Option<(S, R)> },
        Running { #[pin] response: S::Future, closing: Option<Closing> },
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, Request<ReqBody>>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default + From<Bytes>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                Step::Refused { answer } => {
                    return Poll::Ready(Ok(answer.take().expect(POLLED_AGAIN).into_response()));
                }
                Step::Running { response, closing } => {
                    let mut response = ready!(response.poll(cx))?;
                    let closing = closing.take().expect(POLLED_AGAIN);
                    closing.close(response.status(), response.headers_mut());
                    return Poll::Ready(Ok(response));
                }
                Step::Deciding { check, waiting } => match ready!(check.as_mut().poll(cx)) {
                    Outcome::Allow(access, closing) => {
                        let (mut service, mut request) = waiting.take().expect(POLLED_AGAIN);
                        request.extensions_mut().insert(access);
                        State::Running { response: service.call(request), closing: Some(closing) }
                    }
                    Outcome::Reject(answer) => State::Refused { answer: Some(answer) },
                },
            };
            state.set(next);
        }
    }
}

impl<S: Service<R>, R> std::fmt::Debug for ResponseFuture<S, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResponseFuture")
    }
}

const POLLED_AGAIN: &str = "a future is not polled after it is ready";
