use std::collections::HashSet;
use std::time::Duration;

use aetherflow_ratelimit::client::{Backoff, Feedback, Pacer, Quota};
use aetherflow_ratelimit::{Key, Limiter, Plan, Tick, Window, fields};
use rand::SeedableRng as _;
use rand::rngs::SmallRng;

/// Reads lines of `name:value` as the fields of an answer, and whether they named a plan that our server could have.
///
/// # Panics
///
/// If more is kept or a longer wait obeyed than is documented, a turn is due before the server said, or what our server
/// writes of that plan is not read back.
pub fn limit_fields(data: &[u8]) -> bool {
    let lines = || data.split(|byte| *byte == b'\n').filter_map(field);
    let feedback = Feedback::of(lines());
    assert_eq!(feedback, Feedback::of(lines().map(|(name, value)| (name.to_uppercase(), value))));
    let names: HashSet<_> = feedback.quotas().iter().map(Quota::name).collect();
    assert!(names.len() == feedback.quotas().len() && names.len() <= 8, "{names:?}");
    hold_pace(&feedback);
    hold_backoff(&feedback);
    let Some(plan) = plan(&feedback) else { return false };
    hold_own_fields(&plan, data.len());
    true
}

/// Names in ASCII only, so that one in capitals is the same name.
fn field(line: &[u8]) -> Option<(&str, &[u8])> {
    let at = line.iter().position(|byte| *byte == b':')?;
    let name = str::from_utf8(&line[..at]).ok().filter(|name| name.is_ascii())?;
    Some((name, &line[at + 1..]))
}

fn hold_pace(feedback: &Feedback) {
    let (pacer, random) = (Pacer::new(), &mut SmallRng::seed_from_u64(1));
    let now = Tick::from_millis(5_000);
    for _ in 0..2 {
        pacer.learn_at(feedback, now, random);
    }
    let [first, second] = [(); 2].map(|()| pacer.enter_at(now)).map(|turn| pacer.due_at(turn, now));
    let told = feedback.retry_after().unwrap_or_default().min(HOUR);
    assert!(first >= now.saturating_add(told), "due during a Retry-After");
    // The wait, and after it a random part of an interval or of the wait.
    assert!(first <= now.saturating_add(2 * HOUR) && second >= first && second <= first.saturating_add(HOUR));
}

fn hold_backoff(feedback: &Feedback) {
    let base = Duration::from_millis(100);
    let told = feedback.retry_after();
    let wait = Backoff::new(base, base, 1).next_wait(told, &mut SmallRng::seed_from_u64(1));
    assert_eq!(wait.is_none(), told > Some(HOUR));
    let told = told.unwrap_or_default();
    assert!(wait.is_none_or(|wait| wait >= told && wait <= told + base), "{wait:?} for {told:?}");
}

fn plan(feedback: &Feedback) -> Option<Plan> {
    let window =
        |quota: &Quota| Window::new(quota.name(), u32::try_from(quota.limit()?).ok()?, quota.period()?).ok();
    Plan::new("read", feedback.quotas().iter().map(window).collect::<Option<Vec<_>>>()?).ok()
}

fn hold_own_fields(plan: &Plan, seed: usize) {
    let (limiter, now) = (Limiter::exact(1), Tick::from_millis(0));
    let least = plan.windows().map(Window::limit).min().expect("a plan has a window");
    for cost in [1, u32::try_from(seed).unwrap_or(1), least / 2, least] {
        let decision = limiter.check_at(&Key::tenant("iss", "acme"), plan, cost, now);
        let mut policy = String::new();
        fields::write_policy(plan, &decision, &mut policy);
        let wait = fields::retry_after(&decision);
        let written = [("ratelimit-policy", policy), ("ratelimit", fields::limit(plan, &decision))];
        let feedback =
            Feedback::of(written.into_iter().chain(wait.map(|wait| ("retry-after", wait.to_string()))));
        assert_eq!(feedback.retry_after(), wait.map(Duration::from_secs));
        let violated: Vec<_> = decision.violated(plan).map(|standing| standing.name()).collect();
        let reported: Vec<_> = decision
            .windows(plan)
            .filter(|standing| violated.is_empty() || violated.contains(&standing.name()))
            .map(|standing| {
                (standing.name(), standing.remaining().into(), standing.limit().into(), standing.period())
            })
            .collect();
        let read: Vec<_> = feedback
            .quotas()
            .iter()
            .map(|quota| (quota.name(), quota.remaining(), quota.limit().unwrap(), quota.period().unwrap()))
            .collect();
        assert_eq!(read, reported);
    }
}

/// What a client obeys unless it is told otherwise.
const HOUR: Duration = Duration::from_secs(3_600);
