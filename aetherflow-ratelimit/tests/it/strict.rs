//! Windows that are strict.

use std::time::Duration;

use aetherflow_ratelimit::{Key, Limiter, Plan, Tick, Window, fields};
use proptest::prelude::*;

use crate::plans::remaining;

const PERIODS: [u64; 4] = [10, 1_000, 6_400, 60_000];

fn strict(limit: u32, millis: u64) -> Plan {
    let window = Window::new("strict", limit, Duration::from_millis(millis)).unwrap().strict();
    Plan::new("plan", [window]).unwrap()
}

fn millis(wait: Option<Duration>) -> Option<u64> {
    wait.map(|wait| u64::try_from(wait.as_millis()).unwrap())
}

fn key() -> Key<'static> {
    Key::tenant("iss", "acme")
}

#[test]
fn a_bucket_lets_twice_its_limit_through_in_an_unlucky_minute_and_a_strict_window_never() {
    let admitted = |plan: &Plan| {
        let limiter = Limiter::new(8);
        (0..60_000)
            .filter(|&ms| limiter.check_at(&key(), plan, 1, Tick::from_millis(ms)).is_allowed())
            .count()
    };
    let minute = Window::new("minute", 60, Duration::from_secs(60)).unwrap();
    assert_eq!(admitted(&Plan::new("bucket", [minute]).unwrap()), 119);
    assert_eq!(admitted(&Plan::new("strict", [minute.strict()]).unwrap()), 60);
}

#[test]
fn a_strict_window_beside_a_bucket_is_charged_with_it_or_not_at_all() {
    let second = Window::new("second", 2, Duration::from_secs(1)).unwrap().strict();
    let minute = Window::new("minute", 3, Duration::from_secs(60)).unwrap();
    for plan in [Plan::new("a", [second, minute]).unwrap(), Plan::new("b", [minute, second]).unwrap()] {
        let limiter = Limiter::new(8);
        let check = |cost, ms| limiter.check_at(&key(), &plan, cost, Tick::from_millis(ms));
        let left = |ms| {
            let mut left = remaining(&limiter.peek_at(&key(), &plan, 0, Tick::from_millis(ms)));
            left.sort_unstable();
            left
        };
        assert!(check(2, 0).is_allowed());
        assert_eq!(left(0), [0, 1]);
        let refused = check(1, 500);
        assert_eq!(
            refused.violated(&plan).map(|standing| standing.name().to_owned()).collect::<Vec<_>>(),
            ["second"]
        );
        assert_eq!(left(500), [0, 1], "the minute was not charged");
        assert!(check(1, 2_000).is_allowed());
        assert!(!check(1, 4_000).is_allowed(), "the minute has no room");
        assert_eq!(left(4_000), [0, 2], "the second was not charged");
        assert!(check(3, 4_000).never_fits());
    }
}

