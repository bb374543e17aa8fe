use proptest::prelude::*;

use super::*;
use crate::pair::Rate;

fn rate(limit: u32, interval: u32) -> Rate {
    Rate::new(limit, interval).unwrap()
}

/// So many requests at once, each paid back in a second, and an hour's worth that never binds.
fn pair(limit: u32) -> Pair {
    Pair { short: rate(limit, 1_000), long: rate(1_000, 3_600) }
}

/// A hash whose candidates in a table of four lines are these of the first two and of the last two; in a table of two
/// lines all have the same.
fn hash(n: u64, lines: [u64; 2]) -> u64 {
    (lines[0] << 63 | n << 32) | (lines[1] << 31 | n)
}

fn takes(table: &Table, key: u64, cost: u32, now: u64) -> bool {
    table.check(key, pair(4), cost, now).is_allowed
}

fn owes(table: &Table, key: u64, now: u64) -> u64 {
    let moments = table.peek(key, pair(4), 0, now).moments;
    moments[0].saturating_sub(now)
}

#[test]
fn nine_live_keys_of_two_lines_do_not_push_each_other_out_of_their_limit() {
    let table = Table::new(8);
    let keys: [u64; 9] = array::from_fn(|n| hash(n as u64, [0, 0]));
    let mut taken = [0; 9];
    for _ in 0..20 {
        for (key, taken) in keys.iter().zip(&mut taken) {
            *taken += u32::from(takes(&table, *key, 1, 1_000));
        }
    }
    assert!(taken.iter().all(|taken| *taken <= 4), "{taken:?}");
    assert!(table.replaced() > 0);
    assert_eq!(table.kept(), 8);
}

#[test]
fn the_one_nearest_to_full_gives_way_and_every_newcomer_owes_what_it_did() {
    let table = Table::new(8);
    let keys: [u64; 8] = array::from_fn(|n| hash(n as u64, [0, 0]));
    let costs = [3, 4, 4, 2, 4, 3, 4, 4];
    for (key, cost) in keys.iter().zip(costs) {
        assert!(takes(&table, *key, cost, 0));
    }
    let newcomer = hash(8, [0, 0]);
    assert!(takes(&table, newcomer, 1, 0), "it begins with nothing owed");
    assert_eq!(table.replaced(), 1);
    let owed = costs.map(|cost| u64::from(cost) * 1_000);
    assert_eq!(keys.map(|key| owes(&table, key, 0)), owed, "the fourth is known by the floor");
    assert_eq!([owes(&table, newcomer, 0), owes(&table, hash(9, [0, 0]), 0)], [1_000, 2_000]);
    assert_eq!(owes(&table, hash(9, [0, 0]), 1_500), 500, "a floor drains");
}

#[test]
fn a_newcomer_starts_with_the_higher_floor_of_its_lines_also_in_a_free_slot() {
    for (full, cost) in [([0, 0], 3), ([1, 1], 3)] {
        let table = Table::new(16);
        for n in 0..9 {
            assert!(takes(&table, hash(n, full), cost, 0), "{n}");
        }
        let other = full.map(|line| 1 - line);
        // All owe the same, and the first of the first line gave way.
        assert_eq!(owes(&table, hash(20, [full[0], other[1]]), 0), 3_000, "{full:?}");
        assert_eq!(owes(&table, hash(20, [other[0], full[1]]), 0), 0, "{full:?}");
        assert_eq!(owes(&table, hash(20, other), 0), 0, "{full:?}");
        assert!(!takes(&table, hash(20, [full[0], other[1]]), 2, 0), "{full:?}");
        assert!(takes(&table, hash(20, [full[0], other[1]]), 1, 0), "{full:?}");
        assert_eq!((table.replaced(), table.kept()), (1, 9), "the other line had room");
    }
}

#[test]
fn the_floor_of_the_second_line_binds_as_the_first_ones_does() {
    let table = Table::new(16);
    for n in 0..8 {
        // The second line holds the fifth to the eighth, of which the last owes least.
        assert!(takes(&table, hash(n, [0, 0]), if n == 7 { 2 } else { 4 }, 0), "{n}");
    }
    assert!(takes(&table, hash(8, [0, 0]), 1, 0));
    let owed = [[0, 1], [1, 0]].map(|lines| owes(&table, hash(20, lines), 0));
    assert_eq!((owed.iter().sum::<u64>(), table.replaced()), (2_000, 1), "{owed:?}");
}

#[test]
fn a_full_bucket_gives_its_slot_up_before_any_live_key_does() {
    // The longer window's moment is that of the first key's bucket: 3.6 s.
    for (now, replaced, floor) in [(3_599, 1, 1), (3_600, 0, 0)] {
        let table = Table::new(8);
        for n in 0..8 {
            assert!(takes(&table, hash(n, [0, 0]), if n == 0 { 1 } else { 2 }, 0));
        }
        assert!(takes(&table, hash(8, [0, 0]), 1, now));
        assert_eq!((table.replaced(), table.kept()), (replaced, 8), "{now}");
        let newcomer = table.peek(hash(9, [0, 0]), pair(4), 0, now).moments;
        assert_eq!(newcomer[1], now + floor, "{now}");
    }
}

