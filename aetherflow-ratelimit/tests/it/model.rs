//! A token bucket written down as naively as possible, in exact fractions.

use std::collections::HashMap;
use std::time::Duration;

use aetherflow_ratelimit::{Plan, Window};

/// The least common multiple of every limit and period used here, or a multiple of it: every fraction is a whole
/// number of these parts.
const WHOLE: u128 = 50_000 * 7 * 9_973 * 3 * 86_400_000 * 37;

/// One key's buckets, by period, as the used parts of the whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    now: u64,
    used: HashMap<Duration, u128>,
}

#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    Allowed,
    Wait(u64),
    NeverFits,
}

impl Model {
    /// Lets time pass up to `now`; an earlier one changes nothing.
    pub(crate) fn advance(&mut self, now: u64) {
        let elapsed = u128::from(now.saturating_sub(self.now));
        self.now = self.now.max(now);
        for (period, used) in &mut self.used {
            *used = used.saturating_sub(elapsed.saturating_mul(WHOLE / period.as_millis()));
        }
    }

    /// What a request of `cost` meets, without charging it.
    pub(crate) fn ask(&self, plan: &Plan, cost: u32) -> Answer {
        if plan.windows().any(|window| cost > window.limit()) {
            return Answer::NeverFits;
        }
        let wait = plan.windows().map(|window| {
            let over = (self.used(window) + charge(window, cost)).saturating_sub(WHOLE);
            over.div_ceil(WHOLE / window.period().as_millis())
        });
        match wait.max() {
            None | Some(0) => Answer::Allowed,
            Some(wait) => Answer::Wait(u64::try_from(wait).unwrap()),
        }
    }

    pub(crate) fn charge(&mut self, plan: &Plan, cost: u32) {
        for window in plan.windows() {
            *self.used.entry(window.period()).or_default() += charge(window, cost);
        }
    }

    pub(crate) fn remaining(&self, plan: &Plan) -> Vec<u32> {
        let left = |window: &Window| (WHOLE - self.used(window)) * u128::from(window.limit()) / WHOLE;
        plan.windows().map(|window| u32::try_from(left(window)).unwrap()).collect()
    }

    fn used(&self, window: &Window) -> u128 {
        self.used.get(&window.period()).copied().unwrap_or(0)
    }
}

fn charge(window: &Window, cost: u32) -> u128 {
    assert_eq!(WHOLE % u128::from(window.limit()), 0, "the model is exact for this limit");
    assert_eq!(WHOLE % window.period().as_millis(), 0, "the model is exact for this period");
    u128::from(cost) * (WHOLE / u128::from(window.limit()))
}