#[test]
fn the_fields_of_a_strict_window_say_what_it_does() {
    let (limiter, plan) = (Limiter::exact(8), strict(10, 6_400));
    let check = |cost, ms| limiter.check_at(&key(), &plan, cost, Tick::from_millis(ms));
    assert_eq!(fields::limit(&plan, &check(4, 0)), r#""strict";r=6;t=4"#);
    assert_eq!(fields::limit(&plan, &check(6, 100)), r#""strict";r=0;t=7"#);
    let refused = check(5, 200);
    assert_eq!(
        (refused.retry_after(), fields::retry_after(&refused)),
        (Some(Duration::from_millis(6_400)), Some(7))
    );
    let older: Vec<_> = fields::x_rate_limit(&plan, &refused).collect();
    assert_eq!(older, [("x-ratelimit-limit", 10), ("x-ratelimit-remaining", 0), ("x-ratelimit-reset", 7)]);
}

#[test]
fn a_strict_window_counts_the_same_requests_under_every_plan() {
    let (limiter, small, large) = (Limiter::exact(8), strict(10, 60_000), strict(100, 60_000));
    let now = Tick::from_millis(0);
    assert!(limiter.check_at(&key(), &large, 9, now).is_allowed());
    assert_eq!(remaining(&limiter.peek_at(&key(), &small, 0, now)), [1]);
    assert!(limiter.check_at(&key(), &large, 9, now).is_allowed());
    assert_eq!(remaining(&limiter.peek_at(&key(), &small, 0, now)), [0]);
    assert!(!limiter.check_at(&key(), &small, 1, now).is_allowed());
    assert_eq!(remaining(&limiter.peek_at(&key(), &large, 0, now)), [82]);
}

#[test]
fn a_flood_that_pushes_a_strict_key_out_does_not_give_it_a_new_window() {
    let (limiter, plan) = (Limiter::exact(1), strict(10, 60_000));
    let mut admitted = 0;
    for n in 0..1_000 {
        let now = Tick::from_millis(n * 50);
        admitted += u32::from(limiter.check_at(&key(), &plan, 1, now).is_allowed());
        let _ = limiter.check_at(&Key::tenant("iss", &n.to_string()), &plan, 1, now);
    }
    assert!(limiter.replaced() > 0);
    assert!(admitted <= 10, "{admitted}");
}

/// Requests by (time, cost), in the order of time.
type Log = Vec<(u64, u32)>;

fn used(admitted: &Log, from: u64) -> u32 {
    admitted.iter().filter(|(at, _)| *at > from).map(|(_, cost)| cost).sum()
}

proptest! {
    #[test]
    fn no_period_wherever_it_begins_holds_more_than_the_limit_and_none_is_refused_a_slice_after_it_had_room(
        steps in prop::collection::vec((0..2_000_u64, 1..6_u32), 1..200),
        limit in 5..20_u32,
        period in 0..4_usize,
        scale in 1..60_u64,
    ) {
        let period = PERIODS[period];
        let (limiter, plan) = (Limiter::exact(8), strict(limit, period));
        // The slice, and what a whole number of them is longer than the period.
        let slack = 2 * period.div_ceil(64);
        let (mut admitted, mut now): (Log, u64) = (Vec::new(), 0);
        for (jump, cost) in steps {
            now += jump * period / (1_000 * scale);
            let decision = limiter.check_at(&key(), &plan, cost, Tick::from_millis(now));
            if decision.is_allowed() {
                admitted.push((now, cost));
            } else {
                let counted = now.checked_sub(period + slack).map_or(admitted.iter().map(|(_, cost)| cost).sum(), |from| used(&admitted, from));
                prop_assert!(counted + cost > limit, "refused at {now}: {admitted:?}");
            }
        }
        for &(end, _) in &admitted {
            let counted = end.checked_sub(period).map_or_else(
                || admitted.iter().filter(|(at, _)| *at <= end).map(|(_, cost)| cost).sum(),
                |from| admitted.iter().filter(|(at, _)| *at <= end && *at > from).map(|(_, cost)| cost).sum::<u32>(),
            );
            prop_assert!(counted <= limit, "{counted} in the period that ends at {end}");
        }
    }

    #[test]
    fn a_strict_wait_is_exact(
        steps in prop::collection::vec((0..300_u64, 1..6_u32), 1..60), cost in 1..10_u32, period in 0..4_usize
    ) {
        let (limiter, plan) = (Limiter::exact(8), strict(10, PERIODS[period]));
        let mut now = 0;
        for (jump, charge) in steps {
            now += jump * PERIODS[period] / 1_000;
            let _ = limiter.check_at(&key(), &plan, charge, Tick::from_millis(now));
            let peek = |ms| limiter.peek_at(&key(), &plan, cost, Tick::from_millis(ms));
            if let Some(wait) = millis(peek(now).retry_after()) {
                let is_allowed = [now + wait - 1, now + wait].map(|ms| peek(ms).is_allowed());
                prop_assert_eq!(is_allowed, [false, true]);
            }
        }
    }
}
