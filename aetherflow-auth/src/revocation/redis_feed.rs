mod beat;
mod error;
mod link;
mod message;

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::RngExt as _;
use rand::distr::Alphanumeric;
use tokio::time::{Instant, interval, sleep, sleep_until, timeout_at};

use self::beat::{Beats, INTERVAL, LOST_AFTER};
use self::link::{Arrivals, Link};
use self::message::Message;
use super::{LONGEST_LIFE, Revocations};
use crate::Environment;

pub use self::error::FeedError;

/// Shares revocations with the other nodes of an environment by way of a Redis server.
///
/// What is revoked on one node is refused on the others within one second, as long as the feed is alive. Each node sends
/// a heartbeat every 250 ms over the channel that carries revocations, and hears it come back; when the last one that
/// came back was sent 750 ms ago, the feed is lost, and [`WhenLost`] says what then happens: the rest of the second is
/// for the way of a revocation to the server. A node refuses all tokens
/// ([`RevocationsUnknown`](crate::TokenError::RevocationsUnknown)) before its first full snapshot.
///
/// Redis is not the only home of a revocation: a node that connects again adds what Redis has to what it holds, and what
/// it holds to Redis. If Redis comes back with no data, or with old data, the nodes that are running fill it again, and
/// a node that starts waits for one of them, for two seconds. A host that can lose all nodes at once keeps revocations in
/// a store of its own, and [restores](Revocations::restore) them before it starts the feed.
///
/// One feed at a time speaks for one `Revocations`. It needs Redis 6.2 and RESP3; `rediss://` needs a TLS feature of the
/// crate `redis`. The bytes and the rights a Redis user needs are in `docs/formats/redis.md`.
///
/// # Security
///
/// Whoever may write to the channel or the record can revoke, and whoever may delete the record while no node is running
/// can bring tokens back. Give each environment a Redis user of its own.
///
/// # Examples
///
/// ```no_run
/// use std::sync::Arc;
///
/// use aetherflow_auth::Environment;
/// use aetherflow_auth::revocation::{FeedError, RedisFeed, Revocations};
///
/// # async fn serve(_: Arc<Revocations>) {}
/// # async fn host() -> Result<(), FeedError> {
/// let revocations = Arc::new(Revocations::new());
/// let feed = RedisFeed::new("redis://10.0.0.7", Environment::production(), Arc::clone(&revocations))?;
/// tokio::select! {
///     never = feed.run() => match never {},
///     () = serve(revocations) => Ok(()),
/// }
/// # }
/// ```
pub struct RedisFeed {
    client: redis::Client,
    environment: Environment,
    revocations: Arc<Revocations>,
    clock: Box<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    report: Box<dyn Fn(FeedChange) + Send + Sync>,
}

/// What a node does with tokens while it does not know what other nodes revoke.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WhenLost {
    /// Refuses them all.
    #[default]
    Closed,
    /// Goes on with what it knows: tokens revoked elsewhere since are accepted. Not before the first full snapshot.
    Open,
}

/// What became of the feed.
#[derive(Debug)]
#[non_exhaustive]
pub enum FeedChange {
    /// Everything revoked is known, and a heartbeat has come back.
    Current,
    /// The connection was given up; another is tried in a moment. The feed is lost if that takes too long.
    Interrupted(FeedError),
}

impl RedisFeed {
    /// Prepares the feed of an environment; from now on the revocations are not current before its first snapshot.
    ///
    /// # Errors
    ///
    /// [`FeedError::Address`] if `address` is not of the form `redis://[user:password@]host[:port][/database]`.
    #[expect(clippy::disallowed_methods, reason = "the thin form that reads the clock")]
    pub fn new(
        address: &str,
        environment: Environment,
        revocations: Arc<Revocations>,
    ) -> Result<Self, FeedError> {
        let client = link::client(address)?;
        revocations.pulse.begin(false);
        revocations.outbox.open();
        Ok(Self { client, environment, revocations, clock: Box::new(Utc::now), report: Box::new(|_| {}) })
    }

    /// Chooses what happens when the feed is lost.
    #[must_use]
    pub fn with_lost_feed(self, when_lost: WhenLost) -> Self {
        self.revocations.pulse.begin(when_lost == WhenLost::Open);
        self
    }

    /// Calls `report` with every change; it must not block.
    #[must_use]
    pub fn with_report(self, report: impl Fn(FeedChange) + Send + Sync + 'static) -> Self {
        Self { report: Box::new(report), ..self }
    }

