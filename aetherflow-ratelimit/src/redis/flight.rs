//! Equal checks that go to Redis together.
//!
//! While one call for a key, plan and cost is under way, others of the same wait for it; when it ends, they go together
//! in the next one, in the order they came. A busy key costs one call at a time, however many ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::SetOnce;
use tokio::time::timeout;

use super::ledger::{Ledger, Lost, Order, Purchase};

/// The calls under way, by mark.
#[derive(Debug)]
pub(super) struct Flights {
    shards: Box<[Mutex<HashMap<u64, Lane>>]>,
}

/// One call is under way; these wait for the next.
#[derive(Debug, Default)]
struct Lane {
    waiting: Option<(Arc<Group>, u32)>,
}

/// Checks that share one call, and what comes of it.
#[derive(Debug)]
struct Group {
    order: Order,
    outcome: SetOnce<Result<Purchase, Lost>>,
}

enum Place {
    First,
    Among(Arc<Group>, u32),
}

/// Decides one check, alone or with others: gives what came of the call, and the check's rank in it.
///
/// May be dropped at any point. Who calls alone takes the call with it; a group's call belongs to no one of them. What was
/// charged for a check that is dropped stays charged.
pub(super) async fn decide(ledger: &Arc<Ledger>, order: &Order) -> Result<(Purchase, u32), Lost> {
    match ledger.flights.join(order) {
        Place::First => {
            let _turn = Turn { ledger: Arc::clone(ledger), mark: order.mark };
            ledger.buy(order, 1).await.map(|purchase| (purchase, 0))
        }
        Place::Among(group, rank) => {
            let outcome = timeout(order.deadline, group.outcome.wait()).await;
            outcome.map_err(|_| Lost)?.clone().map(|purchase| (purchase, rank))
        }
    }
}

impl Flights {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    fn join(&self, order: &Order) -> Place {
        let mut shard = self.shard(order.mark);
        let Some(lane) = shard.get_mut(&order.mark) else {
            shard.insert(order.mark, Lane::default());
            return Place::First;
        };
        let new = || Arc::new(Group { order: order.clone(), outcome: SetOnce::new() });
        let (group, size) = lane.waiting.get_or_insert_with(|| (new(), 0));
        *size += 1;
        Place::Among(Arc::clone(group), *size - 1)
    }

    /// Ends a call: gives those that wait, whose turn it is then; without any, the lane is closed.
    fn next(&self, mark: u64) -> Option<(Arc<Group>, u32)> {
        let mut shard = self.shard(mark);
        let waiting = shard.get_mut(&mark).and_then(|lane| lane.waiting.take());
        if waiting.is_none() {
            shard.remove(&mark);
        }
        waiting
    }

    fn shard(&self, mark: u64) -> MutexGuard<'_, HashMap<u64, Lane>> {
        let [.., top] = mark.to_le_bytes();
        self.shards[usize::from(top) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to call for a mark; when it ends, in whatever way, it passes to those that wait.
struct Turn {
    ledger: Arc<Ledger>,
    mark: u64,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some((group, size)) = self.ledger.flights.next(self.mark) else { return };
        let turn = Self { ledger: Arc::clone(&self.ledger), mark: self.mark };
        let call = go(turn, Arc::clone(&group), size);
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(call)),
            // Dropped with its runtime: this call, unstarted, ends the turn of whoever came since, down to nobody.
            Err(_) => drop(call),
        }
    }
}

async fn go(turn: Turn, group: Arc<Group>, size: u32) {
    turn.ledger.tally.grouped.add(size);
    let outcome = turn.ledger.buy(&group.order, size).await;
    // Set once, since only the one turn has the group.
    let _ = group.outcome.set(outcome);
    drop(turn);
}

const SHARDS: usize = 64;
