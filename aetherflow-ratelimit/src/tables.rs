//! The engine of two windows: one table for verified keys, one for addresses.

use crate::counted::Counted;
use crate::decision::Decision;
use crate::key::Key;
use crate::state::LAST;
use crate::table::Table;
use crate::tick::Tick;

/// Keys by their fingerprints.
///
/// Addresses have a table of their own: anyone can have many, and a flood of them must not make verified callers share
/// a floor.
#[derive(Debug)]
pub(crate) struct Tables {
    verified: Table,
    addresses: Table,
}

impl Tables {
    pub(crate) fn new(slots: usize) -> Self {
        Self { verified: Table::new(slots), addresses: Table::new(slots.min(MOST_ADDRESSES)) }
    }

    pub(crate) fn with_address_slots(self, slots: usize) -> Self {
        Self { addresses: Table::new(slots), ..self }
    }

    pub(crate) fn check(&self, hash: u64, key: &Key<'_>, counted: Counted, cost: u32, now: Tick) -> Decision {
        let now = now.as_millis().min(LAST);
        Decision::by_table(counted, self.table(key).check(hash, counted.pair, cost, now), cost, now)
    }

    pub(crate) fn peek(&self, hash: u64, key: &Key<'_>, counted: Counted, cost: u32, now: Tick) -> Decision {
        let now = now.as_millis().min(LAST);
        Decision::by_table(counted, self.table(key).peek(hash, counted.pair, cost, now), cost, now)
    }

    pub(crate) fn refund(&self, hash: u64, key: &Key<'_>, counted: Counted, cost: u32, now: Tick) -> bool {
        self.table(key).refund(hash, counted.pair, cost, now.as_millis().min(LAST))
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
}

/// Unless the host says otherwise: a little over a megabyte.
const MOST_ADDRESSES: usize = 65_536;
