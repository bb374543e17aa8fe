//! Memory under a flood of keys.

use std::net::{IpAddr, Ipv4Addr};

use aetherflow_ratelimit::{Key, Limiter, Plan, Tick};

use crate::plans::remaining;

fn address(n: u32) -> Key<'static> {
    Key::address(IpAddr::V4(Ipv4Addr::from_bits(n)))
}

#[test]
fn a_flood_of_a_million_keys_keeps_no_more_than_the_limiter_was_made_for() {
    let (limiter, free) = (Limiter::exact(1_000), Plan::free());
    let regular = Key::tenant("iss", "acme");
    assert!(limiter.check_at(&regular, &free, 60, Tick::from_millis(0)).is_allowed());
    let mut admitted = 0;
    for n in 0..1_000_000 {
        let now = Tick::from_millis(u64::from(n / 1_000));
        let _ = limiter.check_at(&address(n), &free, 1, now);
        admitted += u32::from(limiter.check_at(&regular, &free, 1, now).is_allowed());
    }
    assert!(limiter.kept() <= 1_000 && limiter.kept() > 900, "{}", limiter.kept());
    assert!(limiter.replaced() > 10_000, "{}", limiter.replaced());
    // One second passed: whatever was forgotten, the key that had spent its minute got no more than one request.
    assert!(admitted <= 1, "{admitted}");
}

#[test]
fn a_table_bears_a_flood_of_addresses_beside_its_verified_callers_and_does_not_grow() {
    let (limiter, free) = (Limiter::new(1_000), Plan::free());
    let regular = Key::tenant("iss", "acme");
    let now = Tick::from_millis(0);
    assert!(limiter.check_at(&regular, &free, 59, now).is_allowed());
    for n in 0..1_000_000 {
        let _ = limiter.check_at(&address(n), &free, 1, now);
    }
    assert_eq!(limiter.kept(), 1_000 + 1);
    assert!(limiter.replaced() > 10_000, "{}", limiter.replaced());
    assert_eq!(remaining(&limiter.peek_at(&regular, &free, 0, now)), [1, 941]);
    let newcomer = Key::tenant("iss", "new");
    assert_eq!(
        remaining(&limiter.peek_at(&newcomer, &free, 0, now)),
        [60, 1_000],
        "no floor of the addresses binds it"
    );
}

#[test]
fn addresses_have_as_many_slots_as_they_are_given() {
    for (limiter, slots) in
        [(Limiter::new(100_000), 65_536), (Limiter::new(100_000).with_address_slots(80_000), 80_000)]
    {
        for n in 0..400_000 {
            let _ = limiter.check_at(&address(n), &Plan::free(), 1, Tick::from_millis(0));
        }
        assert_eq!(limiter.kept(), slots);
    }
}

#[test]
fn a_flood_of_verified_keys_takes_none_past_its_limit() {
    let (limiter, free) = (Limiter::new(1_000), Plan::free());
    let regular = Key::tenant("iss", "acme");
    let mut admitted = 0;
    for n in 0..300_000 {
        let now = Tick::from_millis(n / 1_000);
        let _ = limiter.check_at(&Key::tenant("iss", &n.to_string()), &free, 1, now);
        admitted += u32::from(limiter.check_at(&regular, &free, 1, now).is_allowed());
    }
    assert!(limiter.replaced() > 10_000, "{}", limiter.replaced());
    // Under a third of a second passed.
    assert!(admitted <= 60, "{admitted}");
}

#[test]
fn a_flood_that_ends_is_forgotten_and_limits_are_whole_again() {
    let (limiter, free) = (Limiter::exact(100), Plan::free());
    for n in 0..50_000 {
        let _ = limiter.check_at(&address(n), &free, 1, Tick::from_millis(0));
    }
    let key = Key::tenant("iss", "late");
    assert!(!limiter.check_at(&key, &free, 1, Tick::from_millis(0)).is_allowed());
    let later = Tick::from_millis(3_600_000);
    assert_eq!(remaining(&limiter.check_at(&key, &free, 1, later)), [59, 999]);
}

#[test]
fn keys_that_only_get_refused_or_cost_nothing_take_no_memory() {
    let (limiter, free) = (Limiter::exact(100), Plan::free());
    for n in 0..1_000 {
        let _ = limiter.check_at(&address(n), &free, 61, Tick::from_millis(0));
        let _ = limiter.check_at(&address(n), &free, 0, Tick::from_millis(0));
        let _ = limiter.peek_at(&address(n), &free, 1, Tick::from_millis(0));
    }
    assert_eq!((limiter.kept(), limiter.replaced()), (0, 0));
}

#[test]
fn a_limiter_of_any_size_keeps_at_least_one_key_and_at_most_its_size() {
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 5_000, 70_000] {
        let limiter = Limiter::exact(size);
        for n in 0..u32::try_from(2 * size + 10).unwrap() {
            let _ = limiter.check_at(&address(n), &Plan::enterprise(), 1, Tick::from_millis(0));
        }
        let most = size.max(1);
        assert!(
            (most * 9 / 10).max(1) <= limiter.kept() && limiter.kept() <= most,
            "{size}: {}",
            limiter.kept()
        );
    }
}

#[test]
fn at_the_stated_size_no_key_gives_way() {
    let (limiter, free) = (Limiter::exact(16_000), Plan::free());
    for n in 0..10_000 {
        assert_eq!(remaining(&limiter.check_at(&address(n), &free, 1, Tick::from_millis(0))), [59, 999]);
    }
    assert_eq!((limiter.kept(), limiter.replaced()), (10_000, 0));
}
