use smallvec::smallvec;

use super::*;

/// Ten bought at 1,000, one of which was served, at a pace of 100.
fn lease() -> Lease {
    Lease { sent: 1_000, bought: 10, held: 9, pace: 100, debts: smallvec![1_000, 2_000] }
}

fn kept(lease: Lease) -> Leases {
    let leases = Leases::new(0);
    leases.keep(1, lease, 1_000);
    leases
}

#[test]
fn what_is_held_decays_as_fast_as_the_bucket_refills_and_not_while_it_is_spent_faster() {
    for (now, held) in [
        (900, 9),
        (1_000, 9),
        (1_001, 9),
        (1_100, 9),
        (1_101, 8),
        (1_800, 2),
        (1_801, 1),
        (1_900, 1),
        (1_901, 0),
    ] {
        let taken = kept(lease()).take(1, 100, now);
        assert_eq!(taken.map_or(0, |taken| taken.count), held, "at {now}");
    }
    let leases = kept(lease());
    assert_eq!(leases.take(1, 7, 1_001).map(|taken| (taken.count, taken.left)), Some((7, 2)));
    assert_eq!(leases.take(1, 9, 1_800).map(|taken| (taken.count, taken.left)), Some((2, 0)));
    assert_eq!(leases.take(1, 1, 1_800), None);
    assert_eq!(leases.take(2, 1, 1_000), None);
}

#[test]
fn what_has_decayed_stays_gone_when_time_goes_back() {
    let leases = kept(lease());
    assert_eq!(leases.take(1, 1, 1_801).map(|taken| (taken.count, taken.left)), Some((1, 0)));
    assert_eq!(leases.take(1, 1, 1_000), None);
}

#[test]
fn the_next_purchase_is_twice_as_large_if_the_last_was_spent_in_time_and_half_otherwise() {
    let leases = kept(lease());
    assert_eq!(leases.appetite(2, 100, 1_000), 1);
    assert_eq!([1_000, 1_999, 2_000].map(|now| leases.appetite(1, 100, now)), [20, 20, 5]);
    assert_eq!([1_000, 2_000].map(|now| leases.appetite(1, 4, now)), [4, 4]);
    let single = kept(Lease { bought: 1, held: 0, ..lease() });
    assert_eq!([1_099, 1_100].map(|now| single.appetite(1, 100, now)), [2, 1]);
}

#[test]
fn without_room_what_has_decayed_gives_way_and_what_is_paid_for_is_kept() {
    let leases = kept(lease());
    leases.keep(2, Lease { held: 0, ..lease() }, 1_999);
    assert_eq!(leases.appetite(2, 100, 1_999), 1);
    leases.keep(3, lease(), 1_999);
    assert_eq!(leases.appetite(3, 100, 1_999), 20);
    leases.keep(2, Lease { held: 0, sent: 2_000, ..lease() }, 2_000);
    assert_eq!([1, 2].map(|mark| leases.appetite(mark, 100, 2_000)), [1, 20]);
}
