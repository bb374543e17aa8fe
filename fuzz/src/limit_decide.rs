mod model;

use std::time::Duration;

use aetherflow_ratelimit::{Decision, Key, Limiter, Plan, Tick, Window};

use self::model::{Answer, Model};

/// Asks for one key as the bytes say, beside a model in exact fractions: whether something was admitted and something
/// had to wait.
///
/// The first byte says under which plans: the shipped ones, from one to the next, or one of any two windows, of which ten
/// bytes tell. Five bytes are a request: plan and scale of the jump, cost, jump.
///
/// # Panics
///
/// If a decision, what remains, or a wait is another than the model's, a look differs from the decision after it, or a
/// wait is not exact.
pub fn limit_decide(data: &[u8]) -> bool {
    let Some((plans, trace)) = plans(data) else { return false };
    let (limiter, key) = (Limiter::exact(1), Key::tenant("iss", "acme"));
    let (mut model, mut now, mut seen) = (Model::new(&plans), 1_000_000_u64, [false; 2]);
    for step in trace.as_chunks().0.iter().map(Step::of) {
        now = if step.is_back { now.saturating_sub(step.jump) } else { now + step.jump };
        let (plan, at) = (&plans[step.plan % plans.len()], Tick::from_millis(now));
        let want = model.ask(plan, step.cost, now);
        let foreseen = limiter.peek_at(&key, plan, step.cost, at);
        let decision = limiter.check_at(&key, plan, step.cost, at);
        assert_eq!((&decision, answer(&decision)), (&foreseen, want));
        assert_eq!(decision.remaining().collect::<Vec<_>>(), model.remaining(plan, now));
        if let Answer::Wait(wait) = want {
            let peek = |at| limiter.peek_at(&key, plan, step.cost, Tick::from_millis(at)).is_allowed();
            assert_eq!([peek(now + wait - 1), peek(now + wait)], [false, true], "after {wait}");
        }
        seen[0] |= decision.is_allowed() && step.cost > 0;
        seen[1] |= matches!(want, Answer::Wait(_));
    }
    seen == [true; 2]
}

struct Step {
    plan: usize,
    cost: u32,
    jump: u64,
    is_back: bool,
}

impl Step {
    fn of(&[kind, cost_low, cost_high, jump_low, jump_high]: &[u8; 5]) -> Self {
        let jump = u64::from(u16::from_le_bytes([jump_low, jump_high]));
        Self {
            plan: usize::from(kind & 3),
            cost: u16::from_le_bytes([cost_low, cost_high]).into(),
            jump: jump << (kind >> 2 & 15),
            is_back: kind >> 6 == 3,
        }
    }
}

fn plans(data: &[u8]) -> Option<(Vec<Plan>, &[u8])> {
    let (kind, rest) = data.split_first()?;
    if *kind != ODD {
        return Some((vec![Plan::free(), Plan::pro(), Plan::enterprise()], rest));
    }
    let (windows, rest) = rest.split_first_chunk::<10>()?;
    let [a, b] = windows.as_chunks::<5>().0 else { return None };
    let window = |name, &[limit_low, limit_high, low, middle, high]: &[u8; 5]| {
        let limit = u16::from_le_bytes([limit_low, limit_high]).into();
        Window::new(name, limit, Duration::from_millis(u32::from_le_bytes([low, middle, high, 0]).into()))
            .ok()
    };
    Some((vec![Plan::new("odd", [window("a", a)?, window("b", b)?]).ok()?], rest))
}

fn answer(decision: &Decision) -> Answer {
    match decision.retry_after() {
        Some(wait) => Answer::Wait(u64::try_from(wait.as_millis()).expect("a wait of this trace")),
        None if decision.never_fits() => Answer::NeverFits,
        None => Answer::Allowed,
    }
}

const ODD: u8 = b'o';
