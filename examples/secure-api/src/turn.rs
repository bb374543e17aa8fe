//! Turns: only so many large answers are on the way at once, of one owner and of all, however slowly they are read.
//!
//! 1. An answer keeps its turn until the connection has taken its last byte: a client that opens many streams and no
//!    window holds memory for a few of them only. One that is short counts for its owner alone. Lists and single things
//!    are counted apart, so that whoever reads lists slowly keeps nobody from his work.
//! 2. Whoever has no turn waits for one; after [`WAIT`] it is 503.
//! 3. An answer that is not taken within [`LONGEST`] is given up, so that nobody who reads nothing keeps the turns.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aetherflow_auth::Identity;
use aetherflow_tower::rejection::Problem;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use thiserror::Error;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

/// The turns of every owner.
#[derive(Debug)]
pub(crate) struct Turns {
    owners: Mutex<HashMap<Identity, Weak<Semaphore>>>,
    lists: Arc<Semaphore>,
    single: Arc<Semaphore>,
}

/// The right to one answer.
#[derive(Debug)]
pub(crate) struct Turn {
    of_owner: OwnedSemaphorePermit,
    of_all: OwnedSemaphorePermit,
}

impl Default for Turns {
    fn default() -> Self {
        let all = || Arc::new(Semaphore::new(MOST_IN_ALL));
        Self { owners: Mutex::default(), lists: all(), single: all() }
    }
}

impl Turns {
    /// Waits for a turn of the owner `of`, to answer one thing.
    ///
    /// # Errors
    ///
    /// 503 when none came free in time.
    pub(crate) async fn take(&self, of: &Identity) -> Result<Turn, Problem> {
        self.take_of(of, &self.single).await
    }

    /// The same to answer a list.
    ///
    /// # Errors
    ///
    /// 503 when none came free in time.
    pub(crate) async fn take_for_list(&self, of: &Identity) -> Result<Turn, Problem> {
        self.take_of(of, &self.lists).await
    }

    async fn take_of(&self, of: &Identity, all: &Arc<Semaphore>) -> Result<Turn, Problem> {
        // The owner's own first: whoever waits for those keeps nobody else waiting.
        let both = async {
            let of_owner = self.of(of).acquire_owned().await?;
            Ok::<_, AcquireError>(Turn { of_owner, of_all: Arc::clone(all).acquire_owned().await? })
        };
        match timeout(WAIT, both).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Problem::TEMPORARILY_UNAVAILABLE),
        }
    }

    fn of(&self, owner: &Identity) -> Arc<Semaphore> {
        let mut turns = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
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
    /// Does the work, and keeps the turn until it is done, though nobody waits for it any more: who asks and hangs up
    /// gets no further turn the sooner.
    ///
    /// # Errors
    ///
    /// 503 when the server is stopping.
    pub(crate) async fn through<T: Send + 'static>(
        self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<(Self, T), Problem> {
        let both = tokio::spawn(async move {
            let made = work.await;
            (self, made)
        });
        both.await.map_err(|_| Problem::TEMPORARILY_UNAVAILABLE)
    }

    /// Has `response` keep the turn until its body is taken; within a runtime.
    pub(crate) fn hold(self, response: Response) -> Response {
        response.map(|body| Body::new(Held::new(body, self)))
    }
}

/// A body that gives a piece at a time: what it has given is no longer counted, and a connection takes a whole piece
/// once there is room for one byte.
struct Held {
    kept: Arc<Mutex<Option<Kept>>>,
    giving_up: AbortHandle,
}

/// What is not yet taken, with its turn.
struct Kept {
    body: Body,
    rest: Bytes,
    _of_owner: OwnedSemaphorePermit,
    _of_all: Option<OwnedSemaphorePermit>,
}

impl Held {
    fn new(body: Body, turn: Turn) -> Self {
        let is_short = body.size_hint().upper().is_some_and(|length| length <= PIECE as u64);
        let _of_all = Some(turn.of_all).filter(|_| !is_short);
        let kept = Kept { body, rest: Bytes::new(), _of_owner: turn.of_owner, _of_all };
        let kept = Arc::new(Mutex::new(Some(kept)));
        let given_up = Arc::downgrade(&kept);
        // A task of its own: a connection without a window does not ask its bodies for anything.
        let giving_up = tokio::spawn(async move {
            sleep(LONGEST).await;
            drop(given_up.upgrade().and_then(|kept| lock(&kept).take()));
        });
        Self { kept, giving_up: giving_up.abort_handle() }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.giving_up.abort();
    }
}

