//! How old secrets grow, and how new ones take over.

#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod two_years;

use aetherflow_auth::ConfigError;
use aetherflow_auth::rotation::{KeyRotation, Life, PublishedKey, RotationPolicy, RotationStatus};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use RotationStatus::{Current, Due, Ended, Overdue, Replaced};

const BORN: DateTime<Utc> = DateTime::UNIX_EPOCH;
const TICK: TimeDelta = TimeDelta::nanoseconds(1);

fn days(days: i64) -> TimeDelta {
    TimeDelta::days(days)
}

#[test]
fn a_life_is_due_by_reminders_and_overdue_at_its_greatest_age() {
    let policy = RotationPolicy::default();
    let (forever, hour) = (Life::new(BORN), Life::new(BORN).with_expiry(BORN + TimeDelta::hours(1)));
    let month = Life::new(BORN).with_expiry(BORN + days(30));
    let replaced = forever.with_replacement(BORN + days(10));
    let late = month.with_replacement(BORN + days(30) - TimeDelta::hours(1));
    for (case, life, age, want) in [
        ("new", forever, days(0), Current),
        ("before the first reminder", forever, days(60) - TICK, Current),
        ("at the first reminder", forever, days(60), Due(days(30))),
        ("before the second", forever, days(83) - TICK, Due(days(30))),
        ("at the second", forever, days(83), Due(days(7))),
        ("at the third", forever, days(89), Due(days(1))),
        ("before its greatest age", forever, days(90) - TICK, Due(days(1))),
        ("at its greatest age", forever, days(90), Overdue),
        ("a month, before its last third", month, days(20) - TICK, Current),
        ("a month, at its last third", month, days(20), Due(days(30))),
        ("a month, a week before its end", month, days(23), Due(days(7))),
        ("a month, at its expiry", month, days(30), Ended),
        ("an hour, before its last third", hour, TimeDelta::minutes(40) - TICK, Current),
        ("an hour, in its last third", hour, TimeDelta::minutes(40), Due(days(1))),
        ("an hour, at its expiry", hour, TimeDelta::hours(1), Ended),
        ("before it is replaced", replaced, days(10) - TICK, Current),
        ("replaced", replaced, days(10), Replaced),
        ("before the overlap is over", replaced, days(11) - TICK, Replaced),
        ("after the overlap", replaced, days(11), Ended),
        ("replaced an hour before its expiry", late, days(30) - TICK, Replaced),
        ("the same at its expiry", late, days(30), Ended),
    ] {
        assert_eq!(policy.status_at(&life, BORN + age), want, "{case}");
    }
}

#[test]
fn a_policy_of_its_own_counts_and_one_that_cannot_be_kept_is_refused() {
    let week = RotationPolicy::new(days(7), TimeDelta::zero()).unwrap();
    let week = week.with_reminders([TimeDelta::hours(1), days(1), days(1)]).unwrap();
    let status = |age| week.status_at(&Life::new(BORN), BORN + age);
    assert_eq!([status(days(6) - TICK), status(days(6))], [Current, Due(days(1))]);
    assert_eq!([status(days(7) - TICK), status(days(7))], [Due(TimeDelta::hours(1)), Overdue]);
    let none = week.clone().with_reminders([]).unwrap();
    assert_eq!(none.status_at(&Life::new(BORN), BORN + days(7) - TICK), Current);
    for (case, refused) in [
        ("no age", RotationPolicy::new(TimeDelta::zero(), TimeDelta::zero())),
        ("an overlap as long as the age", RotationPolicy::new(days(1), days(1))),
        ("a negative overlap", RotationPolicy::new(days(1), -TICK)),
        ("a reminder after the end", week.with_reminders([TimeDelta::zero()])),
    ] {
        assert_eq!(refused.unwrap_err(), ConfigError::Rotation, "{case}");
    }
}

#[test]
fn the_report_lists_what_is_due_the_most_urgent_first() {
    let (policy, now) = (RotationPolicy::default(), BORN + days(100));
    let born = |day| Life::new(BORN + days(day));
    let report = policy.due_at(
        [
            ("token t1", born(35)),
            ("api key k1", born(90)),
            ("signing key s1", born(5)),
            ("pepper p1", born(12)),
            ("client secret c1", born(0).with_replacement(now)),
            ("token t2", born(20).with_expiry(now)),
        ],
        now,
    );
    let lines: Vec<_> = report.iter().map(|due| (*due.item(), due.status(), due.by() - now)).collect();
    assert_eq!(
        lines,
        [
            ("signing key s1", Overdue, days(-5)),
            ("pepper p1", Due(days(7)), days(2)),
            ("token t1", Due(days(30)), days(25)),
        ]
    );
}

