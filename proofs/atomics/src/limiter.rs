use loom::sync::Arc;
use loom::thread;

use crate::pair::{Pair, Rate};
use crate::table::Table;

const NOW: u64 = 1_000;

/// So many requests at once, each paid back in a second.
fn pair(limit: u32) -> Pair {
    let rate = Rate::new(limit, 1_000).expect("a short time");
    Pair { short: rate, long: rate }
}

/// Keys of a table of two lines: eight slots for all of them.
const KEYS: [u64; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

fn takes(table: &Table, key: u64, limit: u32) -> u32 {
    u32::from(table.check(key, pair(limit), 1, NOW).is_allowed)
}

/// A table that is full: the first key owes least, and is the one to give way.
fn full() -> Table {
    let table = Table::new(8);
    for (key, cost) in KEYS.into_iter().zip([1, 4, 4, 4, 4, 4, 4, 4]) {
        assert!(table.check(key, pair(4), cost, NOW).is_allowed);
    }
    table
}

/// In few enough orders to try them all: no more than three times is a thread stopped where it did not wait.
fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.max_branches = 10_000;
    builder.check(run);
}

/// Panics where it does not hold in some order.
pub fn two_who_come_at_once_get_no_more_than_there_is() {
    model(|| {
        let table = Arc::new(Table::new(8));
        let other = Arc::clone(&table);
        let first = thread::spawn(move || takes(&other, KEYS[0], 1));
        let second = takes(&table, KEYS[0], 1);
        assert_eq!(first.join().unwrap() + second, 1);
        assert_eq!((takes(&table, KEYS[0], 1), table.kept()), (0, 1));
    });
}

/// Panics where it does not hold in some order.
pub fn two_who_come_at_once_get_what_there_is() {
    model(|| {
        let table = Arc::new(Table::new(8));
        let other = Arc::clone(&table);
        let first = thread::spawn(move || takes(&other, KEYS[0], 2));
        assert_eq!((takes(&table, KEYS[0], 2), first.join().unwrap()), (1, 1));
    });
}

/// Panics where it does not hold in some order.
pub fn two_hits_at_once_are_both_counted() {
    model(|| {
        let table = Arc::new(Table::new(8));
        assert_eq!(takes(&table, KEYS[0], 3), 1);
        let other = Arc::clone(&table);
        let first = thread::spawn(move || takes(&other, KEYS[0], 3));
        assert_eq!((takes(&table, KEYS[0], 3), first.join().unwrap()), (1, 1));
        assert_eq!(takes(&table, KEYS[0], 3), 0);
    });
}

/// Panics where it does not hold in some order.
pub fn a_key_that_gives_way_while_it_is_asked_keeps_what_it_owes() {
    model(|| {
        let table = Arc::new(full());
        let other = Arc::clone(&table);
        let newcomer = thread::spawn(move || takes(&other, KEYS[8], 4));
        // It has spent one of two; a newcomer gets a place whatever the order, for its own start is another's debt.
        let asked = takes(&table, KEYS[0], 2);
        assert!(newcomer.join().unwrap() <= 1);
        let again = takes(&table, KEYS[0], 2) + takes(&table, KEYS[0], 2);
        assert!(asked + again <= 1, "{asked} and {again}");
    });
}

/// Panics where it does not hold in some order.
pub fn who_takes_a_slot_is_not_charged_for_its_last_owner_nor_forgotten() {
    model(|| {
        let table = Arc::new(full());
        let other = Arc::clone(&table);
        let last = thread::spawn(move || takes(&other, KEYS[0], 4));
        let mut taken = takes(&table, KEYS[8], 4);
        last.join().unwrap();
        while takes(&table, KEYS[8], 4) == 1 {
            taken += 1;
        }
        assert_eq!(taken, 4);
    });
}

/// Panics where it does not hold in some order.
pub fn two_newcomers_take_two_slots() {
    model(|| {
        let table = Arc::new(full());
        let other = Arc::clone(&table);
        let first = thread::spawn(move || takes(&other, KEYS[8], 9));
        assert_eq!((takes(&table, KEYS[9], 9), first.join().unwrap()), (1, 1));
        assert_eq!((table.kept(), table.replaced()), (8, 2));
    });
}

/// Panics where it does not hold in some order.
pub fn what_is_given_back_while_another_is_admitted_is_neither_lost_nor_given_twice() {
    model(|| {
        let table = Arc::new(Table::new(8));
        assert!(table.check(KEYS[0], pair(20), 5, NOW).is_allowed);
        let other = Arc::clone(&table);
        let refund = thread::spawn(move || other.refund(KEYS[0], pair(20), 1, NOW));
        assert_eq!(takes(&table, KEYS[0], 20), 1);
        assert!(refund.join().unwrap());
        assert_eq!(table.peek(KEYS[0], pair(20), 0, NOW).moments, [NOW + 5_000; 2]);
        assert!(!table.refund(KEYS[0], pair(20), 1, NOW), "its share is used up");
    });
}

/// Panics where it does not hold in some order.
pub fn what_is_given_back_to_a_key_that_gives_way_is_not_given_to_the_next_owner() {
    model(|| {
        let table = Arc::new(Table::new(8));
        // Its share of refunds is in the table, so that only the newcomer looks for a slot.
        assert!(table.check(KEYS[0], pair(40), 3, NOW).is_allowed && table.refund(KEYS[0], pair(40), 1, NOW));
        for key in &KEYS[1..7] {
            assert!(table.check(*key, pair(40), 4, NOW).is_allowed);
        }
        let other = Arc::clone(&table);
        let refund = thread::spawn(move || other.refund(KEYS[0], pair(40), 1, NOW));
        assert_eq!(takes(&table, KEYS[8], 40), 1);
        let _ = refund.join().unwrap();
        assert_eq!(table.peek(KEYS[8], pair(40), 0, NOW).moments, [NOW + 1_000; 2]);
    });
}