#[test]
fn a_refusal_and_a_cost_of_nothing_take_no_slot_and_change_none() {
    let table = Table::new(8);
    let key = hash(1, [0, 1]);
    assert!(!takes(&table, key, 5, 0) && takes(&table, key, 0, 0));
    assert_eq!(table.kept(), 0);
    assert!(takes(&table, key, 3, 0));
    let words = || -> Vec<u64> {
        let slots = table.lines.iter().flat_map(|line| &line.0);
        slots.map(|slot| slot.state.load(Ordering::Relaxed)).collect()
    };
    let before = words();
    assert!(!takes(&table, key, 2, 0) && takes(&table, key, 0, 0));
    assert_eq!(words(), before);
}

#[test]
fn a_plan_without_a_window_leaves_what_is_owed_there() {
    let table = Table::new(8);
    let key = hash(1, [0, 1]);
    let long_only = Pair { short: Rate::NONE, ..pair(4) };
    assert!(takes(&table, key, 4, 0));
    assert!(table.check(key, long_only, 900, 500).is_allowed);
    assert_eq!(table.peek(key, pair(4), 0, 500).moments, [4_000, 904 * 3_600]);
    assert!(!takes(&table, key, 1, 999) && takes(&table, key, 1, 1_000));
}

#[test]
fn a_request_is_charged_to_both_windows_or_to_neither() {
    let table = Table::new(8);
    let key = hash(1, [0, 1]);
    let tight = Pair { long: rate(2, 60_000), ..pair(4) };
    assert!(table.check(key, tight, 2, 0).is_allowed);
    for now in [0, 59_999] {
        assert!(!table.check(key, tight, 1, now).is_allowed, "{now}");
        assert_eq!(table.peek(key, tight, 0, 0).moments, [2_000, 120_000], "{now}");
    }
    assert!(table.check(key, tight, 1, 60_000).is_allowed);
    assert_eq!(table.peek(key, tight, 0, 60_000).moments, [61_000, 180_000]);
}

#[test]
fn a_newcomer_takes_the_emptier_line_and_the_first_of_two_alike() {
    let table = Table::new(16);
    let live = |line: usize| table.lines[line].0.iter().filter(|slot| !slot.is_vacant(0)).count();
    for (n, lines, want) in [
        (1, [0, 0], [1, 0, 0, 0]),
        (2, [0, 0], [1, 0, 1, 0]),
        (3, [1, 0], [1, 1, 1, 0]),
        (4, [1, 0], [1, 2, 1, 0]),
        (5, [1, 0], [1, 2, 2, 0]),
        (6, [0, 1], [1, 2, 2, 1]),
        (7, [0, 1], [2, 2, 2, 1]),
        (8, [0, 1], [2, 2, 2, 2]),
        (9, [1, 1], [2, 3, 2, 2]),
    ] {
        assert!(takes(&table, hash(n, lines), 1, 0));
        assert_eq!([0, 1, 2, 3].map(live), want, "{n}");
    }
}

#[test]
fn a_key_has_one_line_in_each_half_of_a_table_of_any_size() {
    for slots in [0, 8, 9, 20, 1_000, 4_001] {
        let table = Table::new(slots);
        let (lines, half) = (table.lines.len(), table.lines.len() / 2);
        let mut seen = vec![false; lines];
        for n in 0..200_000_u64 {
            let [first, second] = table.lines_of(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            assert!(first < half && (half..lines).contains(&second), "{slots}: {first}, {second}");
            (seen[first], seen[second]) = (true, true);
        }
        assert!(seen.iter().all(|seen| *seen), "{slots}: no line is left out");
        assert_eq!(table.lines_of(u64::MAX), [half - 1, lines - 1]);
    }
}

#[test]
fn time_that_goes_back_gives_nothing() {
    let table = Table::new(8);
    let key = hash(1, [0, 1]);
    assert!(takes(&table, key, 4, 10_000));
    assert!(!takes(&table, key, 1, 0) && !takes(&table, key, 1, 10_999) && takes(&table, key, 1, 11_000));
}

#[test]
fn uptime_makes_no_difference() {
    const DAY: u64 = 86_400_000;
    let hours = 3_600_000;
    let wrap = 1 << 32;
    for start in [0, wrap - hours, wrap - 1, wrap, wrap + hours, 2 * 365 * DAY] {
        let (table, key) = (Table::new(8), hash(1, [0, 1]));
        assert!(takes(&table, key, 4, start), "{start}");
        assert!(!takes(&table, key, 1, start + 999), "{start}");
        assert!(takes(&table, key, 1, start + 1_000), "{start}");
        assert!(takes(&table, key, 4, start + 5_000), "{start}");
    }
}

proptest! {
    /// Twelve keys for eight slots, all of them live most of the time.
    #[test]
    fn no_order_of_requests_takes_a_key_past_its_envelope(
        steps in prop::collection::vec((0..12_u64, 1..5_u32, 0..700_u64), 1..300)
    ) {
        let table = Table::new(8);
        let mut admitted: Vec<(u64, u64, u64)> = Vec::new();
        let mut now = 0;
        for (n, cost, jump) in steps {
            now += jump;
            let key = hash(n, [n & 1, n >> 1 & 1]);
            if takes(&table, key, cost, now) {
                admitted.push((n, now, u64::from(cost)));
            }
        }
        for (first, (key, start, _)) in admitted.iter().enumerate() {
            let mut sum = 0;
            for (_, end, cost) in admitted[first..].iter().filter(|(other, ..)| other == key) {
                sum += cost * 1_000;
                prop_assert!(sum <= 4_000 + (end - start), "key {key} between {start} and {end}");
            }
        }
    }
}
