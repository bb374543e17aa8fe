//! The limiter a host holds.

use quanta::Clock;

use crate::counts::{Counts, Tally};
use crate::decision::Decision;
use crate::exact::Exact;
use crate::fingerprint::Fingerprints;
use crate::key::Key;
use crate::permit::Permit;
use crate::plan::Plan;
use crate::tables::Tables;
use crate::tick::Tick;

/// Decides how often each key may act, within bounded memory.
///
/// All methods take `&self` and may be called from any thread. A plan belongs to the call, not to the key: what is
/// kept is the used fraction of each bucket, so that an upgrade or a downgrade takes effect at the next request.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use aetherflow_ratelimit::{Key, Limiter, Plan, Tick};
///
/// let (limiter, free) = (Limiter::exact(10_000), Plan::free());
/// let key = Key::tenant("https://auth.example", "acme");
/// let now = Tick::from_millis(0);
/// assert!((0..60).all(|_| limiter.check_at(&key, &free, 1, now).is_allowed()));
/// let refused = limiter.check_at(&key, &free, 1, now);
/// assert_eq!(refused.retry_after(), Some(Duration::from_secs(1)));
/// assert!(limiter.check_at(&key, &free, 1, Tick::from_millis(1_000)).is_allowed());
/// ```
#[derive(Debug)]
pub struct Limiter {
    fingerprints: Fingerprints,
    tables: Option<Tables>,
    exact: Exact,
    tally: Tally,
    clock: Clock,
    /// In the clock's own units.
    start: u64,
}

impl Limiter {
    /// Makes a limiter that keeps up to `max_keys` keys, each whole; 0 reads as 1.
    ///
    /// Give at least 1.6 times the number of keys that are live at once (that have spent and not yet refilled). With
    /// less, keys give way to each other, which makes the limiter stricter, and [`Limiter::replaced`] counts it. A
    /// key takes about 250 bytes beside its own parts, and none before it is first admitted.
    #[must_use]
    pub fn exact(max_keys: usize) -> Self {
        let clock = Clock::new();
        let start = clock.raw();
        Self {
            fingerprints: Fingerprints::new(),
            tables: None,
            exact: Exact::new(max_keys),
            tally: Tally::default(),
            clock,
            start,
        }
    }

    /// Makes a limiter of fixed memory, 18 bytes a slot, for plans of a minute, of an hour, or of both.
    ///
    /// Verified keys have `slots`, and addresses as many, up to 65,536; eight is the least. Give at least 1.6 times the
    /// number of keys that are live at once (that have spent and not yet refilled). With less, keys give way to each
    /// other, which makes the limiter stricter, and [`Limiter::replaced`] counts it.
    ///
    /// Time is counted in whole milliseconds: a quota of which one request takes no whole number of them, such as seven
    /// a minute, is that much stricter. A plan of other periods, or of more than a hundred requests a second, is decided
    /// as by [`exact`](Self::exact), apart from what the table holds of the key. After 2.1 years the table's time stands
    /// still, and what is spent then stays spent.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self { tables: Some(Tables::new(slots)), ..Self::exact(slots) }
    }

    /// Gives addresses so many slots of their own, where [`Limiter::new`] chose another number.
    #[must_use]
    pub fn with_address_slots(self, slots: usize) -> Self {
        Self { tables: self.tables.map(|tables| tables.with_address_slots(slots)), ..self }
    }

    /// Returns the limiter's own time: milliseconds since it was made.
    #[must_use]
    pub fn now(&self) -> Tick {
        let nanoseconds = self.clock.delta_as_nanos(self.start, self.clock.raw());
        Tick::from_millis(nanoseconds / 1_000_000)
    }

    /// Decides a request of cost 1 now, by the limiter's own clock.
    pub fn check(&self, key: &Key<'_>, plan: &Plan) -> Decision {
        self.check_at(key, plan, 1, self.now())
    }

    /// Decides a request of `cost` at `now`: charges every window of `plan`, or none.
    ///
    /// A refusal changes nothing. A cost of 0 is always allowed and changes nothing. A cost above a window's limit
    /// [never fits](Decision::never_fits). A tick before the key's last admitted request reads as that request's; in
    /// a table, which does not keep that, it is as much stricter as it is early.
    pub fn check_at(&self, key: &Key<'_>, plan: &Plan, cost: u32, now: Tick) -> Decision {
        self.decide(self.fingerprints.of(key), key, plan, cost, now)
    }

    /// Decides as [`Limiter::check_at`] does, and lets an admitted request be given back.
    ///
    /// # Errors
    /// The decision that refused it.
    pub fn permit_at(&self, key: &Key<'_>, plan: &Plan, cost: u32, now: Tick) -> Result<Permit, Decision> {
        let fingerprint = self.fingerprints.of(key);
        let decision = self.decide(fingerprint, key, plan, cost, now);
        if decision.is_allowed() { Ok(Permit { decision, fingerprint, at: now }) } else { Err(decision) }
    }

    /// Gives the request of a permit back to the key it was admitted for, and returns whether it did.
    ///
    /// Of each window no more than a tenth is given back in any of its periods, half of that at once, and nothing of a
    /// window of fewer than 20 requests: who makes requests that are always given back is limited all the same. Nothing
    /// is given back either to another key, or to one that has given way or owes nothing. The charge is taken back as it was made:
    /// what time has paid back of it meanwhile is given twice.
    pub fn refund_at(&self, key: &Key<'_>, permit: Permit, now: Tick) -> bool {
        let Permit { decision, fingerprint, .. } = &permit;
        let is_refunded = decision.cost() > 0
            && self.fingerprints.of(key) == *fingerprint
            && match (&self.tables, decision.counted()) {
                (Some(tables), Some(counted)) => {
                    tables.refund(*fingerprint, key, counted, decision.cost(), now)
                }
                (None, _) | (_, None) => self.exact.refund(*fingerprint, key, &permit, now),
            };
        if is_refunded {
            self.tally.refunded();
        }
        is_refunded
    }

    /// Returns what [`Limiter::check_at`] would decide, and changes nothing.
    ///
    /// The decision's windows are as they would be after the request; with cost 0, as they are.
    pub fn peek_at(&self, key: &Key<'_>, plan: &Plan, cost: u32, now: Tick) -> Decision {
        let hash = self.fingerprints.of(key);
        match (&self.tables, plan.counted()) {
            (Some(tables), Some(counted)) => tables.peek(hash, key, counted, cost, now),
            (None, _) | (_, None) => self.exact.peek(hash, key, plan, cost, now),
        }
    }

    /// Counts the keys kept now, at most as many as the limiter was made for by either of its engines.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.tables.as_ref().map_or(0, Tables::kept) + self.exact.len()
    }

    /// Returns how often the limiter decided what.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts { replaced: self.replaced(), ..self.tally.sum() }
    }

    /// Counts the keys that ever gave way while they still owed something: above zero, the limiter is too small.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.tables.as_ref().map_or(0, Tables::replaced) + self.exact.replaced()
    }

    fn decide(&self, hash: u64, key: &Key<'_>, plan: &Plan, cost: u32, now: Tick) -> Decision {
        let decision = match (&self.tables, plan.counted()) {
            (Some(tables), Some(counted)) => tables.check(hash, key, counted, cost, now),
            (None, _) | (_, None) => self.exact.check(hash, key, plan, cost, now),
        };
        self.tally.decided(decision.verdict());
        decision
    }
}
