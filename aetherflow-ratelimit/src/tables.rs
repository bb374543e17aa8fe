//! The engine of two windows: one table for verified keys, one for addresses.

use std::hash::{BuildHasher, RandomState};

use crate::decision::Decision;
use crate::gcra::Bucket;
use crate::key::Key;
use crate::pair::{Pair, Rate};
use crate::plan::Plan;
use crate::state::{LAST, MOST_LONG, OFFSET};
use crate::table::Table;
use crate::tick::Tick;

/// Keys by fingerprints of SipHash under a key of the system's, so that nobody outside can aim at one line.
///
/// Addresses have a table of their own: anyone can have many, and a flood of them must not make verified callers share
/// a floor.
#[derive(Debug)]
pub(crate) struct Tables {
    hasher: RandomState,
    /// Milliseconds, the shorter first.
    periods: [u64; 2],
    verified: Table,
    addresses: Table,
}

impl Tables {
    pub(crate) fn new(periods: [u64; 2], slots: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            periods,
            verified: Table::new(slots),
            addresses: Table::new(slots.min(MOST_ADDRESSES)),
        }
    }

    pub(crate) fn with_address_slots(self, slots: usize) -> Self {
        Self { addresses: Table::new(slots), ..self }
    }

    /// Nothing, if the plan has a window these tables do not count.
    pub(crate) fn check(&self, key: &Key<'_>, plan: &Plan, cost: u32, now: Tick) -> Option<Decision> {
        let (pair, now) = (self.pair(plan)?, now.as_millis().min(LAST));
        let ruling = self.table(key).check(self.hasher.hash_one(key), pair, cost, now);
        Some(Decision::by_table(plan, self.periods, ruling, cost, now))
    }

    pub(crate) fn peek(&self, key: &Key<'_>, plan: &Plan, cost: u32, now: Tick) -> Option<Decision> {
        let (pair, now) = (self.pair(plan)?, now.as_millis().min(LAST));
        let ruling = self.table(key).peek(self.hasher.hash_one(key), pair, cost, now);
        Some(Decision::by_table(plan, self.periods, ruling, cost, now))
    }

    pub(crate) fn kept(&self) -> usize {
        self.verified.kept() + self.addresses.kept()
    }

    pub(crate) fn replaced(&self) -> u64 {
        self.verified.replaced() + self.addresses.replaced()
    }

    fn table(&self, key: &Key<'_>) -> &Table {
        if key.is_address() { &self.addresses } else { &self.verified }
    }

    fn pair(&self, plan: &Plan) -> Option<Pair> {
        let mut pair = Pair { short: Rate::NONE, long: Rate::NONE };
        for window in plan.windows() {
            let bucket = window.bucket();
            match bucket.period() {
                period if period == self.periods[0] => pair.short = rate_within(bucket, OFFSET)?,
                period if period == self.periods[1] => pair.long = rate_within(bucket, MOST_LONG)?,
                _ => return None,
            }
        }
        Some(pair)
    }
}

/// The bucket's rate, if it is paid back in so many milliseconds at most.
fn rate_within(bucket: Bucket, most: u64) -> Option<Rate> {
    bucket.rate().filter(|rate| rate.capacity() <= most)
}

/// Unless the host says otherwise: a little over a megabyte.
const MOST_ADDRESSES: usize = 65_536;
