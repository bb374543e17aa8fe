use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::axum::body::Body;
use ::axum::extract::Request;
use ::axum::handler::Handler;
use http::Response;
use pin_project_lite::pin_project;

use crate::access::Access;
use crate::rejection::{Problem, Reason, Rejection};
use crate::route::Rule;

/// A handler that runs only under the rule it was registered with.
#[derive(Clone)]
pub(super) struct Guarded<H> {
    pub(super) handler: H,
    pub(super) rule: Arc<Rule>,
}

impl<H, T, S> Handler<T, S> for Guarded<H>
where
    H: Handler<T, S>,
    T: 'static,
{
    type Future = GuardedFuture<H::Future>;

    fn call(self, request: Request, state: S) -> Self::Future {
        let decided_by = request.extensions().get::<Access>().map(|access| &access.rule);
        if decided_by.is_some_and(|rule| Arc::ptr_eq(rule, &self.rule)) {
            GuardedFuture::Allowed { future: self.handler.call(request, state) }
        } else {
            GuardedFuture::Mismatch
        }
    }
}

pin_project! {
    #[project = Step]
    pub(super) enum GuardedFuture<F> {
        Allowed { #[pin] future: F },
        Mismatch,
    }
}

impl<F: Future<Output = Response<Body>>> Future for GuardedFuture<F> {
    type Output = Response<Body>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Body>> {
        match self.project() {
            Step::Allowed { future } => future.poll(cx),
            Step::Mismatch => Poll::Ready(mismatch()),
        }
    }
}

fn mismatch() -> Response<Body> {
    let mut response = Problem::MISCONFIGURED.into_response();
    response.extensions_mut().insert(Rejection::new(Reason::OtherPolicy, Problem::MISCONFIGURED));
    response
}
