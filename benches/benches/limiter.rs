//! One check of both windows, beside governor with one quota and with two in sequence (which are not one decision), and
//! beside a map of arrival times as one would write it.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aetherflow_benches::{Contest, Counting, held, ratio};
use aetherflow_ratelimit::{Key, Limiter, Plan, Tick, Window};
use dashmap::DashMap;
use governor::clock::DefaultClock;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Governor = RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock>;

fn main() {
    for count in [1, 10_000, 1_000_000, 10_000_000] {
        uniform(count);
    }
    subjects(1_000_000);
    denied();
    println!("\ntwo threads, all requests admitted");
    for (what, count) in [("one hot key", 1), ("10000 keys in uniform use", 10_000)] {
        two_threads(what, count);
    }
    flood();
}

/// Every request is admitted. Ours is given a time at which it is, and reads its clock besides, as governor does.
fn uniform(count: usize) {
    println!("\n{count} keys in uniform use, all requests admitted");
    let keys = keys(count);
    let limiter = Limiter::new(count * 8 / 5).with_address_slots(0);
    let plan = fast_plan();
    let (one, first, second, map) = (governor(), governor(), governor(), ArrivalTimes::default());
    for key in &keys {
        assert!(limiter.check_at(&Key::credential("", key), &plan, 1, Tick::from_millis(0)).is_allowed());
        assert!([&one, &first, &second].iter().all(|governor| governor.check_key(key).is_ok()));
        assert!(map.check(key));
    }
    let mut turns = [(); 4].map(|()| Turns::new(&keys));
    let [ours, single, double, mapped] = &mut turns;
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
    contest.add("DashMap of two arrival times", || assert!(map.check(mapped.next())));
    let all = contest.measure();
    ratio(&format!("two windows vs two governors {count} keys"), all[0].median, GOVERNOR, all[2].median);
    ratio(&format!("two windows vs one governor {count} keys"), all[0].median, GOVERNOR, all[1].median);
    ratio(&format!("two windows vs DashMap {count} keys"), all[0].median, "dashmap 6", all[3].median);
    let counts = limiter.counts();
    println!("replaced: {} of {} checks", counts.replaced, counts.allowed);
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

/// A key that has spent its minute.
fn denied() {
    println!("\none key, all requests refused");
    let (limiter, plan, name) = (Limiter::new(16), fast_plan(), format!("{:024}", 1));
    let (key, now) = (Key::credential("", &name), Tick::from_millis(0));
    assert!(limiter.check_at(&key, &plan, 6_000, now).is_allowed());
    let quota = Quota::with_period(Duration::from_secs(3_600)).expect("a period");
    let peer = RateLimiter::keyed(quota.allow_burst(NonZeroU32::MIN));
    assert!(peer.check_key(&name).is_ok());
    let mut contest = Contest::new();
    contest.add("ours, two windows", || {
        std::hint::black_box(limiter.now());
        assert!(!limiter.check_at(&key, &plan, 1, now).is_allowed());
    });
    contest.add("governor, one quota", || assert!(peer.check_key(&name).is_err()));
    let all = contest.measure();
    ratio("denied, two windows vs one governor", all[0].median, GOVERNOR, all[1].median);
}

/// The time of one request where two threads make them, in nanoseconds of one thread.
fn two_threads(what: &str, count: usize) {
    let keys = keys(count);
    let (limiter, plan) = (Limiter::new(count * 8 / 5).with_address_slots(0), fast_plan());
    let (one, first, second, tick) = (governor(), governor(), governor(), AtomicU64::new(0));
    // One time for both threads, told anew every 64 calls; who is stopped in between is late, and may be refused.
    let ours = |key: &String, at: u64| {
        std::hint::black_box(limiter.now());
        let passed = if at.is_multiple_of(64) {
            tick.fetch_add(64, Ordering::Relaxed)
        } else {
            tick.load(Ordering::Relaxed)
        };
        let now = Tick::from_millis(passed * 10);
        let _ = std::hint::black_box(limiter.check_at(&Key::credential("", key), &plan, 1, now));
    };
    let single = |key: &String, _: u64| assert!(one.check_key(key).is_ok());
    let double =
        |key: &String, _: u64| assert!(first.check_key(key).is_ok() && second.check_key(key).is_ok());
    let mut rounds: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        rounds[0].push(together(&keys, ours));
        rounds[1].push(together(&keys, single));
        rounds[2].push(together(&keys, double));
    }
    let [ours, single, double] = rounds.map(median);
    let counts = limiter.counts();
    println!("{what}: {} of {} refused", counts.denied, counts.allowed + counts.denied);
    ratio(&format!("two threads, {what}, two windows vs two governors"), ours, GOVERNOR, double);
    ratio(&format!("two threads, {what}, two windows vs one governor"), ours, GOVERNOR, single);
}

