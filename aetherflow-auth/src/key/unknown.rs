//! Ids that no key of a set has.
//!
//! Whoever can reach the server can name any id, so what one costs is bounded: a hash, a slot of a fixed table, and a
//! refresh that the cooldown bounds. A request never waits for that refresh.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use chrono::{DateTime, TimeDelta, Utc};

use super::verifying::MAX_ID;

/// Remembers which ids asked for a refresh, and wakes who does it.
#[derive(Debug)]
pub(crate) struct Unknown {
    // Keyed at random: nobody can choose ids that share a slot with another's.
    hasher: RandomState,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    slots: Box<[Option<Slot>; SLOTS]>,
    is_wanted: bool,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u64,
    asked_at: DateTime<Utc>,
}

impl Unknown {
    pub(super) fn new() -> Self {
        let state = State { slots: Box::new([None; SLOTS]), is_wanted: false, waker: None };
        Self { hasher: RandomState::new(), state: Mutex::new(state) }
    }

    /// Asks for a refresh, unless the same id asked within the last minute or no key can have it.
    pub(super) fn ask(&self, id: &str, now: DateTime<Utc>) {
        if id.is_empty() || id.len() > MAX_ID {
            return;
        }
        let waker = self.lock().ask(self.hasher.hash_one(id), now);
        // Outside the lock: a waker may run anything.
        waker.into_iter().for_each(Waker::wake);
    }

    /// Whether an id asked since the last refresh began.
    pub(super) fn is_wanted(&self) -> bool {
        self.lock().is_wanted
    }

    /// Begins a refresh: what asks from now on is not answered by it.
    pub(super) fn begin(&self) {
        self.lock().is_wanted = false;
    }

    /// Ends once an id has asked; one waits at a time.
    pub(super) fn wanted(&self) -> impl Future<Output = ()> + Send + '_ {
        std::future::poll_fn(|context| {
            let mut state = self.lock();
            if state.is_wanted {
                return Poll::Ready(());
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn ask(&mut self, hash: u64, now: DateTime<Utc>) -> Option<Waker> {
        let at = usize::try_from(hash % SLOTS as u64).unwrap_or(0);
        if self.slots[at].is_some_and(|slot| slot.hash == hash && slot.rests_at(now)) {
            return None;
        }
        // Who had the slot may ask again a little early; the cooldown bounds what that costs.
        self.slots[at] = Some(Slot { hash, asked_at: now });
        self.is_wanted = true;
        self.waker.take()
    }
}

impl Slot {
    fn rests_at(self, now: DateTime<Utc>) -> bool {
        // A clock that went back ends the rest.
        (TimeDelta::zero()..REST).contains(&now.signed_duration_since(self.asked_at))
    }
}

const SLOTS: usize = 1_024;
const REST: TimeDelta = TimeDelta::minutes(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(unknown: &Unknown, id: &str, seconds: i64) -> bool {
        unknown.begin();
        unknown.ask(id, DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds));
        unknown.is_wanted()
    }

    #[test]
    fn an_id_asks_once_a_minute_and_another_id_for_itself() {
        let unknown = Unknown::new();
        for (case, id, second, want) in [
            ("at first", "a", 100, true),
            ("again at once", "a", 100, false),
            ("a second before the minute is over", "a", 159, false),
            ("another id", "b", 159, true),
            ("after a minute", "a", 160, true),
            ("by a clock that went back", "a", 10, true),
            ("no id", "", 500, false),
        ] {
            assert_eq!(wants(&unknown, id, second), want, "{case}");
        }
        assert!(wants(&unknown, &"x".repeat(MAX_ID), 500), "the longest id asks");
        assert!(!wants(&unknown, &"x".repeat(MAX_ID + 1), 500), "a longer one does not");
    }

    #[test]
    fn a_flood_of_ids_takes_no_more_room() {
        let unknown = Unknown::new();
        for n in 0..10 * SLOTS {
            assert!(wants(&unknown, &n.to_string(), 100), "id {n} asks");
        }
        assert_eq!(unknown.lock().slots.len(), SLOTS);
    }
}
