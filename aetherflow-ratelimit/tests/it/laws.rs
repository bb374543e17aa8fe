//! The laws, each against the naive model or by counting.

use std::time::Duration;

use aetherflow_ratelimit::{Decision, Key, Limiter, Plan, Tick, Window};
use proptest::prelude::*;

use crate::model::{Answer, Model};
use crate::plans::{odd, remaining, shipped};

/// One request: which key, under which plan, what cost, after which step of the clock (in either direction).
#[derive(Clone, Debug)]
struct Step {
    key: u8,
    plan: usize,
    cost: u32,
    jump: i64,
}

fn steps(keys: u8, most: usize) -> impl Strategy<Value = Vec<Step>> {
    let cost = prop_oneof![6 => 1..4_u32, 2 => 0..70_u32, 1 => 250..1_002_u32];
    let jump = prop_oneof![
        6 => Just(0_i64),
        4 => 1..80_i64,
        3 => 900..4_000_i64,
        2 => 50_000..70_000_i64,
        1 => 3_500_000..3_700_000_i64,
        1 => -5_000..0_i64,
    ];
    let step =
        (0..keys, 0..12_usize, cost, jump).prop_map(|(key, plan, cost, jump)| Step { key, plan, cost, jump });
    prop::collection::vec(step, 1..most)
}

fn ask(limiter: &Limiter, key: u8, plan: &Plan, cost: u32, now: u64) -> Decision {
    limiter.check_at(&Key::tenant("iss", &key.to_string()), plan, cost, Tick::from_millis(now))
}

fn answer(decision: &Decision) -> Answer {
    match decision.retry_after() {
        Some(wait) => Answer::Wait(u64::try_from(wait.as_millis()).unwrap()),
        None if decision.never_fits() => Answer::NeverFits,
        None => Answer::Allowed,
    }
}

/// The model's answer as seen from `now`, which may lie before the key's own time.
fn expected(model: &Model, plan: &Plan, cost: u32, lag: u64) -> Answer {
    match model.ask(plan, cost) {
        Answer::Wait(wait) => Answer::Wait(wait + lag),
        other @ (Answer::Allowed | Answer::NeverFits) => other,
    }
}

/// Both engines, with room for so many keys at the least.
fn engines(size: usize) -> [Limiter; 2] {
    [Limiter::exact(size), Limiter::new(size)]
}

/// The trace without steps back.
fn forward(mut trace: Vec<Step>) -> Vec<Step> {
    trace.iter_mut().for_each(|step| step.jump = step.jump.abs());
    trace
}

/// Runs a trace beside the models and calls `compare` at every step; a key's own time is that of its last admission.
fn run(
    limiter: &Limiter,
    trace: &[Step],
    plans: &[Plan],
    mut compare: impl FnMut(&Model, &Plan, &Step, u64, &Decision),
) {
    let mut models: Vec<(u64, Model)> = vec![Default::default(); 4];
    let mut now = 1_000_000_u64;
    for step in trace {
        now = now.saturating_add_signed(step.jump);
        let plan = &plans[step.plan % plans.len()];
        let (last, model) = &mut models[usize::from(step.key)];
        let mut then = model.clone();
        then.advance(now);
        let decision = ask(limiter, step.key, plan, step.cost, now);
        compare(&then, plan, step, last.saturating_sub(now), &decision);
        if decision.is_allowed() && step.cost > 0 {
            then.charge(plan, step.cost);
            *last = now.max(*last);
            *model = then;
        }
    }
}

