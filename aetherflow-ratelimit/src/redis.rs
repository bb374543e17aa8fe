//! One quota for all nodes, kept in Redis.

mod circuit;
mod counts;
mod denials;
mod error;
mod flight;
mod lease;
mod ledger;
mod link;
mod name;
mod quota;
mod script;

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use self::ledger::{Ledger, Order, Purchase};
use self::link::Link;
use self::name::Names;
use self::quota::Quota;
use crate::decision::Decision;
use crate::error::ConfigError;
use crate::exact::Exact;
use crate::fingerprint::Fingerprints;
use crate::key::Key;
use crate::plan::Plan;
use crate::tick::Tick;

pub use self::counts::RedisCounts;
pub use self::error::LimitError;

/// Decides as a [`Limiter`](crate::Limiter) does, for all nodes that share a Redis server or cluster.
///
/// A check is one round trip: one script on one key, by the server's clock. A request is charged to every window of the
/// plan or to none; a refusal writes nothing. It saves round trips where that changes no decision:
///
/// 1. A refusal is repeated from memory until its wait is over, per key, plan and cost.
/// 2. Checks of one key, plan and cost that come while a call for them is under way go together in the next one, in the
///    order they came.
/// 3. With [leases](Self::with_leases), a node buys several requests of a busy key at once.
///
/// The connection is made at the first check and again whenever it is lost. A check that has no answer within the
/// [deadline](Self::with_deadline) is left to the [`Fallback`], and so are those after it, without waiting; one every 100
/// ms tries Redis again.
///
/// A check may be dropped at any point. What it was charged by then stays charged.
///
/// Must be used on a tokio runtime with its time and io enabled. `rediss://` needs a TLS feature of the crate `redis`. The
/// bytes in Redis and the rights its user needs are in `docs/formats/redis.md`.
///
/// # Security
/// Redis is believed: who may write there can empty a bucket or fill it. A server that restarts without its data gives
/// every key a full bucket, and so does a failover that loses the last writes, by as much. A clock of the server that is
/// set forward refills as time would.
///
/// # Examples
/// ```no_run
/// use aetherflow_ratelimit::{Fallback, Key, Plan, RedisLimiter};
///
/// # async fn host(secret: &[u8]) {
/// let limiter = RedisLimiter::new("redis://limiter:password@10.0.0.7", "production", secret)
///     .expect("an address, a name and a secret of their form")
///     .with_fallback(Fallback::Closed);
/// let key = Key::tenant("https://auth.example", "acme");
/// let decision = limiter.check(&key, &Plan::free(), 1).await.expect("Redis answers");
/// assert!(decision.is_allowed());
/// # }
/// ```
pub struct RedisLimiter {
    ledger: Arc<Ledger>,
    names: Names,
    fingerprints: Fingerprints,
    hasher: RandomState,
    local: Exact,
    fallback: Fallback,
    deadline: Duration,
    /// A node may hold one in so many of the tightest window's requests; 0 for none.
    lease_parts: u32,
}

/// What is done with a check that Redis does not decide in time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Fallback {
    /// Decides in this process, by what Redis last said the key owes and what this node admitted since.
    ///
    /// Nodes that lose Redis count apart: n of them let n times the quota through, but no key starts afresh.
    #[default]
    Local,
    /// Admits everything; the decision's windows are those of [`Local`](Self::Local).
    Open,
    /// Gives [`LimitError::Unavailable`].
    Closed,
}

impl RedisLimiter {
    /// Prepares a limiter on one server; nothing is connected yet.
    ///
    /// All nodes that share a quota give the same `environment`, 1 to 16 of `a-z` and `0-9`, and the same `secret`, by
    /// which keys are named.
    ///
    /// # Errors
    /// [`ConfigError::RedisAddress`] if `address` is not of the form `redis://[user:password@]host[:port][/database]`;
    /// [`ConfigError::Environment`] and [`ConfigError::ShortSecret`] for a name of another form and a secret of less than
    /// 32 bytes.
    pub fn new(address: &str, environment: &str, secret: &[u8]) -> Result<Self, ConfigError> {
        Ok(Self::over(Link::server(address)?, Names::new(environment, secret)?))
    }

    /// Prepares a limiter on a Redis Cluster, of which `addresses` are some nodes; nothing is connected yet.
    ///
    /// # Errors
    /// As [`RedisLimiter::new`]; [`ConfigError::RedisAddress`] also without an address.
    pub fn cluster(addresses: &[&str], environment: &str, secret: &[u8]) -> Result<Self, ConfigError> {
        Ok(Self::over(Link::cluster(addresses)?, Names::new(environment, secret)?))
    }

    fn over(link: Link, names: Names) -> Self {
        Self {
            ledger: Arc::new(Ledger::new(link)),
            names,
            fingerprints: Fingerprints::new(),
            hasher: RandomState::new(),
            local: Exact::new(LOCAL_KEYS),
            fallback: Fallback::default(),
            deadline: DEADLINE,
            lease_parts: 0,
        }
    }

    /// Chooses how long a check waits for Redis, connecting included: 50 ms unless told.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Chooses what is done with a check that Redis does not decide in time.
    #[must_use]
    pub fn with_fallback(self, fallback: Fallback) -> Self {
        Self { fallback, ..self }
    }

