use super::*;

fn bucket(limit: u32, seconds: u64) -> Bucket {
    Bucket::new(limit, seconds * 1_000).unwrap()
}

/// An account that owes `requests` in each of the buckets, as of `ms`.
fn account(buckets: &[Bucket], requests: u64, ms: u64) -> Account {
    let mut account = Account::default();
    let owed = |&bucket: &Bucket| Book::Debt(Balance { bucket, debt: requests * bucket.period() });
    account.record(&buckets.iter().map(owed).collect::<Vec<_>>(), Tick::from_millis(ms));
    account
}

#[test]
fn a_debt_that_is_paid_back_takes_no_room() {
    let mut account = account(&[bucket(60, 60), bucket(60, 3_600)], 1, 0);
    assert_eq!(account.debts.len(), 2);
    account.settle(Tick::from_millis(1_000));
    assert_eq!(account.debts.len(), 1);
    account.settle(Tick::from_millis(60_000));
    assert_eq!(account, Account { since: Tick::from_millis(60_000), ..Account::default() });
}

#[test]
fn an_account_is_full_when_its_slowest_debt_is_paid_back() {
    for buckets in [[bucket(60, 60), bucket(60, 3_600)], [bucket(60, 3_600), bucket(60, 60)]] {
        assert_eq!(account(&buckets, 1, 500).full_at(), Tick::from_millis(60_500));
    }
    assert_eq!(account(&[bucket(7, 1)], 1, 0).full_at(), Tick::from_millis(143));
    assert_eq!(Account::default().full_at(), Tick::from_millis(0));
    assert_eq!(account(&[bucket(1, 1)], 1, u64::MAX).full_at(), Tick::from_millis(u64::MAX));
}

#[test]
fn raising_keeps_the_larger_fraction_of_each_window_at_the_later_of_both_moments() {
    let (minute, hour) = (bucket(60, 60), bucket(1_000, 3_600));
    let larger_plan = bucket(300, 60);
    let mut floor = account(&[minute], 30, 0);
    floor.raise(&account(&[larger_plan, hour], 160, 5_000), Tick::from_millis(0));
    // At 5 s the floor still owes 25 of 60, and the other 160 of 300.
    assert_eq!(floor.since, Tick::from_millis(5_000));
    let owed = |bucket, ms| floor.balance(bucket, Tick::from_millis(ms)).debt;
    assert_eq!(owed(larger_plan, 5_000), 160 * 60_000);
    assert_eq!(owed(minute, 5_000), 32 * 60_000);
    assert_eq!(owed(hour, 5_000), 160 * 3_600_000);
    let unchanged = floor.clone();
    floor.raise(&account(&[minute], 31, 5_000), Tick::from_millis(5_000));
    assert_eq!(floor, unchanged);
}
