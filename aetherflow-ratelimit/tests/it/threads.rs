//! Real threads on shared keys.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use aetherflow_ratelimit::{Key, Limiter, Plan, Tick};

#[test]
fn eight_threads_on_one_key_admit_exactly_the_limit() {
    let (limiter, free) = (Limiter::exact(10), Plan::free());
    let (admitted, start) = (AtomicU32::new(0), Barrier::new(8));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let key = Key::tenant("iss", "acme");
                start.wait();
                for _ in 0..1_000 {
                    let allowed = limiter.check_at(&key, &free, 1, Tick::from_millis(9)).is_allowed();
                    admitted.fetch_add(u32::from(allowed), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(admitted.into_inner(), 60);
}

#[test]
fn threads_whose_clocks_run_apart_admit_no_more_than_the_envelope_of_the_fastest() {
    let (limiter, free) = (Limiter::exact(2), Plan::free());
    let (admitted, start) = (AtomicU32::new(0), Barrier::new(4));
    thread::scope(|scope| {
        for offset in 0..4_u64 {
            let (limiter, free, admitted, start) = (&limiter, &free, &admitted, &start);
            scope.spawn(move || {
                let key = Key::tenant("iss", "acme");
                start.wait();
                for n in 0..10_000 {
                    // Other keys keep pushing this one out of a limiter that is far too small.
                    let other =
                        Key::tenant("iss", ["a", "b", "c", "d", "e"][usize::try_from(n % 5).unwrap()]);
                    let now = Tick::from_millis(n + offset * 7);
                    let _ = limiter.check_at(&other, free, 1, now);
                    let allowed = limiter.check_at(&key, free, 1, now).is_allowed();
                    admitted.fetch_add(u32::from(allowed), Ordering::Relaxed);
                }
            });
        }
    });
    assert!((60..=70).contains(&admitted.load(Ordering::Relaxed)), "{admitted:?}");
}
