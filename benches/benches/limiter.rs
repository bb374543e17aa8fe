//! One check of both windows, beside governor with one quota and with two in sequence (which are not one decision).

use std::num::NonZeroU32;
use std::time::Duration;

use aetherflow_benches::{Contest, Counting, held, ratio};
use aetherflow_ratelimit::{Key, Limiter, Plan, Tick, Window};
use governor::clock::DefaultClock;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Governor = RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock>;

fn main() {
    for count in [1, 10_000, 1_000_000] {
        uniform(count);
    }
    subjects(1_000_000);
}

/// Every request is admitted. Ours is given a time at which it is, and reads its clock besides, as governor does.
fn uniform(count: usize) {
    println!("\n{count} keys in uniform use, all requests admitted");
    let keys: Vec<String> = (0..count).map(|n| format!("{n:024}")).collect();
    let limiter = Limiter::new(count * 8 / 5);
    let plan = fast_plan();
    let (one, first, second) = (governor(), governor(), governor());
    for key in &keys {
        assert!(limiter.check_at(&Key::credential("", key), &plan, 1, Tick::from_millis(0)).is_allowed());
        assert!([&one, &first, &second].iter().all(|governor| governor.check_key(key).is_ok()));
    }
    let (mut ours, mut single, mut double) = (Turns::new(&keys), Turns::new(&keys), Turns::new(&keys));
    let mut tick = 0;
    let mut contest = Contest::new();
    contest.add("ours, two windows", || {
        tick += 10;
        std::hint::black_box(limiter.now());
        let key = Key::credential("", ours.next());
        assert!(limiter.check_at(&key, &plan, 1, Tick::from_millis(tick)).is_allowed());
    });
    contest.add("governor, one quota", || assert!(one.check_key(single.next()).is_ok()));
    contest.add("governor, two quotas", || {
        let key = double.next();
        assert!(first.check_key(key).is_ok() && second.check_key(key).is_ok());
    });
    let all = contest.measure();
    ratio(&format!("two windows vs two governors {count} keys"), all[0].median, GOVERNOR, all[2].median);
    ratio(&format!("two windows vs one governor {count} keys"), all[0].median, GOVERNOR, all[1].median);
    println!("replaced: {}", limiter.replaced());
}

/// What a million keys take, ours at the stated size of 1.6 slots a key.
fn subjects(count: usize) {
    println!("\nmemory of {count} keys");
    let before = held();
    let limiter = Limiter::new(count * 8 / 5).with_address_slots(0);
    let ours = (held() - before) as f64 / count as f64;
    let before = held();
    let one = governor();
    for n in 0..count {
        assert!(one.check_key(&format!("{n:024}")).is_ok());
    }
    let peer = (held() - before) as f64 / count as f64;
    ratio("bytes per subject", ours, GOVERNOR, peer);
    drop((limiter, one));
}

/// The largest quotas a table counts: one request takes ten milliseconds of either window.
fn fast_plan() -> Plan {
    let window =
        |name, limit, seconds| Window::new(name, limit, Duration::from_secs(seconds)).expect("a window");
    Plan::new("fast", [window("minute", 6_000, 60), window("hour", 360_000, 3_600)]).expect("two windows")
}

fn governor() -> Governor {
    let quota = Quota::with_period(Duration::from_nanos(1)).expect("a period");
    RateLimiter::keyed(quota.allow_burst(NonZeroU32::MAX))
}

/// The keys in an order that no prefetcher follows.
struct Turns<'k> {
    keys: &'k [String],
    at: usize,
}

impl<'k> Turns<'k> {
    fn new(keys: &'k [String]) -> Self {
        Self { keys, at: 0 }
    }

    fn next(&mut self) -> &'k String {
        self.at = (self.at + 617_863) % self.keys.len();
        &self.keys[self.at]
    }
}

const GOVERNOR: &str = "governor 0.10";
