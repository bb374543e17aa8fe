//! What threads did at once, replayed one after the other through the model.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use aetherflow_ratelimit::{Decision, Key, Limiter, Plan, Tick};

use crate::model::{Answer, Model};
use crate::plans::{remaining, shipped};

const THREADS: u64 = 4;
const PHASES: u64 = 40;
const KEYS: [&str; 3] = ["a", "b", "c"];

/// One request of one thread, between two stamps of a clock that all threads share.
#[derive(Clone, Debug)]
struct Entry {
    phase: u64,
    key: usize,
    plan: usize,
    cost: u32,
    stamps: [u64; 2],
    /// What the windows owe after it, as the time they take to be full.
    owed: Vec<Duration>,
    remaining: Vec<u32>,
    is_allowed: bool,
}

/// The ticks of a phase: the same for all threads, so that only their order is open.
fn tick(phase: u64) -> u64 {
    1_000_000 + phase * 2_300
}

fn log(limiter: &Limiter) -> Vec<Entry> {
    let (clock, gate) = (AtomicU64::new(0), Barrier::new(usize::try_from(THREADS).unwrap()));
    let run = |thread: u64| {
        let (mut log, mut random) = (Vec::new(), thread);
        for phase in 0..PHASES {
            gate.wait();
            for _ in 0..40 {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let pick = |shift: u32, count: u64| usize::try_from((random >> shift) % count).unwrap();
                let (key, plan, cost) = (pick(20, 3), pick(30, 3), u32::try_from(1 + pick(40, 4)).unwrap());
                log.push(entry(limiter, &clock, phase, key, plan, cost));
            }
        }
        log
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || run(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

fn entry(limiter: &Limiter, clock: &AtomicU64, phase: u64, key: usize, plan: usize, cost: u32) -> Entry {
    let shipped = &shipped()[plan];
    let stamp = || clock.fetch_add(1, Ordering::SeqCst);
    let (tick, start) = (Tick::from_millis(tick(phase)), stamp());
    let decision = limiter.check_at(&Key::tenant("iss", KEYS[key]), shipped, cost, tick);
    let stamps = [start, stamp()];
    let (owed, is_allowed) = (owed(&decision, shipped), decision.is_allowed());
    Entry { phase, key, plan, cost, stamps, owed, remaining: remaining(&decision), is_allowed }
}

fn owed(decision: &Decision, plan: &Plan) -> Vec<Duration> {
    decision.windows(plan).map(|standing| standing.reset()).collect()
}

/// The order in which the requests of one key took effect, if there is one.
///
/// An admitted one owes more than all before it. A refused one says what it met: it stands behind the one that left that.
fn order(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by_key(|entry| (entry.phase, entry.owed.clone(), !entry.is_allowed, entry.stamps));
    entries
}

fn replay(entries: &[Entry]) -> [usize; 2] {
    let (plans, mut model, mut counts) = (shipped(), Model::default(), [0, 0]);
    for entry in entries {
        let plan = &plans[entry.plan];
        model.advance(tick(entry.phase));
        let answer = model.ask(plan, entry.cost);
        assert_eq!(answer == Answer::Allowed, entry.is_allowed, "{entry:?}");
        if entry.is_allowed {
            model.charge(plan, entry.cost);
        }
        assert_eq!(model.remaining(plan), entry.remaining, "{entry:?}");
        counts[usize::from(entry.is_allowed)] += 1;
    }
    counts
}

/// No request takes effect before one that had ended when it began.
fn hold_real_time(entries: &[Entry]) {
    let mut latest_start = 0;
    for entry in entries {
        assert!(entry.stamps[1] > latest_start, "{entry:?}");
        latest_start = latest_start.max(entry.stamps[0]);
    }
}

#[test]
fn whatever_threads_do_at_once_is_what_one_thread_could_have_done() {
    for limiter in [Limiter::exact(100), Limiter::new(100)] {
        let log = log(&limiter);
        for key in 0..KEYS.len() {
            let entries = order(log.iter().filter(|entry| entry.key == key).cloned().collect());
            let [refused, admitted] = replay(&entries);
            assert!(refused > 100 && admitted > 100, "{refused} refused, {admitted} admitted");
            hold_real_time(&entries);
        }
        assert_eq!(limiter.replaced(), 0);
        let counts = limiter.counts();
        assert_eq!(counts.allowed + counts.denied, THREADS * PHASES * 40);
    }
}
