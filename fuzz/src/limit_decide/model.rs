//! Token buckets written down as naively as possible, in exact fractions.

use aetherflow_ratelimit::{Plan, Window};

/// One key's buckets, by period.
pub(super) struct Model {
    /// The time of the last request that was charged; an earlier one reads as this.
    since: u64,
    used: Vec<Used>,
}

struct Used {
    period: u128,
    /// Of the bucket, such that one request of any plan and one millisecond are whole numbers of parts.
    whole: u128,
    parts: u128,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    Allowed,
    Wait(u64),
    NeverFits,
}

impl Model {
    pub(super) fn new(plans: &[Plan]) -> Self {
        let mut used: Vec<Used> = Vec::new();
        for window in plans.iter().flat_map(Plan::windows) {
            let (period, limit) = (window.period().as_millis(), u128::from(window.limit()));
            match used.iter_mut().find(|used| used.period == period) {
                Some(used) => used.whole *= limit,
                None => used.push(Used { period, whole: period * limit, parts: 0 }),
            }
        }
        Self { since: 0, used }
    }

    /// Answers a request at `now`, and charges it if it is admitted.
    pub(super) fn ask(&mut self, plan: &Plan, cost: u32, now: u64) -> Answer {
        if plan.windows().any(|window| cost > window.limit()) {
            return Answer::NeverFits;
        }
        let wait = plan.windows().map(|window| self.wait(window, cost, now)).max().unwrap_or(0);
        if wait > 0 {
            let lag = self.since.saturating_sub(now);
            return Answer::Wait(u64::try_from(wait).expect("a wait of this trace") + lag);
        }
        if cost > 0 {
            self.advance(now);
            plan.windows().for_each(|window| self.charge(window, cost));
        }
        Answer::Allowed
    }

    /// Whole requests that would fit at `now`.
    pub(super) fn remaining(&self, plan: &Plan, now: u64) -> Vec<u32> {
        let left = |window: &Window| {
            let used = self.of(window);
            (used.whole - self.parts(used, now)) / (used.whole / u128::from(window.limit()))
        };
        plan.windows().map(|window| u32::try_from(left(window)).expect("no more than the limit")).collect()
    }

    fn wait(&self, window: &Window, cost: u32, now: u64) -> u128 {
        let used = self.of(window);
        let parts = self.parts(used, now) + u128::from(cost) * (used.whole / u128::from(window.limit()));
        parts.saturating_sub(used.whole).div_ceil(used.whole / used.period)
    }

    fn advance(&mut self, now: u64) {
        let parts: Vec<u128> = self.used.iter().map(|used| self.parts(used, now)).collect();
        self.used.iter_mut().zip(parts).for_each(|(used, parts)| used.parts = parts);
        self.since = self.since.max(now);
    }

    fn charge(&mut self, window: &Window, cost: u32) {
        let period = window.period().as_millis();
        let used = self.used.iter_mut().find(|used| used.period == period).expect("a window of a known plan");
        used.parts += u128::from(cost) * (used.whole / u128::from(window.limit()));
    }

    fn parts(&self, used: &Used, now: u64) -> u128 {
        let elapsed = u128::from(now.saturating_sub(self.since));
        used.parts.saturating_sub(elapsed * (used.whole / used.period))
    }

    fn of(&self, window: &Window) -> &Used {
        let period = window.period().as_millis();
        self.used.iter().find(|used| used.period == period).expect("a window of a known plan")
    }
}
