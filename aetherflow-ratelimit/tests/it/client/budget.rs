//! No more retries than were earned.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use aetherflow_ratelimit::client::RetryBudget;
use proptest::prelude::*;

#[test]
fn what_is_saved_stops_at_the_reserve() {
    let budget = RetryBudget::new(100, 3);
    (0..50).for_each(|_| budget.deposit());
    assert_eq!((0..50).filter(|_| budget.withdraw()).count(), 3);
}

#[test]
fn extreme_budgets_neither_overflow_nor_give_for_nothing() {
    let most = RetryBudget::new(u32::MAX, u32::MAX);
    (0..9).for_each(|_| most.deposit());
    assert!(most.withdraw());
    let none = RetryBudget::new(u32::MAX, 0);
    none.deposit();
    assert!(!none.withdraw());
}

#[test]
fn eight_threads_get_exactly_what_was_earned() {
    let (budget, granted, start) = (RetryBudget::new(10, 1_000), AtomicU64::new(0), Barrier::new(8));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..10_000 {
                    granted.fetch_add(u64::from(budget.withdraw()), Ordering::Relaxed);
                    budget.deposit();
                    granted.fetch_add(u64::from(budget.withdraw()), Ordering::Relaxed);
                }
            });
        }
    });
    while budget.withdraw() {
        granted.fetch_add(1, Ordering::Relaxed);
    }
    // Nothing was saved in vain: more is asked for than deposited, after the reserve's first requests.
    let (all, most) = (granted.into_inner(), 1_000 + 8 * 10_000 / 10);
    assert!((most - 8..=most).contains(&all), "{all}");
}

proptest! {
    #[test]
    fn over_any_stretch_retries_stay_within_the_share_of_requests_and_the_reserve(
        percent in 0..300_u32, reserve in 0..20_u32, deeds in prop::collection::vec(any::<bool>(), 0..200),
    ) {
        let budget = RetryBudget::new(percent, reserve);
        let granted: Vec<[u64; 2]> = deeds.iter().map(|&is_retry| {
            if is_retry { return [0, u64::from(budget.withdraw())] }
            budget.deposit();
            [1, 0]
        }).collect();
        for from in 0..granted.len() {
            let (mut requests, mut retries) = (0, 0);
            for [request, retry] in &granted[from..] {
                requests += request;
                retries += retry;
                prop_assert!(100 * retries <= u64::from(percent) * requests + 100 * u64::from(reserve));
            }
        }
    }

    #[test]
    fn what_fits_the_saved_hundredths_is_granted(percent in 0..300_u32, deeds in prop::collection::vec(any::<bool>(), 0..200)) {
        let (budget, mut saved) = (RetryBudget::new(percent, 5), 500);
        for is_retry in deeds {
            if is_retry {
                prop_assert_eq!(budget.withdraw(), saved >= 100);
                saved -= if saved >= 100 { 100 } else { 0 };
            } else {
                budget.deposit();
                saved = (saved + percent).min(500);
            }
        }
    }
}