fn together(keys: &[String], call: impl Fn(&String, u64) + Sync) -> f64 {
    let began = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let call = &call;
            scope.spawn(move || {
                let mut turns = Turns { keys, at: thread * keys.len() / 2 };
                for n in 0..CALLS {
                    call(turns.next(), n);
                }
            });
        }
    });
    began.elapsed().as_nanos() as f64 / CALLS as f64
}

/// A verified caller's 99th percentile while another thread asks for ever new keys and addresses, and while none does.
fn flood() {
    println!("\none caller's check during a flood of keys, and without");
    let (limiter, plan, free) = (Limiter::new(100_000), fast_plan(), Plan::free());
    let key = Key::tenant("https://auth.example", "acme");
    let is_over = AtomicBool::new(false);
    let mut rounds: [Vec<f64>; 2] = Default::default();
    for _ in 0..ROUNDS {
        rounds[0].push(p99(&limiter, &key, &plan));
        is_over.store(false, Ordering::Relaxed);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut n = 0_u64;
                while !is_over.load(Ordering::Relaxed) {
                    n += 1;
                    let name = n.to_string();
                    let _ = limiter.check(&Key::tenant("https://auth.example", &name), &free);
                    let _ = limiter.check(
                        &Key::address(std::net::Ipv6Addr::from_bits(u128::from(n) << 64).into()),
                        &free,
                    );
                }
            });
            rounds[1].push(p99(&limiter, &key, &plan));
            is_over.store(true, Ordering::Relaxed);
        });
    }
    let [quiet, flooded] = rounds.map(median);
    ratio("p99 in a flood vs without", flooded, "ours without a flood", quiet);
    println!("replaced: {}", limiter.replaced());
}

fn p99(limiter: &Limiter, key: &Key<'_>, plan: &Plan) -> f64 {
    let mut all: Vec<u64> = (0..CALLS)
        .map(|_| {
            let start = Instant::now();
            let _ = std::hint::black_box(limiter.check(key, plan));
            u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
        })
        .collect();
    all.sort_unstable();
    all[all.len() * 99 / 100] as f64
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

/// Both windows under one entry's lock, by the arrival times in nanoseconds of a clock that is as fast as theirs.
#[derive(Default)]
struct ArrivalTimes {
    times: DashMap<String, [u64; 2]>,
    clock: quanta::Clock,
}

impl ArrivalTimes {
    fn check(&self, key: &str) -> bool {
        let now = self.clock.raw();
        // As governor's quota here: a nanosecond a request, and a burst that always fits.
        let charge = |times: &mut [u64; 2]| {
            let next = times.map(|time| time.max(now) + 1);
            let fits = next.iter().all(|next| next - now <= u64::from(u32::MAX));
            if fits {
                *times = next;
            }
            fits
        };
        match self.times.get_mut(key) {
            Some(mut times) => charge(&mut times),
            None => charge(&mut self.times.entry(key.to_owned()).or_default()),
        }
    }
}

fn keys(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{n:024}")).collect()
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
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
const ROUNDS: u64 = 11;
const CALLS: u64 = 400_000;