    /// Takes another clock than the system's; it must be the one that verifiers are asked with.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self { clock: Box::new(clock), ..self }
    }

    /// Keeps the feed alive for as long as it is polled, on a tokio runtime; when it is dropped, the feed is lost.
    pub async fn run(self) -> Infallible {
        let _end = End(&self.revocations);
        let (start, latest) = (Instant::now(), Mutex::new(Duration::ZERO));
        let watch = Watch { start, latest };
        tokio::select! {
            never = self.follow_for_ever(&watch) => never,
            never = watch.guard(&self.revocations) => never,
        }
    }

    async fn follow_for_ever(&self, watch: &Watch) -> Infallible {
        let mut has_begun = false;
        loop {
            let Err(error) = self.follow(watch, &mut has_begun).await;
            (self.report)(FeedChange::Interrupted(error));
            sleep(RETRY_AFTER).await;
        }
    }

    /// One connection, from its beginning to its end.
    async fn follow(&self, watch: &Watch, has_begun: &mut bool) -> Result<Infallible, FeedError> {
        let (mut link, arrivals) = Link::open(&self.client, self.environment).await?;
        let server = link.server().await?;
        self.compare(&mut link, &server, *has_begun).await?;
        *has_begun = true;
        let beats = Mutex::new(Beats::new(session(), watch.tick()));
        let (beating, telling) = (link.clone(), link);
        tokio::try_join!(
            self.beat(beating, &server, &beats, watch),
            self.tell(telling),
            self.listen(arrivals, &beats, watch),
        )
        .map(|(never, _, _)| never)
    }

    /// Makes what is held here and the record the union of both, and marks the record as whole.
    async fn compare(&self, link: &mut Link, server: &str, has_begun: bool) -> Result<(), FeedError> {
        // What it holds is in the tables as well, and is compared below.
        self.revocations.outbox.clear();
        let mut is_whole = link.is_whole(server).await?;
        self.union(link).await?;
        let patience = Instant::now() + FOUND_AFTER;
        let mut ticks = interval(INTERVAL);
        // A node that was current before knows all there is; one that starts must learn it from the record.
        while !is_whole && !has_begun && Instant::now() < patience {
            ticks.tick().await;
            is_whole = link.is_whole(server).await?;
            if is_whole {
                self.union(link).await?;
            }
        }
        let end = (self.clock)().timestamp().saturating_add(LONGEST_LIFE);
        link.mark_whole(server, end).await
    }

    async fn union(&self, link: &mut Link) -> Result<(), FeedError> {
        let stored = Revocations::new();
        link.scan(|entry| {
            stored.learn(&entry);
            self.revocations.learn(&entry);
        })
        .await?;
        let now = (self.clock)().timestamp();
        let mut missing = self.revocations.snapshot().into_entries();
        missing.retain(|entry| entry.end > now && !stored.knows(entry));
        while !missing.is_empty() {
            let rest = missing.split_off(missing.len().min(BATCH));
            link.publish(std::mem::replace(&mut missing, rest)).await?;
        }
        Ok(())
    }

    async fn beat(
        &self,
        mut link: Link,
        server: &str,
        beats: &Mutex<Beats>,
        watch: &Watch,
    ) -> Result<Infallible, FeedError> {
        let mut ticks = interval(INTERVAL);
        let mut count = 0_u32;
        loop {
            ticks.tick().await;
            let beat = lock(beats).send((self.clock)(), watch.tick());
            let session = lock(beats).session().to_owned();
            if !link.beat(&Message::Beat { session, number: beat.number }, server).await? {
                return Err(FeedError::Emptied);
            }
            if count.is_multiple_of(BEATS_PER_TRIM) {
                let now = (self.clock)();
                self.revocations.forget_expired_at(now);
                link.trim(now.timestamp()).await?;
            }
            count = count.wrapping_add(1);
        }
    }

    async fn tell(&self, mut link: Link) -> Result<Infallible, FeedError> {
        loop {
            let mut entries = self.revocations.outbox.take().await.map_err(|_| FeedError::Overflow)?;
            while !entries.is_empty() {
                let rest = entries.split_off(entries.len().min(BATCH));
                link.publish(std::mem::replace(&mut entries, rest)).await?;
            }
        }
    }

    async fn listen(
        &self,
        mut arrivals: Arrivals,
        beats: &Mutex<Beats>,
        watch: &Watch,
    ) -> Result<Infallible, FeedError> {
        loop {
            let deadline = watch.start + lock(beats).deadline();
            match timeout_at(deadline, arrivals.next()).await.map_err(|_| FeedError::Silent)?? {
                Message::Revoked(entries) => entries.iter().for_each(|entry| self.revocations.learn(entry)),
                Message::Beat { session, number } => {
                    let heard = lock(beats).hear(&session, number);
                    if let Some((beat, is_first)) = heard {
                        watch.prove(&self.revocations, beat);
                        if is_first {
                            (self.report)(FeedChange::Current);
                        }
                    }
                }
            }
        }
    }
}

impl fmt::Debug for RedisFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client knows a password.
        f.debug_struct("RedisFeed").field("environment", &self.environment).finish_non_exhaustive()
    }
}

/// Ends the proof by a clock that is never set, also where the calendar stands still.
struct Watch {
    start: Instant,
    /// When the latest proof was sent.
    latest: Mutex<Duration>,
}

impl Watch {
    fn tick(&self) -> Duration {
        self.start.elapsed()
    }

    fn prove(&self, revocations: &Revocations, beat: beat::Beat) {
        let mut latest = lock(&self.latest);
        *latest = beat.tick;
        // A beat that was long on its way proves too little to begin with.
        if self.tick() < beat.tick + LOST_AFTER {
            revocations.pulse.prove(beat.time);
        }
    }

    async fn guard(&self, revocations: &Revocations) -> Infallible {
        let mut deadline = LOST_AFTER;
        loop {
            sleep_until(self.start + deadline).await;
            let (latest, tick) = (lock(&self.latest), self.tick());
            deadline = *latest + LOST_AFTER;
            if deadline <= tick {
                revocations.pulse.lose();
                deadline = tick + INTERVAL;
            }
        }
    }
}

/// Loses the feed when it is dropped.
struct End<'a>(&'a Revocations);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.pulse.lose();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn session() -> Box<str> {
    rand::rng().sample_iter(Alphanumeric).take(22).map(char::from).collect::<String>().into()
}

const RETRY_AFTER: Duration = INTERVAL;
/// How long a node that starts leaves it to others to fill an empty server.
const FOUND_AFTER: Duration = Duration::from_secs(2);
/// Entries in one command and one message.
const BATCH: usize = 100;
/// Once a minute.
const BEATS_PER_TRIM: u32 = 240;
