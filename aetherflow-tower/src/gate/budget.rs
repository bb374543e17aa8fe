use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aetherflow_ratelimit::{Decision, Key, Limiter, Plan, Tick, Window};

/// How many bad credentials one address may present: 60 at once and 60 a minute.
///
/// It is peeked before any cryptography and charged after a failure, so that requests decided at the same moment may
/// overdraw it by as many as run at once.
#[derive(Debug)]
pub(super) struct FailureBudget {
    limiter: Limiter,
    plan: Plan,
    /// The first tick at which every budget has room again, whoever spent it, unless another failure is charged.
    room_at: AtomicU64,
}

impl FailureBudget {
    pub(super) fn new() -> Self {
        let window = Window::new("failures", 60, PERIOD).expect("a plain name and a small quota");
        let plan = Plan::new("failures", [window]).expect("one window");
        Self { limiter: Limiter::exact(MOST_ADDRESSES), plan, room_at: AtomicU64::new(0) }
    }

    /// One window of a minute.
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The refusal, if the budget of the address is spent.
    pub(super) fn spent(&self, address: IpAddr, now: Tick) -> Option<Decision> {
        if now.as_millis() >= self.room_at.load(Ordering::Relaxed) {
            return None;
        }
        let decision = self.limiter.peek_at(&Key::address(address), &self.plan, 1, now);
        (!decision.is_allowed()).then_some(decision)
    }

    /// Counts a failure; one more than fits changes nothing.
    pub(super) fn charge(&self, address: IpAddr, now: Tick) {
        self.room_at.fetch_max(now.saturating_add(ONE).as_millis(), Ordering::Relaxed);
        let _spent_already = self.limiter.check_at(&Key::address(address), &self.plan, 1, now);
    }
}

const PERIOD: Duration = Duration::from_secs(60);
/// In which one failure is paid back.
const ONE: Duration = Duration::from_secs(1);
/// About 16 MB when full. A flood from more addresses makes newcomers start with less.
const MOST_ADDRESSES: usize = 65_536;
