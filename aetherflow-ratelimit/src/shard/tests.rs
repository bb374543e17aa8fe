use std::time::Duration;

use super::*;
use crate::plan::Window;

const KEYS: [&str; 5] = ["a", "b", "c", "d", "e"];

fn check(shard: &mut Shard, key: &str, plan: &Plan, cost: u32, ms: u64) -> Decision {
    // The same hash for all: equality must not rest on the hash.
    shard.check(7, &Key::tenant("iss", key), plan, cost, Tick::from_millis(ms))
}

fn remaining(shard: &Shard, key: &str, plan: &Plan, ms: u64) -> Vec<u32> {
    let decision = shard.peek(7, &Key::tenant("iss", key), plan, 0, Tick::from_millis(ms));
    decision.remaining().collect()
}

fn accounts(shard: &Shard) -> Vec<Account> {
    shard.entries.iter().map(|entry| entry.account.clone()).chain([shard.floor.clone()]).collect()
}

#[test]
fn neither_a_refusal_nor_cost_zero_nor_a_peek_changes_anything() {
    let (mut shard, free) = (Shard::new(2), Plan::free());
    assert!(check(&mut shard, "a", &free, 60, 1_000).is_allowed());
    let before = accounts(&shard);
    assert!(!check(&mut shard, "a", &free, 1, 1_999).is_allowed());
    assert!(check(&mut shard, "a", &free, 61, 1_999).never_fits());
    assert!(check(&mut shard, "a", &free, 0, 1_999).is_allowed());
    assert!(check(&mut shard, "b", &free, 0, 1_999).is_allowed());
    assert!(check(&mut shard, "b", &free, 61, 1_999).never_fits());
    assert_eq!(remaining(&shard, "a", &free, 2_000), [1, 940]);
    assert_eq!((accounts(&shard), shard.len()), (before, 1));
}

#[test]
fn a_full_bucket_gives_its_slot_up_before_any_live_key_does() {
    let (mut shard, free) = (Shard::new(2), Plan::free());
    assert!(check(&mut shard, "soon full", &free, 1, 0).is_allowed());
    assert!(check(&mut shard, "live", &free, 10, 0).is_allowed());
    assert!(check(&mut shard, "newcomer", &free, 1, 3_600).is_allowed());
    assert_eq!((shard.len(), shard.replaced()), (2, 0));
    assert_eq!(remaining(&shard, "live", &free, 3_600), [53, 991]);
    assert_eq!(remaining(&shard, "soon full", &free, 3_600), [60, 1_000]);
}

#[test]
fn when_all_are_live_the_one_nearest_to_full_gives_way_and_its_debt_binds_every_newcomer() {
    let (mut shard, free) = (Shard::new(4), Plan::free());
    for (key, cost) in KEYS.into_iter().zip([40, 20, 10, 30]) {
        assert!(check(&mut shard, key, &free, cost, 0).is_allowed());
    }
    // A hit moves "c" from nearest to farthest, so "b" is the one.
    assert!(check(&mut shard, "c", &free, 40, 0).is_allowed());
    assert!(check(&mut shard, "e", &free, 1, 0).is_allowed());
    assert_eq!((shard.len(), shard.replaced()), (4, 1));
    assert_eq!(remaining(&shard, "e", &free, 0), [59, 999]);
    assert_eq!(remaining(&shard, "b", &free, 0), [40, 980]);
    assert_eq!(remaining(&shard, "never seen", &free, 0), [40, 980]);
    assert_eq!(remaining(&shard, "never seen", &free, 10_000), [50, 982]);
    assert_eq!(remaining(&shard, "a", &free, 0), [20, 960]);
}

#[test]
fn the_floor_also_binds_a_newcomer_in_another_window_than_the_evicted_key_last_used() {
    let window = |name, seconds| Window::new(name, 10, Duration::from_secs(seconds)).unwrap();
    let minute = Plan::new("by minute", [window("minute", 60)]).unwrap();
    let hour = Plan::new("by hour", [window("hour", 3_600)]).unwrap();
    let mut shard = Shard::new(1);
    assert!(check(&mut shard, "a", &hour, 10, 0).is_allowed());
    assert!(check(&mut shard, "b", &minute, 1, 0).is_allowed());
    assert!(check(&mut shard, "a", &minute, 1, 0).is_allowed());
    assert_eq!(remaining(&shard, "a", &hour, 0), [0]);
}

#[test]
fn a_dropped_full_bucket_does_not_start_again_in_the_past() {
    let (mut shard, free) = (Shard::new(1), Plan::free());
    assert!(check(&mut shard, "a", &free, 60, 0).is_allowed());
    assert!(check(&mut shard, "b", &free, 1, 3_600_000).is_allowed());
    // "a" comes back with an old tick: it is charged at the moment it was dropped, not before.
    assert!(check(&mut shard, "a", &free, 59, 5).is_allowed());
    assert_eq!(remaining(&shard, "a", &free, 3_600_000), [1, 941]);
}

#[test]
fn a_key_replaced_by_a_tick_in_the_past_pays_back_from_its_own_moment_on() {
    let (mut shard, free) = (Shard::new(1), Plan::free());
    assert!(check(&mut shard, "a", &free, 60, 60_000).is_allowed());
    assert!(check(&mut shard, "b", &free, 1, 0).is_allowed());
    assert_eq!(remaining(&shard, "a", &free, 60_000), [0, 940]);
}

#[test]
fn a_key_that_still_owes_in_its_longest_window_counts_as_replaced() {
    let (mut shard, free) = (Shard::new(1), Plan::free());
    assert!(check(&mut shard, "a", &free, 30, 0).is_allowed());
    assert!(check(&mut shard, "b", &free, 1, 107_999).is_allowed());
    assert_eq!(shard.replaced(), 1);
    assert!(check(&mut shard, "c", &free, 1, 111_599).is_allowed());
    assert_eq!(shard.replaced(), 1);
}

#[test]
fn every_entry_is_found_after_its_neighbours_were_replaced_many_times() {
    let (mut shard, free) = (Shard::new(3), Plan::free());
    for round in 0..1_000_u64 {
        let key = KEYS[usize::try_from(round * 7 % 5).unwrap()];
        let now = round * 2_500;
        let before = remaining(&shard, key, &free, now);
        assert!(check(&mut shard, key, &free, 1, now).is_allowed());
        assert_eq!(remaining(&shard, key, &free, now), [before[0] - 1, before[1] - 1]);
        assert_eq!(shard.soonest.len(), shard.len());
        assert_eq!(shard.slots.len(), shard.len());
    }
}