    /// Chooses how many keys the fallback remembers: 100,000 unless told.
    #[must_use]
    pub fn with_local_keys(self, keys: usize) -> Self {
        Self { local: Exact::new(keys), ..self }
    }

    /// Lets this node buy requests of a busy key in advance, up to one in `parts` of the plan's tightest window; less than
    /// ten reads as ten.
    ///
    /// No key passes its envelope: what is bought is charged at once, and what is not served decays as fast as the bucket
    /// refills. In return a key may find less than its whole bucket: what the nodes hold of it, each at most its part for
    /// each plan and cost the key comes under. A node buys more than it is asked for only while a key comes faster than its
    /// quota refills, doubling what it buys each time it is all spent before it decays. Nodes' clocks need not agree, but
    /// must run at the same speed.
    #[must_use]
    pub fn with_leases(self, parts: u32) -> Self {
        Self { lease_parts: parts.max(LEAST_PARTS), ..self }
    }

    /// Decides a request of `cost` now: charges every window of `plan`, or none.
    ///
    /// A cost of 0 is always allowed and changes nothing. A cost above a window's limit [never
    /// fits](Decision::never_fits). The wait of a refusal is exact by the server's clock, to the microsecond.
    ///
    /// # Errors
    /// [`LimitError::Plan`] for a plan that cannot be counted in whole microseconds; [`LimitError::Unavailable`] if Redis
    /// did not decide in time and the fallback is [`Fallback::Closed`].
    pub async fn check(&self, key: &Key<'_>, plan: &Plan, cost: u32) -> Result<Decision, LimitError> {
        if cost == 0 {
            return self.peek(key, plan, cost).await;
        }
        let quota = Quota::of(plan)?;
        let fingerprint = self.fingerprints.of(key);
        let mark = self.hasher.hash_one((fingerprint, &quota, cost));
        let most_held = if self.lease_parts == 0 { 0 } else { quota.share(cost, self.lease_parts) };
        if let Some(decision) = self.ledger.at_hand(mark, &quota, cost, most_held) {
            return Ok(decision);
        }
        let order = Order { most_held, ..self.order(key, mark, quota, cost) };
        match flight::decide(&self.ledger, &order).await {
            Ok((purchase, rank)) => {
                self.learn(fingerprint, key, &order.quota, &purchase);
                Ok(purchase.decision(&order.quota, cost, rank))
            }
            Err(ledger::Lost) => self.fall_back(|now| self.local.check(fingerprint, key, plan, cost, now)),
        }
    }

    /// Returns what [`check`](Self::check) would decide, and changes nothing.
    ///
    /// The decision's windows are as they would be after the request; with cost 0, as they are. Requests that nodes hold
    /// in advance count as charged.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub async fn peek(&self, key: &Key<'_>, plan: &Plan, cost: u32) -> Result<Decision, LimitError> {
        let order = self.order(key, 0, Quota::of(plan)?, cost);
        match self.ledger.ask(&order, 0).await {
            Ok(answer) => Ok(order.quota.foreseen(cost, &answer.debts)),
            Err(ledger::Lost) => {
                self.fall_back(|now| self.local.peek(self.fingerprints.of(key), key, plan, cost, now))
            }
        }
    }

    /// Returns what the limiter did so far.
    #[must_use]
    pub fn counts(&self) -> RedisCounts {
        self.ledger.tally.read()
    }

    fn order(&self, key: &Key<'_>, mark: u64, quota: Quota, cost: u32) -> Order {
        Order { mark, name: self.names.of(key), quota, cost, most_held: 0, deadline: self.deadline }
    }

    /// So that the fallback, when it is needed, knows what the key owes.
    fn learn(&self, fingerprint: u64, key: &Key<'_>, quota: &Quota, purchase: &Purchase) {
        if self.fallback != Fallback::Closed {
            self.local.learn(fingerprint, key, &quota.books(&purchase.debts), self.tick());
        }
    }

    fn fall_back(&self, decide: impl FnOnce(Tick) -> Decision) -> Result<Decision, LimitError> {
        self.ledger.tally.fallbacks.add(1);
        match self.fallback {
            Fallback::Local => Ok(decide(self.tick())),
            Fallback::Open => Ok(decide(self.tick()).let_through()),
            Fallback::Closed => Err(LimitError::Unavailable),
        }
    }

    fn tick(&self) -> Tick {
        Tick::from_millis(self.ledger.now() / 1_000)
    }
}

impl fmt::Debug for RedisLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither addresses, which hold passwords, nor the keys of others.
        f.debug_struct("RedisLimiter")
            .field("fallback", &self.fallback)
            .field("deadline", &self.deadline)
            .field("lease_parts", &self.lease_parts)
            .finish_non_exhaustive()
    }
}

/// Many times a round trip within one data centre, and still short of what a caller notices.
const DEADLINE: Duration = Duration::from_millis(50);
/// A key held at most: a tenth of its window on each node.
const LEAST_PARTS: u32 = 10;
const LOCAL_KEYS: usize = 100_000;