impl Kept {
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
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
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match lock(&self.kept).as_mut() {
            Some(kept) => kept.poll_piece(context),
            // The connection, or its stream, ends unfinished: what came is not taken for the whole.
            None => Poll::Ready(Some(Err(axum::Error::new(TakenTooSlowly)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.kept).as_ref().is_some_and(|kept| kept.rest.is_empty() && kept.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let kept = lock(&self.kept);
        let Some(kept) = kept.as_ref() else { return SizeHint::default() };
        let (inner, rest) = (kept.body.size_hint(), kept.rest.len() as u64);
        let mut hint = SizeHint::new();
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(inner.lower().saturating_add(rest));
        hint
    }
}

/// The peer did not take its answer in time.
#[derive(Debug, Error)]
#[error("the answer was not taken in time")]
struct TakenTooSlowly;

fn lock(kept: &Mutex<Option<Kept>>) -> MutexGuard<'_, Option<Kept>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

const MOST_AT_ONCE: usize = 4;
// Of the largest answer, 2 MiB of notes that JSON escapes, these are some 400 MiB; of usual ones, nothing to speak of.
const MOST_IN_ALL: usize = 32;
const WAIT: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(60);
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
        assert_eq!(turns.take(&named("bob")).await.map(drop), Ok(()), "another owner has turns of its own");
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
    async fn who_hangs_up_while_the_work_goes_on_gets_no_turn_the_sooner() {
        let (turns, alice) = (Turns::default(), named("alice"));
        let mut taken = all_of(&turns, &alice).await;
        let (finish, work) = tokio::sync::oneshot::channel::<()>();
        let mut asking = Box::pin(taken.remove(0).through(work));
        assert!(asking.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(asking);
        let refused = turns.take(&alice).await.map(drop);
        assert_eq!(refused, Err(Problem::TEMPORARILY_UNAVAILABLE));
        finish.send(()).unwrap();
        assert_eq!(turns.take(&alice).await.map(drop), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_too_long_is_told_to_come_back() {
        let (turns, alice) = (Turns::default(), named("alice"));
        let taken = all_of(&turns, &alice).await;
        assert_eq!(turns.take(&alice).await.unwrap_err().status(), StatusCode::SERVICE_UNAVAILABLE);
        drop(taken);
        assert_eq!(turns.take(&alice).await.map(drop), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn of_all_owners_only_so_many_large_answers_are_on_the_way_and_short_ones_beside() {
        let turns = Turns::default();
        let mut held = Vec::new();
        for number in 0..MOST_IN_ALL {
            let turn = turns.take_for_list(&named(&number.to_string())).await.unwrap();
            held.push(turn.hold(Response::new(Body::from(vec![b'x'; PIECE + 1]))));
        }
        let newcomer = named("newcomer");
        assert_eq!(
            turns.take_for_list(&newcomer).await.unwrap_err().status(),
            StatusCode::SERVICE_UNAVAILABLE
        );
        held.pop();
        let short =
            turns.take_for_list(&newcomer).await.unwrap().hold(Response::new(Body::from(vec![b'x'; PIECE])));
        let large = turns
            .take_for_list(&newcomer)
            .await
            .unwrap()
            .hold(Response::new(Body::from(vec![b'x'; PIECE + 1])));
        assert_eq!(
            turns.take_for_list(&named("another")).await.unwrap_err().status(),
            StatusCode::SERVICE_UNAVAILABLE
        );
        assert_eq!(turns.take(&named("another")).await.map(drop), Ok(()), "what is no list");
        drop((short, large));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_nobody_takes_is_given_up_and_never_looks_whole() {
        let (turns, alice) = (Turns::default(), named("alice"));
        let turn = turns.take_for_list(&alice).await.unwrap();
        let mut body = turn.hold(Response::new(Body::from(vec![b'x'; 2 * PIECE]))).into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), PIECE);
        tokio::task::yield_now().await;
        tokio::time::advance(LONGEST - Duration::from_millis(1)).await;
        tokio::task::yield_now().await;
        assert_eq!(turns.lists.available_permits(), MOST_IN_ALL - 1);
        tokio::time::advance(Duration::from_millis(1)).await;
        tokio::task::yield_now().await;
        assert_eq!(turns.lists.available_permits(), MOST_IN_ALL, "though nobody asked the body for more");
        assert!(!HttpBody::is_end_stream(&body));
        assert_eq!(body.frame().await.unwrap().unwrap_err().to_string(), "the answer was not taken in time");
    }

    #[tokio::test]
    async fn owners_with_nothing_on_the_way_are_forgotten() {
        let turns = Turns::default();
        let _kept = turns.take(&named("kept")).await.unwrap();
        for number in 0..1_000 {
            drop(turns.take(&named(&number.to_string())).await.unwrap());
        }
        let known = turns.owners.lock().unwrap();
        assert!(known.contains_key(&named("kept")) && known.len() < 100, "{}", known.len());
    }
}
