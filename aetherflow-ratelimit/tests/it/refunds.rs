//! Requests that are given back, and what a limiter counts.

use std::time::Duration;

use aetherflow_ratelimit::{Counts, Key, Limiter, Permit, Plan, Tick, Window};
use proptest::prelude::*;

use crate::plans::{remaining, shipped};

fn key() -> Key<'static> {
    Key::tenant("iss", "acme")
}

fn engines() -> [Limiter; 2] {
    [Limiter::exact(100), Limiter::new(100)]
}

fn permit(limiter: &Limiter, plan: &Plan, cost: u32, ms: u64) -> Permit {
    limiter.permit_at(&key(), plan, cost, Tick::from_millis(ms)).unwrap()
}

fn left(limiter: &Limiter, plan: &Plan, ms: u64) -> Vec<u32> {
    remaining(&limiter.peek_at(&key(), plan, 0, Tick::from_millis(ms)))
}

#[test]
fn a_refund_gives_both_windows_back_what_the_request_took() {
    for limiter in engines() {
        let pro = Plan::pro();
        let first = permit(&limiter, &pro, 2, 0);
        let second = permit(&limiter, &pro, 5, 0);
        assert_eq!(remaining(second.decision()), [293, 9_993]);
        assert!(limiter.refund_at(&key(), second, Tick::from_millis(0)));
        assert_eq!(left(&limiter, &pro, 0), [298, 9_998]);
        assert!(limiter.refund_at(&key(), first, Tick::from_millis(0)));
        assert_eq!(left(&limiter, &pro, 0), [300, 10_000]);
    }
}

#[test]
fn a_refund_after_the_debt_was_paid_back_gives_nothing_more() {
    for limiter in engines() {
        let pro = Plan::pro();
        let permit = permit(&limiter, &pro, 5, 0);
        assert!(!limiter.refund_at(&key(), permit, Tick::from_millis(3_600_000)));
        assert_eq!(left(&limiter, &pro, 3_600_000), [300, 10_000]);
    }
}

#[test]
fn a_dropped_permit_stays_charged_and_a_refusal_gives_none() {
    for limiter in engines() {
        let pro = Plan::pro();
        drop(permit(&limiter, &pro, 300, 0));
        let refused = limiter.permit_at(&key(), &pro, 1, Tick::from_millis(0)).unwrap_err();
        assert_eq!(refused.retry_after(), Some(Duration::from_millis(200)));
        assert_eq!(left(&limiter, &pro, 0), [0, 9_700]);
    }
}

#[test]
fn a_permit_is_worth_nothing_to_another_key_or_another_limiter() {
    for [limiter, other] in
        [[Limiter::exact(100), Limiter::exact(100)], [Limiter::new(100), Limiter::new(100)]]
    {
        let (pro, now) = (Plan::pro(), Tick::from_millis(0));
        for (case, taker, at) in [("key", Key::tenant("iss", "other"), &limiter), ("limiter", key(), &other)]
        {
            let before = permit(&limiter, &pro, 9, 0);
            assert!(at.check_at(&taker, &pro, 9, now).is_allowed());
            let want = remaining(&at.peek_at(&taker, &pro, 0, now));
            assert!(!at.refund_at(&taker, before, now), "another {case}");
            assert_eq!(remaining(&at.peek_at(&taker, &pro, 0, now)), want, "another {case}");
        }
    }
}

#[test]
fn no_more_than_a_tenth_of_a_window_is_given_back_in_any_of_its_periods() {
    for limiter in engines() {
        // 300 a minute: 15 at once and 15 more in the minute.
        let (pro, mut refunds) = (Plan::pro(), Vec::new());
        for ms in (0..600_000).step_by(50) {
            if let Ok(permit) = limiter.permit_at(&key(), &pro, 1, Tick::from_millis(ms))
                && limiter.refund_at(&key(), permit, Tick::from_millis(ms))
            {
                refunds.push(ms);
            }
        }
        let within = |start: u64| refunds.iter().filter(|ms| (start..start + 60_000).contains(*ms)).count();
        assert_eq!(refunds.iter().filter(|ms| **ms < 4_000).count(), 15);
        assert!(refunds.iter().all(|start| within(*start) <= 30), "{refunds:?}");
        assert!(within(0) >= 29 && refunds.len() >= 150, "{}", refunds.len());
    }
}

#[test]
fn a_key_that_gave_way_has_no_new_share_of_refunds() {
    let (limiter, pro, now) = (Limiter::exact(1), Plan::pro(), Tick::from_millis(0));
    let first = permit(&limiter, &pro, 15, 0);
    assert!(limiter.refund_at(&key(), first, now));
    let _ = permit(&limiter, &pro, 1, 0);
    assert!(limiter.check_at(&Key::tenant("iss", "other"), &pro, 1, now).is_allowed());
    let again = permit(&limiter, &pro, 1, 0);
    assert!(!limiter.refund_at(&key(), again, now));
    let later = permit(&limiter, &pro, 1, 4_000);
    assert!(limiter.refund_at(&key(), later, Tick::from_millis(4_000)), "its share refills");
}

