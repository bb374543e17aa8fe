use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use aetherflow_ratelimit::{Counts, Decision, Key, Limiter, Permit, Plan, Tick, Window};

/// Does with a limiter of eight slots what the bytes say, for twelve keys: whether it admitted, refused and gave back.
///
/// Five bytes are a deed: its kind and the key, plan and scale of the jump, cost, jump. Where the keys lie in the table is
/// random, so that one input finds different ways to give way.
///
/// # Panics
///
/// If a key gets more than its envelope, or more back than a tenth, a refusal or a look changes anything, or the counts do
/// not add up.
pub fn limit_table(data: &[u8]) -> bool {
    let mut run = Run::new();
    data.as_chunks().0.iter().map(Deed::of).for_each(|deed| run.act(&deed));
    let counts = run.limiter.counts();
    assert_eq!(counts.replaced, run.limiter.replaced());
    assert_eq!(numbers(counts), run.want);
    run.want[0] > 0 && run.want[1] > run.want[2] && run.want[3] > 0
}

struct Deed {
    kind: u8,
    key: usize,
    plan: usize,
    cost: u32,
    jump: u64,
}

impl Deed {
    fn of(&[what, plan, cost, low, high]: &[u8; 5]) -> Self {
        Self {
            kind: what >> 4 & 3,
            key: usize::from(what & 15) % KEYS,
            plan: usize::from(plan & 3),
            // So that one byte is one request, or a whole bucket, or more than that.
            cost: u32::from(cost & 31) << (cost >> 5),
            jump: u64::from(u16::from_le_bytes([low, high])) << (plan >> 5),
        }
    }
}

struct Run {
    limiter: Limiter,
    plans: [Plan; 4],
    now: u64,
    keys: [Spent; KEYS],
    permits: Vec<(usize, Permit, [u128; 3])>,
    /// Allowed, denied, such as never fit, given back.
    want: [u64; 4],
}

impl Run {
    fn new() -> Self {
        let second =
            Window::new("second", 40, Duration::from_secs(1)).expect("a plain name and a small quota");
        let burst = Plan::new("burst", [second]).expect("one window");
        Self {
            limiter: Limiter::new(8),
            plans: [Plan::free(), Plan::pro(), Plan::enterprise(), burst],
            now: 0,
            keys: Default::default(),
            permits: Vec::new(),
            want: [0; 4],
        }
    }

    fn act(&mut self, deed: &Deed) {
        self.now += deed.jump;
        match deed.kind {
            0 | 1 => self.check(deed),
            2 => self.refund(deed, deed.cost % 8 == 7),
            _ => {
                let before = self.all();
                let _ = self.peek(deed.key, deed.plan, deed.cost);
                assert_eq!(self.all(), before, "a look changed something");
            }
        }
    }

    fn check(&mut self, deed: &Deed) {
        let (before, foreseen) = (self.all(), self.peek(deed.key, deed.plan, deed.cost));
        let (name, plan) = (name(deed.key), &self.plans[deed.plan]);
        let permit =
            self.limiter.permit_at(&key(deed.key, &name), plan, deed.cost, Tick::from_millis(self.now));
        match permit {
            Ok(permit) => {
                assert_eq!(permit.decision(), &foreseen);
                self.want[0] += 1;
                let parts = parts(plan, deed.cost);
                self.keys[deed.key].admit(parts, self.now);
                self.permits.push((deed.key, permit, parts));
            }
            Err(refusal) => {
                assert_eq!(refusal, foreseen);
                self.want[1] += 1;
                self.want[2] += u64::from(refusal.never_fits());
                assert_eq!(self.all(), before, "a refusal changed something");
            }
        }
    }

    fn refund(&mut self, deed: &Deed, is_stranger: bool) {
        if self.permits.is_empty() {
            return;
        }
        let (owner, permit, parts) = self.permits.swap_remove(deed.key % self.permits.len());
        let taker = if is_stranger { (owner + 1) % KEYS } else { owner };
        let is_given_back =
            self.limiter.refund_at(&key(taker, &name(taker)), permit, Tick::from_millis(self.now));
        if is_given_back {
            assert!(!is_stranger, "a permit was worth something to another key");
            self.want[3] += 1;
            self.keys[owner].give_back(parts, self.now);
        }
    }

    fn peek(&self, at: usize, plan: usize, cost: u32) -> Decision {
        self.limiter.peek_at(&key(at, &name(at)), &self.plans[plan], cost, Tick::from_millis(self.now))
    }

    /// Everything that can be seen of every key, and how many are kept and gave way.
    fn all(&self) -> (Vec<Decision>, usize, u64) {
        // The shipped plans share their windows.
        let looks = (0..KEYS).flat_map(|key| [0, 3].map(|plan| self.peek(key, plan, 0)));
        (looks.collect(), self.limiter.kept(), self.limiter.replaced())
    }
}

/// What one key got in each period, and what it was given back, less what time allowed since: never more than a bucket.
#[derive(Default)]
struct Spent {
    kept: [u128; 3],
    back: [u128; 3],
    since: u64,
}

impl Spent {
    fn admit(&mut self, parts: [u128; 3], now: u64) {
        self.advance(now);
        for (kept, part) in self.kept.iter_mut().zip(parts) {
            *kept += part;
            assert!(*kept <= WHOLE, "more than the envelope");
        }
    }

    fn give_back(&mut self, parts: [u128; 3], now: u64) {
        self.advance(now);
        for ((kept, back), part) in self.kept.iter_mut().zip(&mut self.back).zip(parts) {
            *kept = kept.saturating_sub(part);
            *back += part;
            assert!(*back <= WHOLE / 20, "more than a tenth was given back");
        }
    }

    fn advance(&mut self, now: u64) {
        let elapsed = u128::from(now - self.since);
        self.since = now;
        for (at, period) in PERIODS.into_iter().enumerate() {
            self.kept[at] = self.kept[at].saturating_sub(elapsed * (WHOLE / period));
            self.back[at] = self.back[at].saturating_sub(elapsed * (WHOLE / period / 20));
        }
    }
}

/// The part of each bucket that a request takes.
fn parts(plan: &Plan, cost: u32) -> [u128; 3] {
    PERIODS.map(|period| {
        let window = plan.windows().find(|window| window.period().as_millis() == period);
        window.map_or(0, |window| u128::from(cost) * (WHOLE / u128::from(window.limit())))
    })
}

/// A third of the keys are addresses, which have a table of their own.
fn key(at: usize, name: &str) -> Key<'_> {
    match u8::try_from(at) {
        Ok(at) if at % 3 == 2 => Key::address(IpAddr::V4(Ipv4Addr::new(192, 0, 2, at))),
        _ => Key::tenant("iss", name),
    }
}

fn name(at: usize) -> String {
    format!("tenant-{at}")
}

fn numbers(counts: Counts) -> [u64; 4] {
    [counts.allowed, counts.denied, counts.never_fit, counts.refunded]
}

const KEYS: usize = 12;

/// Milliseconds: the windows of the shipped plans, and that of the plan no table counts.
const PERIODS: [u128; 3] = [60_000, 3_600_000, 1_000];

/// A bucket in parts, of which every request, and every millisecond's refill of a twentieth, takes a whole number.
const WHOLE: u128 = 150_000 * 3_600_000 * 20;
