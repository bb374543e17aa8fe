use super::*;

#[test]
fn the_whole_limit_fits_an_empty_debt_and_one_unit_of_debt_leaves_no_room_for_it() {
    for (limit, period) in [(1, 1), (7, 1_000), (50_000, 3_600_000), (u32::MAX, 1), (1, (1 << 63) - 1)] {
        let bucket = Bucket::new(limit, period).unwrap();
        assert_eq!(bucket.wait(0, limit), Some(0), "{limit} in {period}");
        assert_eq!(bucket.wait(1, limit), Some(1), "{limit} in {period}");
        assert_eq!(bucket.remaining(0), limit, "{limit} in {period}");
        assert_eq!(bucket.remaining(1), limit - 1, "{limit} in {period}");
    }
}

#[test]
fn a_bucket_of_two_to_the_63_units_is_refused_and_one_below_is_not() {
    assert_eq!(Bucket::new(2, 1 << 62), None);
    assert_eq!(Bucket::new(1, (1 << 63) - 1).map(Bucket::limit), Some(1));
    assert_eq!(Bucket::new(u32::MAX, u64::MAX), None);
}

#[test]
fn a_debt_converts_to_the_same_fraction_rounded_up() {
    let (free, pro, odd) = (Bucket::new(60, 60_000), Bucket::new(300, 60_000), Bucket::new(7, 60_000));
    let (free, pro, odd) = (free.unwrap(), pro.unwrap(), odd.unwrap());
    assert_eq!(pro.converted(30 * 60_000, free), 150 * 60_000);
    assert_eq!(free.converted(150 * 60_000, pro), 30 * 60_000);
    assert_eq!(odd.converted(60_001, free), 7_001);
    assert_eq!(odd.converted(60 * 60_000, free), 7 * 60_000);
    assert!(odd.owes_more(7_001, free, 60_001));
    assert!(!free.owes_more(60_001, odd, 7_001));
}

#[test]
fn no_elapsed_time_overflows() {
    let bucket = Bucket::new(u32::MAX, 1 << 30).unwrap();
    assert_eq!(bucket.drained(bucket.capacity(), u64::MAX), 0);
    assert_eq!(bucket.drained(bucket.capacity(), (1 << 30) - 1), u64::from(u32::MAX));
    // Here the product is 2^64 and would wrap to nothing.
    let bucket = Bucket::new(1 << 31, 1 << 31).unwrap();
    assert_eq!(bucket.drained(bucket.capacity(), 1 << 33), 0);
}
