//! Who sends when.

use std::time::Duration;

use crate::tick::Tick;

/// A place in the queue of a [`Pacer`](crate::client::Pacer): the lower one goes first.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Turn(u64);

/// Turns in order, `interval` apart; when each is due is computed when asked, so that what is learned moves them all.
#[derive(Debug)]
pub(super) struct Queue {
    /// The first turn that is not past.
    head: u64,
    /// The next to be given out.
    tail: u64,
    /// From when the head is an interval away, or less: when the turn before it was due. Nanoseconds, as all times here.
    last: u128,
    /// The part of an interval that is left to the head, of `WHOLE`.
    ///
    /// A part, not a time: clients that start together learn the same interval, and what spreads them must stretch with it.
    phase: u32,
    /// Before which the head is not due.
    earliest: u128,
    /// Before which nothing is due.
    closed_until: Tick,
    interval: Duration,
}

impl Queue {
    pub(super) fn new(interval: Duration) -> Self {
        Self { head: 0, tail: 0, last: 0, phase: 0, earliest: 0, closed_until: Tick::default(), interval }
    }

    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    pub(super) fn enter(&mut self, now: Tick) -> Turn {
        self.pass(now);
        if self.head == self.tail {
            self.delay_until(now);
        }
        self.tail += 1;
        Turn(self.tail - 1)
    }

    /// A turn that is past is due at once, but never while the queue is closed.
    pub(super) fn due(&mut self, turn: Turn, now: Tick) -> Tick {
        self.pass(now);
        match turn.0.checked_sub(self.head) {
            Some(ahead) => tick(self.due_of_head().saturating_add(self.step(ahead))),
            None => now.max(self.closed_until),
        }
    }

    pub(super) fn set_interval(&mut self, interval: Duration, now: Tick) {
        self.pass(now);
        self.interval = interval;
    }

    /// Lets nothing go before `end`, and the head only `phase` of an interval after it.
    pub(super) fn close(&mut self, end: Tick, phase: u32, now: Tick) {
        self.pass(now);
        self.closed_until = self.closed_until.max(end);
        self.last = self.last.max(nanos(end));
        self.phase = phase;
    }

    pub(super) fn closed_until(&self) -> Tick {
        self.closed_until
    }

    /// Makes the head due no earlier than `moment`.
    pub(super) fn delay_until(&mut self, moment: Tick) {
        self.earliest = self.earliest.max(nanos(moment));
    }

    /// Moves the head past every turn that is due.
    fn pass(&mut self, now: Tick) {
        let first = self.due_of_head();
        if self.head == self.tail || first > nanos(now) {
            return;
        }
        let waiting = self.tail - self.head;
        let further = (nanos(now) - first).checked_div(self.interval.as_nanos());
        let further =
            further.map_or(waiting, |steps| u64::try_from(steps).unwrap_or(u64::MAX)).min(waiting - 1);
        self.last = first.saturating_add(self.step(further));
        self.phase = WHOLE;
        self.head += further + 1;
    }

    fn due_of_head(&self) -> u128 {
        let gap = self.interval.as_nanos() * u128::from(self.phase) / u128::from(WHOLE);
        self.last.saturating_add(gap).max(self.earliest)
    }

    fn step(&self, turns: u64) -> u128 {
        self.interval.as_nanos().saturating_mul(turns.into())
    }
}

fn nanos(tick: Tick) -> u128 {
    u128::from(tick.as_millis()) * 1_000_000
}

/// The first tick at or after the moment, or the last one there is.
fn tick(nanos: u128) -> Tick {
    Tick::from_millis(u64::try_from(nanos.div_ceil(1_000_000)).unwrap_or(u64::MAX))
}

const WHOLE: u32 = u32::MAX;
