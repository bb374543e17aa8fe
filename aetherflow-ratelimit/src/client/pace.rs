//! When to send.

mod gauge;
mod queue;
mod share;

use std::sync::PoisonError;
use std::time::Duration;

use rand::Rng;

use self::gauge::Gauge;
use self::queue::Queue;
pub use self::queue::Turn;
use self::share::Share;
use super::backoff::jitter;
use super::feedback::{Feedback, MOST_WINDOWS};
use crate::sync::{Mutex, MutexGuard};
use crate::tick::Tick;

/// Spaces requests so that clients that know nothing of each other use a quota up and are seldom refused.
///
/// One pacer belongs to one quota: one server and one key. All methods take `&self` and may be called from any thread.
///
/// 1. Turns go in the order in which they were taken, one interval apart. No turn is due before one taken earlier.
/// 2. When a turn is due is exact as of what was learned so far: what is learned later moves every turn that is not due
///    yet. So whoever has slept until its turn asks again.
/// 3. During a `Retry-After` no turn is due, not even one that was due before and has not gone. After it, turns go on in
///    their order, the first one a random part of an interval later: clients that were told the same end do not come back
///    together.
/// 4. The interval is what keeps every window the server speaks of about a tenth full. From the level `r` of a window
///    follows the pace at which all its clients together should go, its refill `q`/`w` and what the level is off the
///    tenth; the slowest window decides. This client's part of that is its part of what was spent lately, of which the
///    level tells as well.
/// 5. Before the first answer, turns are 100 ms apart; and unspaced, if answers speak of no quota. A refusal that speaks
///    of none puts them 100 ms apart until an answer that is no refusal.
///
/// A turn that is given up leaves its place empty. Several windows cost as many numbers, at most eight windows are kept.
///
/// # Examples
/// ```
/// use aetherflow_ratelimit::Tick;
/// use aetherflow_ratelimit::client::Pacer;
///
/// let (pacer, start) = (Pacer::new(), Tick::from_millis(0));
/// let (first, second) = (pacer.enter_at(start), pacer.enter_at(start));
/// assert_eq!(pacer.due_at(first, start), start);
/// assert_eq!(pacer.due_at(second, start), Tick::from_millis(100));
/// ```
#[derive(Debug)]
pub struct Pacer {
    longest: Duration,
    state: Mutex<State>,
}

impl Pacer {
    /// Makes a pacer for a quota of which nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        let state = State { queue: Queue::new(UNKNOWN), gauges: Vec::new(), share: Share::guess() };
        Self { longest: LONGEST, state: Mutex::new(state) }
    }

    /// Bounds what one answer can make a turn wait, instead of by an hour: a `Retry-After`, and the interval.
    ///
    /// # Security
    /// Whoever writes the answers decides how fast this client goes; this bound is what they cannot pass. A client that
    /// was told to stay away for longer comes back after it, once, and may be refused again.
    #[must_use]
    pub fn with_longest_wait(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// Takes the next turn.
    #[must_use]
    pub fn enter_at(&self, now: Tick) -> Turn {
        self.state().queue.enter(now)
    }

    /// Returns when the turn may send: `now` or earlier, if it may at once. Otherwise ask again then.
    #[must_use]
    pub fn due_at(&self, turn: Turn, now: Tick) -> Tick {
        self.state().queue.due(turn, now)
    }

    /// Takes in what an answer said, whatever it was; give it every answer, once.
    ///
    /// An answer with a `Retry-After` counts as a refusal. One that lists quotas and is no refusal lists them all: others
    /// are forgotten.
    pub fn learn_at(&self, feedback: &Feedback, now: Tick, random: &mut impl Rng) {
        let mut state = self.state();
        if feedback.quotas().is_empty() {
            state.hear_nothing(feedback, now);
        } else {
            state.read(feedback, now, random, self.longest);
        }
        if let Some(wait) = feedback.retry_after() {
            state.stay_away(wait.min(self.longest), now, random);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic of another thread leaves times and numbers, of which each is valid by itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Pacer {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug)]
struct State {
    queue: Queue,
    gauges: Vec<Gauge>,
    share: Share,
}

impl State {
    fn hear_nothing(&mut self, feedback: &Feedback, now: Tick) {
        if self.gauges.is_empty() {
            let interval = if feedback.retry_after().is_some() { UNKNOWN } else { Duration::ZERO };
            self.queue.set_interval(interval, now);
        }
    }

    fn read(&mut self, feedback: &Feedback, now: Tick, random: &mut impl Rng, longest: Duration) {
        let is_first = self.gauges.is_empty();
        self.gauge(feedback, now);
        let Some(pace) = self.pace(feedback, now) else { return };
        let interval = Duration::try_from_secs_f64((self.share.part() * pace).recip());
        self.queue.set_interval(interval.unwrap_or(longest).min(longest), now);
        if is_first {
            self.queue.close(now, random.next_u32(), now);
        }
    }

    fn gauge(&mut self, feedback: &Feedback, now: Tick) {
        let is_admitted = feedback.retry_after().is_none();
        if is_admitted {
            self.gauges.retain(|gauge| feedback.quotas().iter().any(|quota| gauge.is_of(quota)));
        }
        for quota in feedback.quotas() {
            if let Some(gauge) = self.gauges.iter_mut().find(|gauge| gauge.is_of(quota)) {
                gauge.read(quota, is_admitted, now);
            } else if self.gauges.len() < MOST_WINDOWS {
                self.gauges.extend(Gauge::new(quota, now));
            }
        }
    }

    /// The pace of all clients, in requests a second; on the way, what the window that decides it tells of our share.
    fn pace(&mut self, feedback: &Feedback, now: Tick) -> Option<f64> {
        let interval = self.queue.interval();
        let read = |gauge: &mut Gauge| (gauge.pace(interval), gauge.measure(interval, now));
        let slowest = self.gauges.iter_mut().map(read).min_by(|(one, _), (other, _)| one.total_cmp(other));
        let (pace, part) = slowest?;
        match part {
            Some(part) => self.share.measured(part),
            None if feedback.retry_after().is_some() => self.share.refused(),
            None => {}
        }
        Some(pace)
    }

    fn stay_away(&mut self, wait: Duration, now: Tick, random: &mut impl Rng) {
        let end = now.saturating_add(wait);
        if end <= self.queue.closed_until() {
            return;
        }
        self.queue.close(end, random.next_u32(), now);
        if self.gauges.is_empty() {
            // Without an interval of all clients, the wait itself is the best guess at how many were told of it.
            self.queue.delay_until(end.saturating_add(jitter(wait, random)));
        }
    }
}

/// How far apart turns are while nothing is known of a quota.
const UNKNOWN: Duration = Duration::from_millis(100);

const LONGEST: Duration = Duration::from_secs(3_600);