#[test]
fn a_signing_key_waits_for_the_caches_and_stays_for_its_last_token() {
    let rotation = KeyRotation::new(RotationPolicy::default(), days(30), TimeDelta::hours(1)).unwrap();
    let keys = [PublishedKey::new("b", BORN + days(80)), PublishedKey::new("a", BORN)];
    let minute = TimeDelta::minutes(1);
    let takes_over = days(80) + TimeDelta::hours(1) + minute;
    let retires = takes_over + days(30) + minute;
    for (case, age, signing, published, retired) in [
        ("before any is published", -TICK, None, "", ""),
        ("the first signs at once", days(0), Some("a"), "a", ""),
        ("the second is published", days(80), Some("a"), "ab", ""),
        ("caches may not know it yet", takes_over - TICK, Some("a"), "ab", ""),
        ("every cache knows it", takes_over, Some("b"), "ab", ""),
        ("the last token of the first may be good", retires - TICK, Some("b"), "ab", ""),
        ("no token of the first is good", retires, Some("b"), "b", "a"),
    ] {
        let plan = rotation.plan_at(&keys, BORN + age);
        let ids = |keys: &[&PublishedKey]| keys.iter().map(|key| key.id()).collect::<String>();
        let seen = (plan.signing().map(PublishedKey::id), ids(plan.published()), ids(plan.retired()));
        assert_eq!(seen, (signing, published.to_owned(), retired.to_owned()), "{case}");
    }
}

#[test]
fn the_next_key_is_due_a_cache_time_before_the_last_one_is_too_old() {
    let rotation = KeyRotation::new(RotationPolicy::default(), days(30), days(2)).unwrap();
    let keys = [PublishedKey::new("a", BORN)];
    let by = BORN + days(88) - TimeDelta::minutes(1);
    let third = (by - BORN) / 3;
    for (case, time, want) in [
        ("new", BORN, Current),
        ("before its last third", by - third - TICK, Current),
        ("in its last third", by - third, Due(days(30))),
        ("a day before", by - days(1), Due(days(1))),
        ("at last", by, Overdue),
    ] {
        let plan = rotation.plan_at(&keys, time);
        assert_eq!((plan.next_key_by(), plan.next_key()), (by, want), "{case}");
    }
    let none = rotation.plan_at(&[], BORN);
    assert_eq!((none.signing(), none.next_key(), none.next_key_by()), (None, Overdue, BORN));
}

#[test]
fn times_that_leave_a_key_no_time_to_sign_are_refused() {
    let new = |lifetime, cache| KeyRotation::new(RotationPolicy::default(), lifetime, cache).err();
    let longest = days(45) - TimeDelta::minutes(1);
    for (case, lifetime, cache, want) in [
        ("as long as can be", days(90), longest - TICK, None),
        ("a cache time too long", days(90), longest, Some(ConfigError::Rotation)),
        ("a negative cache time", days(90), -TICK, Some(ConfigError::Rotation)),
        ("tokens that live no time", days(0), days(1), Some(ConfigError::Rotation)),
        ("tokens that live for ever", TimeDelta::MAX, days(1), Some(ConfigError::Rotation)),
    ] {
        assert_eq!(new(lifetime, cache), want, "{case}");
    }
}

fn life() -> impl Strategy<Value = Life> {
    let hours = |most: i64| proptest::option::of((1..most).prop_map(TimeDelta::hours));
    (hours(3_000), hours(3_000)).prop_map(|(expiry, replacement)| {
        let life = expiry.map_or(Life::new(BORN), |after| Life::new(BORN).with_expiry(BORN + after));
        replacement.map_or(life, |after| life.with_replacement(BORN + after))
    })
}

proptest! {
    #[test]
    fn a_status_holds_until_it_is_said_to_change_and_changes_then(life in life()) {
        let policy = RotationPolicy::default();
        let (mut now, mut changes) = (BORN, 0);
        while let Some(next) = policy.changes_at(&life, now) {
            let status = policy.status_at(&life, now);
            prop_assert!(next > now);
            for part in 0..10 {
                prop_assert_eq!(policy.status_at(&life, now + (next - now) / 10 * part), status);
            }
            prop_assert_eq!(policy.status_at(&life, next - TICK), status);
            prop_assert_ne!(policy.status_at(&life, next), status);
            (now, changes) = (next, changes + 1);
        }
        prop_assert!(changes <= 7, "{changes} changes");
        prop_assert_eq!(policy.status_at(&life, now), policy.status_at(&life, now + days(10_000)));
    }

    #[test]
    fn keys_published_at_any_times_sign_one_at_a_time_from_among_the_published(
        born in proptest::collection::vec(0i64..5_000, 1..6),
        age in 0i64..8_000,
    ) {
        let rotation = KeyRotation::new(RotationPolicy::default(), days(30), days(1)).unwrap();
        let key = |(at, hour): (usize, &i64)| PublishedKey::new(&at.to_string(), BORN + TimeDelta::hours(*hour));
        let keys: Vec<_> = born.iter().enumerate().map(key).collect();
        let now = BORN + TimeDelta::hours(age);
        let plan = rotation.plan_at(&keys, now);
        let known = keys.iter().filter(|key| key.published_at() <= now).count();
        prop_assert_eq!(plan.published().len() + plan.retired().len(), known);
        prop_assert_eq!(plan.signing().is_some(), known > 0);
        if let Some(signing) = plan.signing() {
            prop_assert!(plan.published().contains(&signing));
            let waited = |key: &&PublishedKey| now - key.published_at() >= days(1) + TimeDelta::minutes(1);
            let newest = keys.iter().filter(waited).map(PublishedKey::published_at).max();
            let oldest = keys.iter().map(PublishedKey::published_at).min();
            prop_assert_eq!(Some(signing.published_at()), newest.or(oldest));
        }
    }
}
