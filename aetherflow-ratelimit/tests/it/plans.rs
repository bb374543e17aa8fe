//! The plans under test, and what happens when a key moves between them.

use std::time::Duration;

use aetherflow_ratelimit::{Decision, Key, Limiter, Plan, Tick, Window};

pub(crate) fn shipped() -> [Plan; 3] {
    [Plan::free(), Plan::pro(), Plan::enterprise()]
}

/// Plans whose intervals are no whole milliseconds, with one and three windows, in any order.
pub(crate) fn odd() -> [Plan; 4] {
    let window = |name, limit, millis| Window::new(name, limit, Duration::from_millis(millis)).unwrap();
    [
        Plan::new("sevens", [window("a", 7, 1_000), window("b", 9_973, 3_600_000)]).unwrap(),
        Plan::new("one", [window("a", 9_973, 60_000)]).unwrap(),
        Plan::new("three", [window("day", 50_000, 86_400_000), window("s", 3, 1_000), window("ms", 2, 37)])
            .unwrap(),
        Plan::new("tight", [window("a", 1, 1), window("b", 21, 60_000)]).unwrap(),
    ]
}

pub(crate) fn remaining(decision: &Decision) -> Vec<u32> {
    decision.remaining().collect()
}

#[test]
fn an_upgrade_and_a_downgrade_keep_the_used_fraction_at_the_very_next_request() {
    let limiter = Limiter::exact(10);
    let key = Key::tenant("iss", "acme");
    let [free, pro, enterprise] = shipped();
    let now = Tick::from_millis(5);
    assert_eq!(remaining(&limiter.check_at(&key, &free, 30, now)), [30, 970]);
    assert_eq!(remaining(&limiter.peek_at(&key, &pro, 0, now)), [150, 9_700]);
    assert_eq!(remaining(&limiter.check_at(&key, &enterprise, 400, now)), [100, 48_100]);
    assert_eq!(remaining(&limiter.peek_at(&key, &free, 0, now)), [6, 962]);
    assert!(limiter.check_at(&key, &free, 6, now).is_allowed());
    let refused = limiter.check_at(&key, &free, 1, now);
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(1)));
    assert_eq!(limiter.check_at(&key, &enterprise, 1, now).retry_after(), Some(Duration::from_millis(60)));
}

#[test]
fn one_request_under_a_plan_with_other_windows_clears_no_debt() {
    let limiter = Limiter::exact(10);
    let key = Key::tenant("iss", "acme");
    let day = Window::new("day", 100, Duration::from_secs(86_400)).unwrap();
    let daily = Plan::new("daily", [day]).unwrap();
    let now = Tick::from_millis(0);
    assert!(limiter.check_at(&key, &Plan::free(), 60, now).is_allowed());
    assert_eq!(remaining(&limiter.check_at(&key, &daily, 1, now)), [99]);
    assert_eq!(remaining(&limiter.peek_at(&key, &Plan::free(), 0, now)), [0, 940]);
    assert_eq!(remaining(&limiter.peek_at(&key, &daily, 0, now)), [99]);
}

#[test]
fn the_shipped_plans_have_the_published_names_and_numbers() {
    let listed = shipped().map(|plan| {
        let windows = plan.windows().map(|w| (w.name().to_owned(), w.limit(), w.period().as_secs()));
        (plan.name().to_owned(), windows.collect::<Vec<_>>())
    });
    let want =
        [("free", 60, 1_000), ("pro", 300, 10_000), ("enterprise", 1_000, 50_000)].map(|(name, m, h)| {
            (name.to_owned(), vec![("minute".to_owned(), m, 60), ("hour".to_owned(), h, 3_600)])
        });
    assert_eq!(listed, want);
}

#[test]
fn a_table_lists_the_windows_in_the_order_of_the_plan() {
    let window = |name, limit, seconds| Window::new(name, limit, Duration::from_secs(seconds)).unwrap();
    let (minute, hour) = (window("minute", 60, 60), window("hour", 1_000, 3_600));
    for (windows, want) in [
        (vec![minute, hour], vec![59, 999]),
        (vec![hour, minute], vec![999, 59]),
        (vec![minute], vec![59]),
        (vec![hour], vec![999]),
    ] {
        let plan = Plan::new("plan", windows).unwrap();
        let decision = Limiter::new(8).check_at(&Key::tenant("iss", "acme"), &plan, 1, Tick::from_millis(0));
        assert_eq!(remaining(&decision), want);
        let names: Vec<_> = decision
            .windows(&plan)
            .map(|standing| (standing.name().to_owned(), standing.remaining()))
            .collect();
        let listed: Vec<_> = plan.windows().map(|window| window.name().to_owned()).zip(want).collect();
        assert_eq!(names, listed);
    }
}
