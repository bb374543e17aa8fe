//! What all keys owe, in Redis, and what this node knows of it.

use std::time::Duration;

use quanta::{Clock, Instant};
use redis::{ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::time::timeout;

use super::circuit::Circuit;
use super::counts::Tally;
use super::denials::{Denial, Denials};
use super::flight::Flights;
use super::lease::{Lease, Leases};
use super::link::Link;
use super::quota::{Debts, Quota};
use super::script::{Admission, Answer};
use crate::decision::Decision;

#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) flights: Flights,
    pub(super) tally: Tally,
    link: Link,
    admission: Admission,
    circuit: Circuit,
    denials: Denials,
    leases: Leases,
    clock: Clock,
    start: Instant,
}

/// What a request wants of Redis.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// Stands for the key, the plan's windows and the cost within this process: 64 bits of a keyed hash.
    pub(super) mark: u64,
    pub(super) name: String,
    pub(super) quota: Quota,
    pub(super) cost: u32,
    /// How many requests may be held in advance; none, if less than 2.
    pub(super) most_held: u32,
    pub(super) deadline: Duration,
}

/// What came of one or more equal requests.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Purchase {
    /// Of those that were asked for, the first so many.
    pub(super) admitted: u32,
    /// Paid for beyond them, and held.
    pub(super) spare: u32,
    /// What is owed with all of these charged.
    pub(super) debts: Debts,
}

/// Redis was not asked, or gave no answer that is one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Lost;

impl Ledger {
    pub(super) fn new(link: Link) -> Self {
        let clock = Clock::new();
        let start = clock.now();
        Self {
            flights: Flights::new(),
            tally: Tally::default(),
            link,
            admission: Admission::new(),
            circuit: Circuit::default(),
            denials: Denials::new(MOST_KEPT),
            leases: Leases::new(MOST_KEPT),
            clock,
            start,
        }
    }

    /// This node's own time: microseconds since the ledger was opened.
    pub(super) fn now(&self) -> u64 {
        let elapsed = self.clock.now().duration_since(self.start);
        u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
    }

    /// Decides without Redis what can be: by what is held in advance, or by a refusal that still holds.
    pub(super) fn at_hand(&self, mark: u64, quota: &Quota, cost: u32, most_held: u32) -> Option<Decision> {
        let now = self.now();
        if let Some(purchase) = self.held(mark, 1, most_held, now) {
            return Some(purchase.decision(quota, cost, 0));
        }
        let debts = self.denials.debts(mark, now)?;
        self.tally.repeated_denials.add(1);
        Some(quota.decision(false, cost, &debts))
    }

    /// Buys `wanted` equal requests, as many as fit, and some more if the key comes often.
    pub(super) async fn buy(&self, order: &Order, wanted: u32) -> Result<Purchase, Lost> {
        let sent = self.now();
        let held = self.held(order.mark, wanted, order.most_held, sent);
        let given = held.as_ref().map_or(0, |held| held.admitted);
        if let Some(held) = held.filter(|_| given == wanted) {
            return Ok(held);
        }
        let rest = wanted - given;
        let count = rest.max(self.appetite(order, sent));
        let answer = self.ask(order, count).await?;
        let served = answer.admitted.min(rest);
        let spare = answer.admitted - served;
        self.note(order, &answer, spare, sent);
        if served < rest {
            self.note_denial(order, &answer.debts, sent);
        }
        Ok(Purchase { admitted: given + served, spare, debts: answer.debts })
    }

    /// Asks for `count` requests at once; with none, what is owed.
    pub(super) async fn ask(&self, order: &Order, count: u32) -> Result<Answer, Lost> {
        if !self.circuit.lets_through(self.now()) {
            return Err(Lost);
        }
        let generation = self.link.generation();
        let outcome = timeout(order.deadline, self.run(order, count)).await;
        let failure = match outcome {
            Ok(Ok(value)) => {
                self.circuit.succeeded();
                self.tally.round_trips.add(1);
                return Answer::read(&value, count, &order.quota).ok_or(Lost);
            }
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        self.tally.failures.add(1);
        if failure.is_none_or(|error| !is_of_one_key(&error)) {
            self.circuit.failed(self.now());
            self.link.discard(generation);
        }
        Err(Lost)
    }

    async fn run(&self, order: &Order, count: u32) -> Result<Value, RedisError> {
        let question = order.quota.question(order.cost, count);
        match self.link.send(&self.admission.by_hash(&order.name, &question)).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.tally.reloads.add(1);
                self.link.send(&Admission::by_text(&order.name, &question)).await
            }
            outcome => outcome,
        }
    }

    fn held(&self, mark: u64, wanted: u32, most_held: u32, now: u64) -> Option<Purchase> {
        if most_held < 2 {
            return None;
        }
        let taken = self.leases.take(mark, wanted, now)?;
        self.tally.leased.add(taken.count);
        Some(Purchase { admitted: taken.count, spare: taken.left, debts: taken.debts })
    }

    fn appetite(&self, order: &Order, now: u64) -> u32 {
        if order.most_held < 2 { 1 } else { self.leases.appetite(order.mark, order.most_held, now) }
    }

    fn note(&self, order: &Order, answer: &Answer, spare: u32, sent: u64) {
        if order.most_held < 2 || answer.admitted == 0 {
            return;
        }
        let (bought, pace) = (answer.admitted, order.quota.pace(order.cost));
        let lease = Lease { sent, bought, held: spare, pace, debts: answer.debts.clone() };
        self.leases.keep(order.mark, lease, self.now());
    }

    fn note_denial(&self, order: &Order, debts: &Debts, sent: u64) {
        if let Some(wait) = order.quota.wait(order.cost, debts) {
            let (answered, until) = (self.now(), sent.saturating_add(wait));
            self.denials.keep(order.mark, Denial { debts: debts.clone(), answered, until }, answered);
        }
    }
}

impl Purchase {
    /// What is said of the request that came at `rank` among those that were asked for; the first has rank 0.
    pub(super) fn decision(&self, quota: &Quota, cost: u32, rank: u32) -> Decision {
        if rank < self.admitted {
            let later = self.admitted + self.spare - 1 - rank;
            return quota.decision(true, cost, &quota.less(&self.debts, cost, later));
        }
        quota.decision(false, cost, &self.debts)
    }
}

/// Whether Redis is there and only this key's value is none of ours.
fn is_of_one_key(error: &RedisError) -> bool {
    matches!(error.code(), Some("ERR" | "WRONGTYPE"))
}

const MOST_KEPT: usize = 65_536;
