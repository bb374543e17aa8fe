use loom::sync::Arc;
use loom::thread;

use crate::budget::RetryBudget;

/// Panics where it does not hold in some order.
pub fn of_two_who_want_the_last_retry_one_gets_it() {
    loom::model(|| {
        let budget = Arc::new(RetryBudget::new(0, 1));
        let other = Arc::clone(&budget);
        let first = thread::spawn(move || other.withdraw());
        assert!(budget.withdraw() != first.join().unwrap());
        assert!(!budget.withdraw());
    });
}

/// Panics where it does not hold in some order.
pub fn what_is_earned_while_another_withdraws_is_neither_lost_nor_given_twice() {
    loom::model(|| {
        let budget = Arc::new(RetryBudget::new(50, 2));
        assert!(budget.withdraw());
        let other = Arc::clone(&budget);
        let earning = thread::spawn(move || (other.deposit(), other.deposit()));
        assert!(budget.withdraw());
        earning.join().unwrap();
        assert!(budget.withdraw(), "two requests earned one");
        assert!(!budget.withdraw());
    });
}
