use super::*;

fn balance(limit: u32, seconds: u64, debt: u64) -> Book {
    Book::Debt(Balance { bucket: Bucket::new(limit, seconds * 1_000).unwrap(), debt })
}

#[test]
fn a_refusal_leaves_every_balance_bit_for_bit_as_it_was() {
    let full_hour = 1_000 * 3_600_000;
    for (case, cost, want) in [
        ("no room in the second window", 1, Verdict::Denied),
        ("a cost above the first limit", 61, Verdict::NeverFits),
        ("the largest cost", u32::MAX, Verdict::NeverFits),
    ] {
        let before = [balance(60, 60, 17), balance(1_000, 3_600, full_hour)];
        let mut after = before.clone();
        assert_eq!(decide(&mut after, cost), want, "{case}");
        assert_eq!(after, before, "{case}");
    }
}

#[test]
fn an_admitted_request_is_charged_to_every_window() {
    let mut balances = [balance(60, 60, 0), balance(1_000, 3_600, 5)];
    assert_eq!(decide(&mut balances, 2), Verdict::Allowed);
    assert_eq!(balances, [balance(60, 60, 120_000), balance(1_000, 3_600, 7_200_005)]);
}