/// Holds `decision` to the model exactly: outcome, wait, and what remains of each window.
fn exactly(then: &Model, plan: &Plan, step: &Step, lag: u64, decision: &Decision) {
    assert_eq!(answer(decision), expected(then, plan, step.cost, lag));
    let mut after = then.clone();
    if decision.is_allowed() {
        after.charge(plan, step.cost);
    }
    assert_eq!(remaining(decision), after.remaining(plan));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn shipped_plans_decide_as_exact_fractions_do_through_every_change_of_plan(trace in steps(4, 120)) {
        run(&Limiter::exact(1_000), &trace, &shipped(), exactly);
        run(&Limiter::new(1_000), &forward(trace), &shipped(), exactly);
    }

    #[test]
    fn any_one_plan_decides_as_exact_fractions_do(trace in steps(4, 120), plan in 0..4_usize) {
        // A table leaves these to the exact engine: other periods, or less than ten milliseconds a request.
        for limiter in engines(1_000) {
            run(&limiter, &trace, &odd()[plan..=plan], exactly);
        }
    }

    #[test]
    fn a_change_between_odd_plans_is_never_laxer_and_stricter_by_less_than_a_unit(trace in steps(1, 120)) {
        let mut changes = 0;
        run(&Limiter::exact(1_000), &trace, &odd(), |then, plan, step, lag, decision| {
            changes += 1;
            match (answer(decision), expected(then, plan, step.cost, lag)) {
                (Answer::Wait(wait), Answer::Wait(exact)) => {
                    assert!((exact..=exact + changes).contains(&wait), "{wait} for {exact}");
                }
                (Answer::Wait(wait), Answer::Allowed) => assert!(wait <= lag + changes, "{wait}"),
                (other, exact) => assert_eq!(other, exact),
            }
        });
    }

    #[test]
    fn a_wait_is_exact(trace in steps(1, 60), cost in 1..60_u32) {
        for limiter in engines(8) {
            let (plans, key, mut now) = (shipped(), Key::tenant("iss", "0"), 10_000_u64);
            for step in &trace {
                now = now.saturating_add_signed(step.jump);
                let plan = &plans[step.plan % 3];
                let _ = ask(&limiter, 0, plan, step.cost, now);
                if let Some(wait) = limiter.peek_at(&key, plan, cost, Tick::from_millis(now)).retry_after() {
                    let at = Tick::from_millis(now).saturating_add(wait);
                    let before = Tick::from_millis(at.as_millis() - 1);
                    prop_assert!(wait > Duration::ZERO);
                    prop_assert!(!limiter.peek_at(&key, plan, cost, before).is_allowed());
                    prop_assert!(limiter.peek_at(&key, plan, cost, at).is_allowed());
                }
            }
        }
    }

    /// Quotas of which one request takes no whole number of milliseconds.
    #[test]
    fn a_table_says_of_an_odd_quota_what_it_then_does(
        minute in 1..6_000_u32, hour in 1..360_000_u32, jumps in prop::collection::vec(0..9_000_u64, 1..40)
    ) {
        let window = |name, limit, seconds| Window::new(name, limit, Duration::from_secs(seconds)).unwrap();
        let plan = Plan::new("odd", [window("hour", hour, 3_600), window("minute", minute, 60)]).unwrap();
        let (limiter, key, mut now) = (Limiter::new(8), Key::tenant("iss", "0"), 0);
        for jump in jumps {
            now += jump;
            let least = remaining(&limiter.peek_at(&key, &plan, 0, Tick::from_millis(now))).into_iter().min().unwrap();
            prop_assert!(limiter.check_at(&key, &plan, least, Tick::from_millis(now)).is_allowed(), "{}", least);
            let refused = limiter.check_at(&key, &plan, 1, Tick::from_millis(now));
            let wait = u64::try_from(refused.retry_after().unwrap().as_millis()).unwrap();
            let peek = |at| limiter.peek_at(&key, &plan, 1, Tick::from_millis(at)).is_allowed();
            prop_assert_eq!([peek(now + wait - 1), peek(now + wait)], [false, true]);
        }
    }

    #[test]
    fn a_request_is_charged_to_every_window_or_to_none(trace in steps(1, 120)) {
        for limiter in engines(8) {
            let (plans, key, mut now) = (shipped(), Key::tenant("iss", "0"), 10_000_u64);
            for step in &trace {
                now = now.saturating_add_signed(step.jump);
                let plan = &plans[step.plan % 3];
                let before = remaining(&limiter.peek_at(&key, plan, 0, Tick::from_millis(now)));
                let decision = ask(&limiter, 0, plan, step.cost, now);
                let spent = if decision.is_allowed() { step.cost } else { 0 };
                let want: Vec<u32> = before.iter().map(|left| left - spent).collect();
                prop_assert_eq!(remaining(&decision), want.clone());
                prop_assert_eq!(remaining(&limiter.peek_at(&key, plan, 0, Tick::from_millis(now))), want);
                prop_assert_eq!(decision.violated(plan).count() == 0, decision.is_allowed());
            }
        }
    }

    #[test]
    fn no_key_passes_its_envelope_between_any_two_moments_with_room_for_all(trace in steps(4, 200)) {
        engines(1_000).iter().for_each(|limiter| hold_envelopes(limiter, &trace));
    }

    #[test]
    fn no_key_passes_its_envelope_when_five_live_keys_share_four_slots(trace in steps(5, 200)) {
        hold_envelopes(&Limiter::exact(4), &forward(trace));
    }

    #[test]
    fn no_key_passes_its_envelope_when_five_live_keys_share_one_slot(trace in steps(5, 200)) {
        hold_envelopes(&Limiter::exact(1), &forward(trace));
    }

    #[test]
    fn no_key_passes_its_envelope_when_forty_live_keys_share_two_lines(trace in steps(40, 400)) {
        hold_envelopes(&Limiter::new(8), &forward(trace));
    }
}

/// Counts what each key gets, in fractions of its plan's limits, between every two of its admissions.
///
/// The envelope is one bucket plus its refill. A clock that goes back gives nothing: an admission counts as of the latest
/// time at which the key was admitted. (Where keys share slots, one goes by the times of the others.)
fn hold_envelopes(limiter: &Limiter, trace: &[Step]) {
    const WHOLE: u128 = 150_000 * 3_600_000;
    let plans = shipped();
    let mut admitted: Vec<(u8, u64, [u128; 2])> = Vec::new();
    let (mut now, mut latest) = (10_000_u64, [0; 256]);
    for step in trace {
        now = now.saturating_add_signed(step.jump);
        let plan = &plans[step.plan % 3];
        if ask(limiter, step.key, plan, step.cost, now).is_allowed() {
            let part =
                |at| u128::from(step.cost) * WHOLE / u128::from(plan.windows().nth(at).unwrap().limit());
            let latest = &mut latest[usize::from(step.key)];
            *latest = now.max(*latest);
            admitted.push((step.key, *latest, [part(0), part(1)]));
        }
    }
    for (first, &(key, start, _)) in admitted.iter().enumerate() {
        let mut sum = [0, 0];
        for (_, end, parts) in admitted[first..].iter().filter(|(other, ..)| *other == key) {
            for (window, period) in [(0, 60_000), (1, 3_600_000)] {
                sum[window] += parts[window];
                let refill = u128::from(end - start) * (WHOLE / period);
                assert!(sum[window] <= WHOLE + refill, "window {window} between {start} and {end}");
            }
        }
    }
}
