//! Turns: one owner has only so many large answers on the way at once, however slowly they are read.
//!
//! 1. An answer keeps its turn until the connection has taken its last byte: a client that opens many streams and no
//!    window holds memory for a few of them only.
//! 2. Whoever has no turn waits for one; after [`WAIT`] it is 503.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aetherflow_auth::Identity;
use aetherflow_tower::rejection::Problem;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The turns of every owner.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<Identity, Weak<Semaphore>>>);

/// The right to one answer.
#[derive(Debug)]
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Turns {
    /// Waits for a turn of the owner `of`.
    ///
    /// # Errors
    ///
    /// 503 when none came free in time.
    pub(crate) async fn take(&self, of: &Identity) -> Result<Turn, Problem> {
        match timeout(WAIT, self.of(of).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Turn { _permit: permit }),
            Ok(Err(_)) | Err(_) => Err(Problem::TEMPORARILY_UNAVAILABLE),
        }
    }

    fn of(&self, owner: &Identity) -> Arc<Semaphore> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = turns.get(owner).and_then(Weak::upgrade) {
            return known;
        }
        // Only when it would grow: then it holds few owners that have nothing on the way.
        if turns.len() == turns.capacity() {
            turns.retain(|_, known| known.strong_count() > 0);
        }
        let new = Arc::new(Semaphore::new(MOST_AT_ONCE));
        turns.insert(owner.clone(), Arc::downgrade(&new));
        new
    }
}

impl Turn {
    /// Has `response` keep the turn until its body is taken.
    pub(crate) fn hold(self, response: Response) -> Response {
        response.map(|body| Body::new(Held { body, rest: Bytes::new(), _turn: self }))
    }
}

/// A body that gives a piece at a time: what it has given is no longer counted, and a connection takes a whole piece
/// once there is room for one byte.
struct Held {
    body: Body,
    rest: Bytes,
    _turn: Turn,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context))
                .map(|frame| frame.map(Frame::into_data))
            {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let length = self.rest.len().min(PIECE);
        // A copy: a slice would keep the whole of it in memory for as long as the piece is on the way.
        let piece = Bytes::copy_from_slice(&self.rest.split_to(length));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(inner.lower().saturating_add(rest));
        hint
    }
}

const MOST_AT_ONCE: usize = 4;
const WAIT: Duration = Duration::from_secs(10);
const PIECE: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Waker;

    use http::StatusCode;
    use http_body_util::BodyExt;

    use super::*;

    fn named(subject: &str) -> Identity {
        Identity::new("https://auth.example", None, subject)
    }

    async fn all_of(turns: &Turns, of: &Identity) -> Vec<Turn> {
        let mut taken = Vec::new();
        for _ in 0..MOST_AT_ONCE {
            taken.push(turns.take(of).await.unwrap());
        }
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_keeps_its_turn_until_its_last_byte_is_taken() {
        let (turns, alice) = (Turns::default(), named("alice"));
        let mut taken = all_of(&turns, &alice).await;
        let mut next = pin!(turns.take(&alice));
        let mut is_waiting = || next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
        assert!(is_waiting());
        assert!(turns.take(&named("bob")).await.is_ok(), "another owner has turns of its own");
        let mut body = taken.remove(0).hold(Response::new(Body::from(vec![b'x'; 2 * PIECE + 1]))).into_body();
        assert_eq!(HttpBody::size_hint(&body).exact(), Some(2 * PIECE as u64 + 1));
        let mut lengths = Vec::new();
        while let Some(frame) = body.frame().await {
            assert!(is_waiting());
            lengths.push(frame.unwrap().into_data().unwrap().len());
        }
        assert_eq!(lengths, [PIECE, PIECE, 1]);
        assert!(HttpBody::is_end_stream(&body));
        drop(body);
        assert!(!is_waiting());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_too_long_is_told_to_come_back() {
        let (turns, alice) = (Turns::default(), named("alice"));
        let taken = all_of(&turns, &alice).await;
        assert_eq!(turns.take(&alice).await.unwrap_err().status(), StatusCode::SERVICE_UNAVAILABLE);
        drop(taken);
        assert!(turns.take(&alice).await.is_ok());
    }

    #[tokio::test]
    async fn owners_with_nothing_on_the_way_are_forgotten() {
        let turns = Turns::default();
        let _kept = turns.take(&named("kept")).await.unwrap();
        for number in 0..1_000 {
            drop(turns.take(&named(&number.to_string())).await.unwrap());
        }
        let known = turns.0.lock().unwrap();
        assert!(known.contains_key(&named("kept")) && known.len() < 100, "{}", known.len());
    }
}
