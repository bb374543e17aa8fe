use std::sync::PoisonError;
use std::task::{Poll, Waker};

use super::snapshot::Entry;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard};

/// What was revoked here and is still to be told to the other nodes.
///
/// Nothing is collected before a feed asks. More than it holds is not lost: all of it stands in the tables too, and is
/// told when the feed next compares them with the store.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    is_open: AtomicBool,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    entries: Vec<Entry>,
    has_overflown: bool,
    waker: Option<Waker>,
}

/// There was more to tell than the outbox holds.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Overflow;

impl Outbox {
    pub(super) fn open(&self) {
        self.is_open.store(true, Ordering::Release);
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    pub(super) fn push(&self, entry: Entry) {
        let mut waiting = self.lock();
        if waiting.entries.len() < ROOM {
            waiting.entries.push(entry);
        } else {
            waiting.has_overflown = true;
        }
        let waker = waiting.waker.take();
        drop(waiting);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn clear(&self) {
        *self.lock() = Waiting::default();
    }

    /// Waits until there is something to tell, and takes it out.
    pub(super) async fn take(&self) -> Result<Vec<Entry>, Overflow> {
        std::future::poll_fn(|context| {
            let mut waiting = self.lock();
            if waiting.has_overflown {
                return Poll::Ready(Err(Overflow));
            }
            if waiting.entries.is_empty() {
                waiting.waker = Some(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(Ok(std::mem::take(&mut waiting.entries)))
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const ROOM: usize = 4_096;
