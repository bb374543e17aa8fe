//! Waits within their bounds, and never early.

use std::time::Duration;

use aetherflow_ratelimit::client::Backoff;
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

const BASE: Duration = Duration::from_millis(100);
const CAP: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(3_600);

fn waits(mut backoff: Backoff, told: Option<Duration>, random: &mut StdRng) -> Vec<Duration> {
    std::iter::from_fn(|| backoff.next_wait(told, random)).collect()
}

#[test]
fn it_gives_up_after_as_many_retries_as_it_was_made_for() {
    let random = &mut StdRng::seed_from_u64(1);
    for retries in [0, 1, 5, 100] {
        assert_eq!(
            waits(Backoff::new(BASE, CAP, retries), None, random).len(),
            usize::try_from(retries).unwrap()
        );
    }
}

#[test]
fn a_retry_after_beyond_what_it_obeys_makes_it_give_up_instead_of_coming_back_early() {
    let random = &mut StdRng::seed_from_u64(1);
    let still = Backoff::new(Duration::ZERO, CAP, 3);
    let patient = still.with_longest_retry_after(Duration::MAX);
    let over = HOUR + Duration::from_nanos(1);
    for (name, mut backoff, told, want) in [
        ("an hour", still, HOUR, Some(HOUR)),
        ("more than an hour", still, over, None),
        ("more than an hour, allowed", patient, over, Some(over)),
        ("for ever, allowed", patient, Duration::MAX, Some(Duration::MAX)),
    ] {
        assert_eq!(backoff.next_wait(Some(told), random), want, "{name}");
    }
}

#[test]
fn the_sum_of_the_waits_stays_within_the_total() {
    let random = &mut StdRng::seed_from_u64(1);
    let total = Duration::from_secs(7);
    let three = Backoff::new(Duration::ZERO, CAP, 9).with_total(total);
    let told = Duration::from_secs(2);
    assert_eq!(waits(three, Some(told), random), [told; 3]);
    let exact = three.with_total(3 * told);
    assert_eq!(waits(exact, Some(told), random), [told; 3]);
}

#[test]
fn the_mean_wait_is_half_its_bound() {
    let (random, draws) = (&mut StdRng::seed_from_u64(1), 10_000_u32);
    for (name, retry, bound) in [("first", 0, BASE), ("fourth", 3, 8 * BASE), ("capped", 9, CAP)] {
        let backoff = Backoff::new(BASE, CAP, 10);
        let sum: Duration = (0..draws).map(|_| waits(backoff, None, random)[retry]).sum();
        let mean = (sum / draws).as_secs_f64() / bound.as_secs_f64();
        // The mean of so many even draws is off by more than 0.015, five standard deviations, once in a million times.
        assert!((mean - 0.5).abs() < 0.015, "{name}: {mean}");
    }
}

proptest! {
    #[test]
    fn every_wait_is_within_its_bound_and_none_is_earlier_than_retry_after(
        base in 0..u64::MAX, cap in 0..u64::MAX, told in prop::option::of(0..3_601_u64), seed: u64,
    ) {
        let (base, cap) = (Duration::from_nanos(base), Duration::from_nanos(cap));
        let told = told.map(Duration::from_secs);
        let (backoff, random) = (Backoff::new(base, cap, 70), &mut StdRng::seed_from_u64(seed));
        let all = waits(backoff, told, random);
        prop_assert_eq!(all.len(), if told > Some(HOUR) { 0 } else { 70 });
        let mut bound = base;
        for wait in all {
            let earliest = told.unwrap_or_default();
            prop_assert!(wait >= earliest && wait <= earliest + bound.min(cap), "{:?}", wait);
            bound = bound.saturating_mul(2);
        }
    }
}
