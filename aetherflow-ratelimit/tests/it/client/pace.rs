//! Turns in order, on time, and never during a `Retry-After`.

use std::time::Duration;

use aetherflow_ratelimit::client::{Feedback, Pacer, Turn};
use aetherflow_ratelimit::{Key, Limiter, Plan, Tick, fields};
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

fn at(millis: u64) -> Tick {
    Tick::from_millis(millis)
}

fn due(pacer: &Pacer, turn: Turn, now: u64) -> u64 {
    pacer.due_at(turn, at(now)).as_millis()
}

fn refusal(seconds: u64) -> Feedback {
    Feedback::of([("retry-after", seconds.to_string())])
}

/// A window of 60 a minute, with so many left.
fn level(remaining: u64) -> Feedback {
    let limit = format!(r#""minute";r={remaining}"#);
    Feedback::of([("ratelimit", limit.as_str()), ("ratelimit-policy", r#""minute";q=60;w=60"#)])
}

#[test]
fn turns_are_a_tenth_of_a_second_apart_until_an_answer_and_unspaced_if_it_speaks_of_no_quota() {
    let (pacer, random) = (Pacer::new(), &mut StdRng::seed_from_u64(1));
    let turns: [Turn; 4] = std::array::from_fn(|_| pacer.enter_at(at(1_000)));
    assert_eq!(turns.map(|turn| due(&pacer, turn, 1_000)), [1_000, 1_100, 1_200, 1_300]);
    pacer.learn_at(&Feedback::default(), at(1_050), random);
    assert_eq!(turns.map(|turn| due(&pacer, turn, 1_050)), [1_050; 4]);
    pacer.learn_at(&refusal(2), at(1_060), random);
    let more: [Turn; 3] = std::array::from_fn(|_| pacer.enter_at(at(1_060)));
    let dues = more.map(|turn| due(&pacer, turn, 1_060));
    assert!((3_060..=5_060).contains(&dues[0]), "{dues:?}");
    assert_eq!([dues[1] - dues[0], dues[2] - dues[1]], [100, 100]);
}

#[test]
fn a_turn_that_was_due_and_has_not_gone_waits_for_the_end_of_a_retry_after_too() {
    let (pacer, random) = (Pacer::new(), &mut StdRng::seed_from_u64(1));
    let turn = pacer.enter_at(at(0));
    assert_eq!(due(&pacer, turn, 5), 5);
    pacer.learn_at(&refusal(3), at(5), random);
    assert_eq!(due(&pacer, turn, 6), 3_005);
    assert_eq!(due(&pacer, turn, 3_005), 3_005);
}

#[test]
fn one_answer_makes_no_turn_wait_for_longer_than_the_bound() {
    let year = 365 * 24 * 3_600;
    for (name, pacer, bound) in [
        ("an hour", Pacer::new(), HOUR),
        ("as chosen", Pacer::new().with_longest_wait(Duration::from_secs(5)), 5_000),
    ] {
        let random = &mut StdRng::seed_from_u64(1);
        pacer.learn_at(&refusal(year), at(0), random);
        let turn = pacer.enter_at(at(0));
        let wait = due(&pacer, turn, 0);
        assert!((bound..=2 * bound).contains(&wait), "{name}: {wait}");
        let slow =
            Feedback::of([("ratelimit", r#""a";r=1"#), ("ratelimit-policy", r#""a";q=1;w=99999999999"#)]);
        pacer.learn_at(&slow, at(2 * bound), random);
        let [one, other] = [(); 2].map(|()| pacer.enter_at(at(2 * bound)));
        assert_eq!(due(&pacer, other, 2 * bound) - due(&pacer, one, 2 * bound), bound, "{name}");
    }
}

#[test]
fn the_window_with_the_slowest_pace_decides() {
    let apart = |limit: &str, policy: &str| {
        let (pacer, random) = (Pacer::new(), &mut StdRng::seed_from_u64(1));
        pacer.learn_at(&Feedback::of([("ratelimit", limit), ("ratelimit-policy", policy)]), at(0), random);
        let [one, other] = [(); 2].map(|()| pacer.enter_at(at(0)));
        due(&pacer, other, 0) - due(&pacer, one, 0)
    };
    let (minute, hour) = (r#""minute";q=60;w=60"#, r#""hour";q=360;w=3600"#);
    // At the tenth it is the refill: one a second, one in ten; a sixteenth of it at first.
    assert_eq!(apart(r#""minute";r=6"#, minute), 16_000);
    assert_eq!(apart(r#""hour";r=36"#, hour), 160_000);
    assert_eq!(apart(r#""minute";r=6, "hour";r=36"#, &format!("{minute}, {hour}")), 160_000);
    assert_eq!(apart(r#""hour";r=36, "minute";r=6"#, &format!("{hour}, {minute}")), 160_000);
}

#[test]
fn a_window_that_an_admitted_answer_leaves_out_is_forgotten() {
    let (pacer, random) = (Pacer::new(), &mut StdRng::seed_from_u64(1));
    let slow = Feedback::of([("ratelimit", r#""day";r=1"#), ("ratelimit-policy", r#""day";q=10;w=86400"#)]);
    let apart = |now| {
        let [one, other] = [(); 2].map(|()| pacer.enter_at(at(now)));
        due(&pacer, other, now) - due(&pacer, one, now)
    };
    pacer.learn_at(&slow, at(0), random);
    assert_eq!(apart(0), HOUR);
    pacer.learn_at(&level(6), at(10 * HOUR), random);
    assert_eq!(apart(10 * HOUR), 16_000);
}

#[test]
fn refusals_that_name_ever_new_windows_fill_no_memory() {
    let (pacer, random) = (Pacer::new(), &mut StdRng::seed_from_u64(1));
    for n in 0..100 {
        let limit = format!(r#""{n}";r=1;t=1"#);
        pacer.learn_at(&Feedback::of([("ratelimit", limit.as_str()), ("retry-after", "0")]), at(0), random);
    }
    assert_eq!(format!("{pacer:?}").matches("Gauge {").count(), 8);
}

/// A client that always has a next request, alone with its server; what it got, and what it was refused.
fn alone(plan: &Plan, hours: u64) -> (u64, u64, u64) {
    let (limiter, pacer, random) = (Limiter::exact(1), Pacer::new(), &mut StdRng::seed_from_u64(1));
    let (mut now, mut admitted, mut refused) = (0, 0, 0);
    loop {
        let turn = pacer.enter_at(at(now));
        now = due(&pacer, turn, now).max(now);
        if now >= hours * HOUR {
            let windows = plan.windows().map(|window| {
                u64::from(window.limit()) * (1_000 * window.period().as_secs() + hours * HOUR)
                    / (1_000 * window.period().as_secs())
            });
            return (admitted, refused, windows.min().unwrap());
        }
        let decision = limiter.check_at(&Key::tenant("iss", "acme"), plan, 1, at(now));
        *(if decision.is_allowed() { &mut admitted } else { &mut refused }) += 1;
        let mut policy = String::new();
        fields::write_policy(plan, &decision, &mut policy);
        let limit = fields::limit(plan, &decision);
        let wait = fields::retry_after(&decision).map(|wait| ("retry-after", wait.to_string()));
        let feedback =
            Feedback::of([("ratelimit", limit), ("ratelimit-policy", policy)].into_iter().chain(wait));
        pacer.learn_at(&feedback, at(now), random);
    }
}

#[test]
fn a_client_alone_is_never_refused_and_uses_nineteen_twentieths_of_its_quota() {
    for plan in [Plan::free(), Plan::pro(), Plan::enterprise()] {
        let (admitted, refused, envelope) = alone(&plan, 3);
        assert_eq!(refused, 0, "{}", plan.name());
        assert!(admitted * 20 >= envelope * 19, "{}: {admitted} of {envelope}", plan.name());
    }
}

#[derive(Clone, Debug)]
enum Deed {
    Enter,
    Learn(u64),
    Refuse(u64),
    Both(u64, u64),
}

fn deeds() -> impl Strategy<Value = Vec<(u64, Deed)>> {
    let deed = prop_oneof![
        4 => Just(Deed::Enter),
        2 => (0..=60_u64).prop_map(Deed::Learn),
        1 => (0..30_u64).prop_map(Deed::Refuse),
        1 => (0..=60_u64, 0..30_u64).prop_map(|(left, wait)| Deed::Both(left, wait)),
    ];
    prop::collection::vec((0..4_000_u64, deed), 1..80)
}

proptest! {
    #[test]
    fn turns_keep_their_order_and_none_is_due_during_a_retry_after(start in 0..u64::MAX, deeds in deeds(), seed: u64) {
        let (pacer, random) = (Pacer::new(), &mut StdRng::seed_from_u64(seed));
        let (mut now, mut closed, mut turns) = (start, 0, Vec::new());
        for (jump, deed) in deeds {
            now = now.saturating_add(jump);
            let mut learn = |feedback: Feedback| {
                closed = closed.max(feedback.retry_after().map_or(0, |wait| at(now).saturating_add(wait).as_millis()));
                pacer.learn_at(&feedback, at(now), random);
            };
            match deed {
                Deed::Enter => turns.push(pacer.enter_at(at(now))),
                Deed::Learn(left) => learn(level(left)),
                Deed::Refuse(wait) => learn(refusal(wait)),
                Deed::Both(left, wait) => learn(Feedback::of([
                    ("ratelimit", format!(r#""minute";r={left}"#)),
                    ("ratelimit-policy", r#""minute";q=60;w=60"#.to_owned()),
                    ("retry-after", wait.to_string()),
                ])),
            }
            let dues: Vec<u64> = turns.iter().map(|turn| due(&pacer, *turn, now)).collect();
            prop_assert!(dues.is_sorted(), "{:?}", dues);
            prop_assert!(dues.iter().all(|due| *due >= closed), "{:?} before {}", dues, closed);
            prop_assert!(turns.is_sorted());
        }
    }

    #[test]
    fn a_turn_is_due_when_it_was_said_to_be_if_nothing_is_learned_meanwhile(
        left in 0..=60_u64, turns in 1..40_usize, steps in prop::collection::vec(0..9_000_u64, 1..40), seed: u64,
    ) {
        let (pacer, random) = (Pacer::new(), &mut StdRng::seed_from_u64(seed));
        pacer.learn_at(&level(left), at(0), random);
        let turns: Vec<Turn> = (0..turns).map(|_| pacer.enter_at(at(0))).collect();
        let said: Vec<u64> = turns.iter().map(|turn| due(&pacer, *turn, 0)).collect();
        let mut now = 0;
        for step in steps {
            now += step;
            for (turn, said) in turns.iter().zip(&said) {
                prop_assert_eq!(due(&pacer, *turn, now), now.max(*said));
            }
        }
    }
}
