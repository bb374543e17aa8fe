//! How often each identity was answered with what, in the last hour.
//!
//! Counted in whole minutes: the running one and the 59 before it. A request counts once it is answered, so that one
//! which asks for its own usage is not yet among the counts.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aetherflow_auth::Identity;
use chrono::{DateTime, Utc};

/// Counts of answers, for a bounded number of identities.
#[derive(Debug, Default)]
pub(crate) struct Usage(Mutex<HashMap<Identity, Hour>>);

impl Usage {
    /// Counts one answer.
    pub(crate) fn count(&self, identity: &Identity, status: u16, now: DateTime<Utc>) {
        let minute = minute(now);
        let mut hours = self.lock();
        if let Some(hour) = hours.get_mut(identity) {
            return hour.count(minute, status);
        }
        if hours.len() >= MOST_IDENTITIES {
            forget_half(&mut hours);
        }
        hours.entry(identity.clone()).or_default().count(minute, status);
    }

    /// The counts of the last hour, by status.
    pub(crate) fn last_hour(&self, identity: &Identity, now: DateTime<Utc>) -> BTreeMap<u16, u64> {
        self.lock().get(identity).map(|hour| hour.sum(minute(now))).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Identity, Hour>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Hour(VecDeque<Minute>);

#[derive(Debug)]
struct Minute {
    number: i64,
    counts: BTreeMap<u16, u64>,
}

impl Hour {
    fn count(&mut self, number: i64, status: u16) {
        // A clock set back counts in the newest minute there is.
        if self.0.back().is_none_or(|newest| newest.number < number) {
            self.0.push_back(Minute { number, counts: BTreeMap::new() });
        }
        while self.0.front().is_some_and(|oldest| oldest.number <= number - MINUTES) {
            self.0.pop_front();
        }
        if let Some(newest) = self.0.back_mut() {
            *newest.counts.entry(status).or_default() += 1;
        }
    }

    fn sum(&self, now: i64) -> BTreeMap<u16, u64> {
        let mut sum = BTreeMap::new();
        for minute in self.0.iter().filter(|minute| minute.number > now - MINUTES) {
            for (status, count) in &minute.counts {
                *sum.entry(*status).or_default() += count;
            }
        }
        sum
    }

    fn newest(&self) -> i64 {
        self.0.back().map_or(i64::MIN, |minute| minute.number)
    }
}

fn minute(now: DateTime<Utc>) -> i64 {
    now.timestamp().div_euclid(60)
}

// Half at once, so that a flood of new identities does not sort them all at every request.
fn forget_half(hours: &mut HashMap<Identity, Hour>) {
    let mut newest: Vec<(i64, Identity)> =
        hours.iter().map(|(of, hour)| (hour.newest(), of.clone())).collect();
    newest.sort_unstable_by_key(|(minute, _)| *minute);
    for (_, identity) in newest.into_iter().take(MOST_IDENTITIES.div_ceil(2)) {
        hours.remove(&identity);
    }
}

const MINUTES: i64 = 60;
const MOST_IDENTITIES: usize = 10_000;

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn named(subject: &str) -> Identity {
        Identity::new("https://auth.example", None, subject)
    }

    #[test]
    fn an_answer_counts_for_its_identity_and_leaves_after_an_hour() {
        let (usage, alice, start) = (Usage::default(), named("alice"), DateTime::UNIX_EPOCH);
        usage.count(&alice, 200, start);
        usage.count(&alice, 429, start);
        usage.count(&alice, 200, start + TimeDelta::minutes(1));
        usage.count(&named("bob"), 200, start);
        for (after, want) in [
            (0, vec![(200, 2), (429, 1)]),
            (59, vec![(200, 2), (429, 1)]),
            (60, vec![(200, 1)]),
            (61, vec![]),
        ] {
            let counts = usage.last_hour(&alice, start + TimeDelta::minutes(after));
            assert_eq!(counts.into_iter().collect::<Vec<_>>(), want, "after {after} minutes");
        }
    }

    #[test]
    fn no_more_identities_are_kept_than_the_bound_and_the_newest_stay() {
        let usage = Usage::default();
        for number in 0..=MOST_IDENTITIES {
            let at = DateTime::UNIX_EPOCH + TimeDelta::minutes(i64::try_from(number).unwrap());
            usage.count(&named(&number.to_string()), 200, at);
        }
        assert_eq!(usage.lock().len(), MOST_IDENTITIES / 2 + 1);
        let last = DateTime::UNIX_EPOCH + TimeDelta::minutes(i64::try_from(MOST_IDENTITIES).unwrap());
        assert_eq!(usage.last_hour(&named(&MOST_IDENTITIES.to_string()), last), BTreeMap::from([(200, 1)]));
        assert_eq!(usage.last_hour(&named("0"), DateTime::UNIX_EPOCH), BTreeMap::new());
    }
}
