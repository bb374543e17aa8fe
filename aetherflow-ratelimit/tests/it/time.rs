//! Clocks of any age, clocks that stop, clocks that go back.

use std::time::Duration;

use aetherflow_ratelimit::{Key, Limiter, Plan, Tick};

use crate::plans::remaining;

const HOUR: u64 = 3_600_000;
/// 2³² ms: 49.7 days, where a 32-bit millisecond clock wraps.
const WRAP: u64 = 1 << 32;
const TWO_YEARS: u64 = 2 * 365 * 24 * HOUR;

/// Allowed or the wait, and what remains, along a fixed trace that begins at `start`.
fn trace(start: u64) -> Vec<(Option<Duration>, Vec<u32>)> {
    let (limiter, free, key) = (Limiter::exact(4), Plan::free(), Key::tenant("iss", "acme"));
    let mut now = start;
    let step = |n: u64| {
        now += [0, 0, 250, 0, 1_000, 17, 90_000, 0][usize::try_from(n % 8).unwrap()];
        let decision =
            limiter.check_at(&key, &free, u32::try_from(n % 5 * 4).unwrap(), Tick::from_millis(now));
        (decision.retry_after(), remaining(&decision))
    };
    (0..2_000).map(step).collect()
}

#[test]
fn the_age_of_the_clock_changes_nothing() {
    let young = trace(0);
    assert!(young.iter().any(|(wait, _)| wait.is_some()));
    for start in [WRAP - HOUR, WRAP, WRAP + HOUR, TWO_YEARS, u64::MAX / 2] {
        assert_eq!(trace(start), young, "started at {start}");
    }
}

#[test]
fn the_last_tick_there_is_is_a_tick_like_any_other() {
    let (limiter, free, key) = (Limiter::exact(4), Plan::free(), Key::tenant("iss", "acme"));
    for now in [0, 1, u64::MAX - 1, u64::MAX].map(Tick::from_millis) {
        assert_eq!(remaining(&limiter.peek_at(&key, &free, 60, now)), [0, 940]);
    }
    let end = Tick::from_millis(u64::MAX);
    let admitted = (0..100).filter(|_| limiter.check_at(&key, &free, 1, end).is_allowed()).count();
    assert_eq!(admitted, 60);
    let past = limiter.check_at(&key, &free, 1, Tick::from_millis(0));
    assert_eq!(past.retry_after(), Some(Duration::from_millis(u64::MAX)));
}

#[test]
fn the_time_of_a_table_ends_and_then_stands_still() {
    let (limiter, free, key) = (Limiter::new(8), Plan::free(), Key::tenant("iss", "acme"));
    // 36 bits of milliseconds, less what a window may lie ahead.
    let last = (1 << 36) - 1 - 2 * (1 << 22);
    assert!(limiter.check_at(&key, &free, 59, Tick::from_millis(last - 1)).is_allowed());
    assert!(limiter.check_at(&key, &free, 1, Tick::from_millis(last)).is_allowed());
    for now in [last, last + 3_600_000, u64::MAX].map(Tick::from_millis) {
        let refused = limiter.check_at(&key, &free, 1, now);
        assert_eq!((refused.is_allowed(), remaining(&refused)), (false, vec![0, 940]));
        assert_eq!(refused.retry_after(), Some(Duration::from_millis(999)));
    }
}

#[test]
fn a_clock_that_goes_back_admits_nothing_extra_and_the_wait_counts_from_the_callers_now() {
    let (limiter, free, key) = (Limiter::exact(4), Plan::free(), Key::tenant("iss", "acme"));
    assert!(limiter.check_at(&key, &free, 60, Tick::from_millis(50_000)).is_allowed());
    for now in [0, 10_000, 49_999, 50_000, 50_999] {
        let refused = limiter.check_at(&key, &free, 1, Tick::from_millis(now));
        assert_eq!(refused.retry_after(), Some(Duration::from_millis(51_000 - now)), "at {now}");
        let minute = refused.windows(&free).next().unwrap();
        assert_eq!(minute.effective_window(), Duration::from_millis(51_000 - now), "at {now}");
        assert_eq!(minute.reset(), Duration::from_millis(110_000 - now), "at {now}");
    }
    assert!(limiter.check_at(&key, &free, 1, Tick::from_millis(51_000)).is_allowed());
}

#[test]
fn a_clock_that_swings_admits_no_more_than_one_that_only_went_forward() {
    let (limiter, free, key) = (Limiter::exact(1), Plan::free(), Key::tenant("iss", "acme"));
    let other = Key::tenant("iss", "other");
    let swing = [0, 60_000, 0, 60_000, 30_000, 0, 60_000];
    let admitted: usize = swing
        .iter()
        .map(|&ms| Tick::from_millis(ms))
        .map(|now| {
            // Another key takes the only slot each time: what is forgotten must not come back either.
            let _ = limiter.check_at(&other, &free, 1, now);
            (0..200).filter(|_| limiter.check_at(&key, &free, 1, now).is_allowed()).count()
        })
        .sum();
    assert!(admitted <= 120, "{admitted}");
}

#[test]
fn waits_round_up_to_whole_ticks() {
    let tick = Tick::from_millis(5);
    assert_eq!(tick.saturating_add(Duration::from_nanos(1)).as_millis(), 6);
    assert_eq!(tick.saturating_add(Duration::from_millis(7)).as_millis(), 12);
    assert_eq!(tick.saturating_add(Duration::MAX).as_millis(), u64::MAX);
}
