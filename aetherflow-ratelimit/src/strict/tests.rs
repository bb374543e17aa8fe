use super::*;

fn log(limit: u32, period: u64, charges: &[(u64, u32)]) -> Log {
    charges.iter().fold(Log::new(limit, period), |log, &(now, cost)| {
        let mut log = log.at(limit, now);
        log.charge(cost);
        log
    })
}

#[test]
fn a_request_counts_until_its_slice_has_left_the_period() {
    // A minute has slices of 938 ms: 64 reach over it, and one is under way.
    for (then, gone) in [(0, 65 * 938), (937, 65 * 938), (938, 66 * 938)] {
        let one = log(1, 60_000, &[(then, 1)]);
        assert!(gone >= then + 60_000 && gone <= then + 60_000 + 2 * 938, "{then}");
        assert_eq!(one.empty_at(), gone, "{then}");
        assert_eq!([gone - 1, gone].map(|now| one.clone().at(1, now).used()), [1, 0], "{then}");
    }
}

#[test]
fn a_wait_is_for_as_many_slices_as_make_room() {
    let full = log(10, 6_400, &[(0, 4), (100, 5), (250, 1)]);
    assert_eq!([1, 4, 5, 9, 10].map(|cost| full.wait(cost).unwrap()), [6_250, 6_250, 6_350, 6_350, 6_450]);
    assert_eq!(full.wait(11), None);
    assert_eq!(full.wait(0), Some(0));
}

#[test]
fn periods_of_any_length_have_at_most_65_slices_and_at_least_two() {
    for (period, want) in [(1, 2), (2, 3), (63, 64), (64, 65), (65, 34), (100, 51), ((1 << 63) - 1, 65)] {
        assert_eq!(Log::new(1, period).len(), want, "{period}");
    }
}

#[test]
fn an_hour_without_a_request_empties_every_slice_and_time_that_goes_back_none() {
    let busy = log(1_000, 6_400, &(0..65).map(|n| (n * 100, 1)).collect::<Vec<_>>());
    assert_eq!(busy.used(), 65);
    assert_eq!(busy.clone().at(1_000, 0).used(), 65);
    for later in [3_600_000, 6_400 + 6_500, u64::MAX] {
        assert_eq!(busy.clone().at(1_000, later).used(), 0, "{later}");
    }
    assert_eq!(busy.clone().at(1_000, 6_400 + 1_000).used(), 55);
}

#[test]
fn raising_keeps_the_larger_count_of_each_slice_that_still_counts() {
    let mut one = log(9, 6_400, &[(0, 3), (500, 1), (600, 2)]);
    one.raise(&log(9, 6_400, &[(0, 9), (500, 4), (6_700, 5)]));
    let want = log(9, 6_400, &[(500, 4), (600, 2), (6_700, 5)]);
    assert_eq!(one, want);
    let mut later = want.clone();
    later.raise(&log(9, 6_400, &[(0, 9), (500, 4)]));
    assert_eq!(later, want, "what has left the period raises nothing");
}

#[test]
fn a_refund_takes_from_the_slice_it_was_charged_to_and_from_no_later_one() {
    let charged = log(9, 6_400, &[(100, 4), (6_500, 3)]);
    for (case, cost, then, used) in [
        ("what was charged", 4, 100, 3),
        ("more than was charged", 5, 100, 3),
        ("what is gone, at whose place another slice is now", 3, 0, 7),
        ("the newest", 2, 6_599, 5),
    ] {
        let mut log = charged.clone();
        log.refund(cost, then);
        assert_eq!(log.used(), used, "{case}");
    }
}