#[test]
fn a_window_of_fewer_than_twenty_requests_gives_nothing_back() {
    for (limit, want) in [(19, false), (20, true)] {
        for limiter in engines() {
            let minute = Window::new("minute", limit, Duration::from_secs(60)).unwrap();
            let plan = Plan::new("small", [minute]).unwrap();
            let permit = permit(&limiter, &plan, 1, 0);
            assert_eq!(limiter.refund_at(&key(), permit, Tick::from_millis(0)), want, "{limit}");
            assert_eq!(left(&limiter, &plan, 0), [if want { limit } else { limit - 1 }]);
        }
    }
}

#[test]
fn a_strict_window_gives_back_what_still_counts() {
    let window = Window::new("strict", 100, Duration::from_secs(60)).unwrap().strict();
    let (limiter, plan) = (Limiter::new(8), Plan::new("strict", [window]).unwrap());
    let (early, late) = (permit(&limiter, &plan, 2, 0), permit(&limiter, &plan, 3, 59_000));
    assert!(limiter.refund_at(&key(), late, Tick::from_millis(59_500)));
    assert_eq!(left(&limiter, &plan, 59_500), [98]);
    assert!(limiter.check_at(&key(), &plan, 7, Tick::from_millis(70_000)).is_allowed());
    assert!(limiter.refund_at(&key(), early, Tick::from_millis(70_000)));
    assert_eq!(left(&limiter, &plan, 70_000), [93], "the early ones counted no more");
}

#[test]
fn a_refund_under_another_plan_is_the_same_part_of_the_bucket() {
    for limiter in engines() {
        let (pro, enterprise) = (Plan::pro(), Plan::enterprise());
        let taken = permit(&limiter, &pro, 15, 0);
        assert_eq!(left(&limiter, &enterprise, 0), [950, 49_925]);
        assert!(limiter.check_at(&key(), &enterprise, 50, Tick::from_millis(0)).is_allowed());
        assert!(limiter.refund_at(&key(), taken, Tick::from_millis(0)));
        assert_eq!(left(&limiter, &enterprise, 0), [950, 49_950]);
    }
}

#[test]
fn a_limiter_counts_what_it_decided() {
    for limiter in engines() {
        let (free, now) = (Plan::free(), Tick::from_millis(0));
        for cost in [0, 30, 30, 1, 2, 61, 1_001] {
            let _ = limiter.check_at(&key(), &free, cost, now);
        }
        let _ = limiter.peek_at(&key(), &free, 1, now);
        let other = Key::tenant("iss", "other");
        let permit = limiter.permit_at(&other, &free, 1, now).unwrap();
        assert!(limiter.refund_at(&other, permit, now));
        std::thread::scope(|scope| {
            scope.spawn(|| limiter.check_at(&other, &free, 1, now).is_allowed());
        });
        let counts = limiter.counts();
        let want = Counts::default();
        assert_eq!(
            (counts.allowed, counts.denied, counts.never_fit, counts.refunded, counts.replaced),
            (5, 4, 2, 1, 0)
        );
        assert_eq!(Limiter::new(8).counts(), want);
    }
}

#[test]
fn keys_that_gave_way_are_counted() {
    for limiter in [Limiter::exact(8), Limiter::new(8)] {
        for n in 0..100 {
            let _ =
                limiter.check_at(&Key::tenant("iss", &n.to_string()), &Plan::free(), 1, Tick::from_millis(0));
        }
        assert!(limiter.replaced() > 0);
        assert_eq!(limiter.counts().replaced, limiter.replaced());
    }
}

proptest! {
    /// What is admitted, less what is given back, keeps the envelope; and what is given back keeps its own.
    #[test]
    fn whoever_is_always_given_back_is_limited_all_the_same(
        steps in prop::collection::vec((0..3_usize, 1..12_u32, 0..4_000_u64, any::<bool>()), 1..200)
    ) {
        const WHOLE: u128 = 150_000 * 3_600_000;
        for limiter in engines() {
            let (mut now, mut log) = (0, Vec::new());
            for (plan, cost, jump, gives_back) in &steps {
                now += jump;
                let plan = &shipped()[*plan];
                let Ok(permit) = limiter.permit_at(&key(), plan, *cost, Tick::from_millis(now)) else { continue };
                let is_given_back = *gives_back && limiter.refund_at(&key(), permit, Tick::from_millis(now));
                let limit = |at| u128::from(plan.windows().nth(at).unwrap().limit());
                log.push((now, [0, 1].map(|at| u128::from(*cost) * WHOLE / limit(at)), is_given_back));
            }
            for (first, (start, ..)) in log.iter().enumerate() {
                let (mut kept, mut given) = ([0; 2], [0; 2]);
                for (end, parts, is_given_back) in &log[first..] {
                    for (window, period) in [(0, 60_000), (1, 3_600_000)] {
                        let refill = u128::from(end - start) * (WHOLE / period);
                        let sum = if *is_given_back { &mut given } else { &mut kept };
                        sum[window] += parts[window];
                        prop_assert!(kept[window] <= WHOLE + refill);
                        prop_assert!(given[window] <= (WHOLE + refill) / 20);
                    }
                }
            }
        }
    }
}
