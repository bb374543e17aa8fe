//! What is known of one window, and of who spends it.

use std::time::Duration;

use crate::client::feedback::Quota;
use crate::tick::Tick;

/// The level of one bucket, seen from one of the clients that draw from it.
///
/// A server does not say how many clients it has. But whatever left the bucket between two answers is what all of them
/// took: what refilled, minus what the level rose. How much of that was ours we know.
#[derive(Debug)]
pub(super) struct Gauge {
    name: Box<str>,
    limit: f64,
    /// Requests a second.
    refill: f64,
    level: f64,
    /// Since when, from which level, and how many requests of our own since.
    since: Tick,
    from: f64,
    asked: f64,
    admitted: f64,
}

impl Gauge {
    /// `None`, if the answer does not say how fast the window refills.
    pub(super) fn new(quota: &Quota, now: Tick) -> Option<Self> {
        let refill = refill(quota)?;
        let level = float(quota.remaining());
        let limit = quota.limit().map_or(level, float).max(1.0);
        let name = quota.name().into();
        Some(Self { name, limit, refill, level, since: now, from: level, asked: 0.0, admitted: 0.0 })
    }

    pub(super) fn is_of(&self, quota: &Quota) -> bool {
        *self.name == *quota.name()
    }

    /// Takes in an answer to one request of ours.
    pub(super) fn read(&mut self, quota: &Quota, is_admitted: bool, now: Tick) {
        let limit = quota.limit().map_or(self.limit.max(float(quota.remaining())), float).max(1.0);
        self.refill = refill(quota).unwrap_or(self.refill);
        self.level = float(quota.remaining());
        self.asked += 1.0;
        self.admitted += f64::from(u8::from(is_admitted));
        if limit != self.limit {
            // Another plan, or, where the older fields name but one window, another window.
            self.limit = limit;
            self.begin(now);
        }
    }

    /// The pace in requests a second at which all clients together bring the level to its target.
    ///
    /// `interval` is how often we hear of the level. To correct faster than a few of them would overshoot.
    pub(super) fn pace(&self, interval: Duration) -> f64 {
        let settling = (self.limit / self.refill * SETTLING).max(4.0 * interval.as_secs_f64());
        self.refill + (self.level - TARGET * self.limit) / settling
    }

    /// Our part of what was spent since the last measurement, once enough was spent to tell.
    pub(super) fn measure(&mut self, interval: Duration, now: Tick) -> Option<f64> {
        let elapsed = Duration::from_millis(now.since(self.since)).as_secs_f64();
        let spent = self.refill * elapsed - (self.level - self.from);
        if spent < ENOUGH.min(self.limit / 4.0) || self.asked < 1.0 {
            return None;
        }
        // Who does not use its pace cannot tell from what it spends how much it might.
        let is_idle = self.asked * interval.as_secs_f64() * 4.0 < elapsed;
        let share = self.admitted / spent;
        self.begin(now);
        (!is_idle).then_some(share)
    }

    fn begin(&mut self, now: Tick) {
        (self.since, self.from, self.asked, self.admitted) = (now, self.level, 0.0, 0.0);
    }
}

/// Requests a second: by the policy, or by what may be spent in which time.
fn refill(quota: &Quota) -> Option<f64> {
    let per = |requests: u64, time: Duration| {
        (requests > 0 && !time.is_zero()).then(|| float(requests) / time.as_secs_f64())
    };
    let policy = quota.limit().zip(quota.period()).and_then(|(limit, period)| per(limit, period));
    policy.or_else(|| quota.effective_window().and_then(|window| per(quota.remaining(), window)))
}

#[expect(clippy::cast_precision_loss, reason = "a pace need not be exact to one in 2^53")]
fn float(number: u64) -> f64 {
    number as f64
}

/// How full to keep the bucket: as little as the noise of all clients allows.
const TARGET: f64 = 0.1;

/// The part of the period in which to come back to the target.
const SETTLING: f64 = 0.25;

/// Requests that tell our part of them well enough.
const ENOUGH: f64 = 16.0;
