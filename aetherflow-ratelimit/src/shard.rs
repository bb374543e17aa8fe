//! One lock's worth of keys.
//!
//! 1. A key whose bucket is full again carries no information; when room is needed its slot is taken first.
//! 2. When every key is live, the one nearest to full gives way. What it owed becomes the floor: the least every
//!    newcomer owes, the evicted key when it comes back included. The floor drains as any debt does.
//! 3. So a flood of keys can make the limiter stricter, never laxer: forgetting a key never forgives its debt.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashTable;

use crate::account::Account;
#[cfg(feature = "redis")]
use crate::book::Book;
use crate::decision::Decision;
use crate::key::Key;
use crate::permit::Permit;
use crate::plan::Plan;
use crate::tick::Tick;

/// At most `capacity` keys and what they owe.
#[derive(Debug)]
pub(crate) struct Shard {
    capacity: usize,
    slots: HashTable<usize>,
    entries: Vec<Entry>,
    // Invariant: one record per entry, with a moment at or before that at which the entry's bucket is full. A hit
    // moves that moment but not its record; the record is put right when it comes up.
    soonest: BinaryHeap<Reverse<(Tick, usize)>>,
    floor: Account,
    replaced: u64,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    key: Box<[u8]>,
    account: Account,
}

impl Shard {
    /// `capacity` is at least 1.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            slots: HashTable::new(),
            entries: Vec::new(),
            soonest: BinaryHeap::new(),
            floor: Account::default(),
            replaced: 0,
        }
    }

    pub(crate) fn check(&mut self, hash: u64, key: &Key<'_>, plan: &Plan, cost: u32, now: Tick) -> Decision {
        let slot = self.find(hash, key);
        let decision = Decision::new(self.account(slot), plan, cost, now);
        if let Some(balances) = decision.to_record() {
            let slot = slot.unwrap_or_else(|| self.claim(hash, key, now));
            self.entries[slot].account.record(balances, now);
        }
        decision
    }

    pub(crate) fn peek(&self, hash: u64, key: &Key<'_>, plan: &Plan, cost: u32, now: Tick) -> Decision {
        Decision::new(self.account(self.find(hash, key)), plan, cost, now)
    }

    /// Gives a request back, if its key is still there and has room left among its refunds.
    pub(crate) fn refund(&mut self, hash: u64, key: &Key<'_>, permit: &Permit, now: Tick) -> bool {
        let slot = self.find(hash, key);
        slot.is_some_and(|slot| self.entries[slot].account.refund(&permit.decision, permit.at, now))
    }

    #[cfg(feature = "redis")]
    pub(crate) fn learn(&mut self, hash: u64, key: &Key<'_>, books: &[Book], now: Tick) {
        let slot = self.find(hash, key).unwrap_or_else(|| self.claim(hash, key, now));
        self.entries[slot].account.record(books, now);
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many keys gave way while they still owed something.
    pub(crate) fn replaced(&self) -> u64 {
        self.replaced
    }

    fn find(&self, hash: u64, key: &Key<'_>) -> Option<usize> {
        let is_it = |entry: &Entry| entry.hash == hash && key.is_encoded_as(&entry.key);
        self.slots.find(hash, |&slot| is_it(&self.entries[slot])).copied()
    }

    fn account(&self, slot: Option<usize>) -> &Account {
        slot.map_or(&self.floor, |slot| &self.entries[slot].account)
    }

    /// Makes room for a newcomer, whose account starts as the floor stood when it was decided.
    fn claim(&mut self, hash: u64, key: &Key<'_>, now: Tick) -> usize {
        let entry = Entry { hash, key: key.encoded(), account: self.floor.clone() };
        let slot = if self.entries.len() < self.capacity {
            self.soonest.push(Reverse((entry.account.full_at(), self.entries.len())));
            self.entries.push(entry);
            self.entries.len() - 1
        } else {
            self.replace_nearest_to_full(entry, now)
        };
        self.slots.insert_unique(hash, slot, |&slot| self.entries[slot].hash);
        slot
    }

    fn replace_nearest_to_full(&mut self, entry: Entry, now: Tick) -> usize {
        let slot = self.take_soonest(entry.account.full_at());
        let gone = std::mem::replace(&mut self.entries[slot], entry);
        if let Ok(found) = self.slots.find_entry(gone.hash, |&at| at == slot) {
            found.remove();
        }
        self.replaced += u64::from(gone.account.full_at() > now);
        self.floor.raise(&gone.account, now);
        slot
    }

    /// Finds the entry whose bucket is full first, and gives its record to a newcomer whose bucket is full `at`.
    ///
    /// Each turn puts one outdated record right, and only a hit makes one outdated: the work is paid for.
    fn take_soonest(&mut self, at: Tick) -> usize {
        loop {
            let mut top = self.soonest.peek_mut().expect("a full shard has at least one entry");
            let Reverse((recorded, slot)) = *top;
            let actual = self.entries[slot].account.full_at();
            if recorded == actual {
                *top = Reverse((at, slot));
                return slot;
            }
            *top = Reverse((actual, slot));
        }
    }
}

#[cfg(test)]
mod tests;
