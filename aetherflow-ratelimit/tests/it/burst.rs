//! One key at one moment.

use std::time::Duration;

use aetherflow_ratelimit::{Key, Limiter, Plan, Tick, Window, fields};

use crate::plans::{remaining, shipped};

const NOW: Tick = Tick::from_millis(123);

#[test]
fn a_free_burst_is_sixty_and_the_sixty_first_waits_one_second() {
    let (limiter, free, key) = (Limiter::exact(10), Plan::free(), Key::tenant("iss", "acme"));
    for n in 1..=60 {
        assert_eq!(remaining(&limiter.check_at(&key, &free, 1, NOW)), [60 - n, 1_000 - n]);
    }
    let refused = limiter.check_at(&key, &free, 1, NOW);
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(1)));
    assert_eq!(fields::retry_after(&refused), Some(1));
    assert_eq!(refused.violated(&free).map(|standing| standing.name()).collect::<Vec<_>>(), ["minute"]);
    assert!(!limiter.check_at(&key, &free, 1, Tick::from_millis(1_122)).is_allowed());
    assert!(limiter.check_at(&key, &free, 1, Tick::from_millis(1_123)).is_allowed());
}

#[test]
fn a_full_bucket_admits_the_whole_limit_at_once_for_any_limit_and_period() {
    for (limit, millis) in
        [(1, 1), (7, 1_000), (13, 60_000), (50_000, 3_600_000), (9_973, 37), (u32::MAX, 1_000)]
    {
        let limiter = Limiter::exact(10);
        let window = Window::new("w", limit, Duration::from_millis(millis)).unwrap();
        let (plan, key) = (Plan::new("p", [window]).unwrap(), Key::tenant("iss", "acme"));
        let decision = limiter.check_at(&key, &plan, limit, NOW);
        assert_eq!((decision.is_allowed(), remaining(&decision)), (true, vec![0]), "{limit} in {millis}");
        let refused = limiter.check_at(&key, &plan, 1, NOW);
        let wait = Duration::from_millis(millis.div_ceil(u64::from(limit)));
        assert_eq!(refused.retry_after(), Some(wait), "{limit} in {millis}");
    }
}

#[test]
fn a_cost_above_a_limit_never_fits_and_names_no_wait() {
    let (limiter, free, key) = (Limiter::exact(10), Plan::free(), Key::tenant("iss", "acme"));
    for (cost, violated) in
        [(61, vec!["minute"]), (1_001, vec!["minute", "hour"]), (u32::MAX, vec!["minute", "hour"])]
    {
        let decision = limiter.check_at(&key, &free, cost, NOW);
        assert!(decision.never_fits() && !decision.is_allowed(), "{cost}");
        assert_eq!(decision.retry_after(), None, "{cost}");
        assert_eq!(
            decision.violated(&free).map(|standing| standing.name()).collect::<Vec<_>>(),
            violated,
            "{cost}"
        );
        assert_eq!(remaining(&decision), [60, 1_000], "{cost}");
    }
}

#[test]
fn cost_zero_is_allowed_even_when_nothing_remains() {
    let (limiter, key) = (Limiter::exact(10), Key::tenant("iss", "acme"));
    for plan in shipped() {
        let all = plan.windows().next().unwrap().limit();
        assert!(limiter.check_at(&key, &plan, 0, NOW).is_allowed(), "{}", plan.name());
        let spent = limiter.check_at(&key, &plan, all, NOW).is_allowed();
        assert!(limiter.check_at(&key, &plan, 0, NOW).is_allowed(), "{} {spent}", plan.name());
    }
    assert_eq!(limiter.kept(), 1);
}

#[test]
fn the_hour_is_what_refuses_once_the_minute_has_room_again() {
    let (limiter, free, key) = (Limiter::exact(10), Plan::free(), Key::tenant("iss", "acme"));
    let admitted = (0..3_600_u64)
        .map(|second| Tick::from_millis(second * 1_000))
        .filter(|&now| limiter.check_at(&key, &free, 1, now).is_allowed())
        .count();
    assert_eq!(admitted, 1_999);
    let now = Tick::from_millis(3_599_000);
    let burst = (0..100).filter(|_| limiter.check_at(&key, &free, 1, now).is_allowed()).count();
    assert_eq!(burst, 0);
    let refused = limiter.check_at(&key, &free, 1, now);
    assert_eq!(refused.violated(&free).map(|standing| standing.name()).collect::<Vec<_>>(), ["hour"]);
}

#[test]
fn the_limiters_own_clock_starts_at_zero_and_serves_the_thin_form() {
    let (limiter, key) = (Limiter::exact(10), Key::tenant("iss", "acme"));
    let first = limiter.now();
    assert!(limiter.check(&key, &Plan::free()).is_allowed());
    assert!(first <= limiter.now() && limiter.now() < Tick::from_millis(3_600_000));
    assert_eq!(remaining(&limiter.peek_at(&key, &Plan::free(), 0, first))[1], 999);
}
