use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;

use super::set::{KeySet, RefusedKey};
use super::source::{JwksSource, SourceError};
use super::unknown::Unknown;
use super::verifying::VerifyingKey;
use crate::error::ConfigError;

/// Keeps the keys of a [`KeySet`] as its issuer publishes them, while requests go on.
///
/// 1. Requests never wait: keys are swapped whole, and between two fetches the last good ones serve.
/// 2. One fetch at a time, by ownership: an attempt needs `&mut self`, and a set has one refresh.
/// 3. After every attempt, good or not, nothing is fetched for a cooldown (30 seconds), counted from its beginning.
/// 4. The next fetch is due after the interval (5 minutes), after a failure as soon as the cooldown is over.
/// 5. A token whose `kid` no key has is refused at once, and makes the next fetch due when the cooldown is over. The
///    same `kid` asks once a minute; the table of those is fixed in size.
/// 6. A fetch that fails changes nothing: unreachable, longer than the limit (128 KiB), no JWKS, or without one good
///    key. A bad key beside good ones is left out and reported.
/// 7. Fetched keys serve for a limited time (an hour) from the beginning of the last good fetch. Every request checks
///    it, so it holds even if [`run`](Self::run) is no longer polled.
/// 8. Keys the host put into the set are never touched, and a fetched key by the id of one of them is left out.
///
/// # Security
///
/// The stale limit is also how long a key that the issuer withdrew can live on for someone who cuts the line to it.
///
/// # Examples
///
/// ```
/// use aetherflow_auth::Environment;
/// use aetherflow_auth::key::{Fetch, JwksRefresh, JwksSource, KeySet};
/// # use aetherflow_auth::key::{Algorithm, SigningKey};
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
///
/// #[derive(Debug)]
/// struct Fixed(String);
///
/// impl JwksSource for Fixed {
///     fn fetch(&self, _most_bytes: usize) -> Fetch<'_> {
///         Box::pin(async { Ok(self.0.clone().into_bytes()) })
///     }
/// }
///
/// # let (issuer, here) = ("https://auth.example", Environment::production());
/// # let key = SigningKey::generate(Algorithm::Es256, here)?.verifying_key();
/// # let jwks = KeySet::new(issuer, here, [key])?.to_jwks();
/// let keys = KeySet::new(issuer, here, [])?;
/// let mut refresh = JwksRefresh::new(keys.clone(), Fixed(jwks))?;
/// # let mut waiting = pin!(refresh.refresh_at(chrono::Utc::now()));
/// # let Poll::Ready(ended) = waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) else { return Err("it waits".into()) };
/// // let ended = refresh.refresh_at(now).await;
/// assert_eq!(ended?.keys(), 1);
/// assert_eq!(keys.generation(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct JwksRefresh {
    keys: KeySet,
    source: Box<dyn JwksSource>,
    interval: TimeDelta,
    cooldown: TimeDelta,
    stale_limit: TimeDelta,
    most_bytes: usize,
    last: Option<Attempt>,
}

#[derive(Clone, Copy, Debug)]
struct Attempt {
    at: DateTime<Utc>,
    is_good: bool,
}

impl JwksRefresh {
    /// Fetches for the set from the source; the first fetch is due at once.
    ///
    /// # Errors
    ///
    /// [`ConfigError::MixedKeySet`] if the set holds shared secrets, [`ConfigError::DuplicateRefresh`] if it has a
    /// refresh.
    pub fn new(keys: KeySet, source: impl JwksSource + 'static) -> Result<Self, ConfigError> {
        if keys.snapshot().own().iter().any(|key| key.algorithm().is_symmetric()) {
            return Err(ConfigError::MixedKeySet);
        }
        if !keys.watch_unknown(Unknown::new()) {
            return Err(ConfigError::DuplicateRefresh);
        }
        Ok(Self {
            keys,
            source: Box::new(source),
            interval: TimeDelta::minutes(5),
            cooldown: TimeDelta::seconds(30),
            stale_limit: TimeDelta::hours(1),
            most_bytes: MOST_BYTES,
            last: None,
        })
    }

    /// Fetches so often; less than the cooldown reads as the cooldown.
    #[must_use]
    pub fn with_interval(self, interval: TimeDelta) -> Self {
        Self { interval, ..self }
    }

    /// Leaves the source alone for so long after every attempt; less than a second reads as a second.
    #[must_use]
    pub fn with_cooldown(self, cooldown: TimeDelta) -> Self {
        Self { cooldown: cooldown.max(TimeDelta::seconds(1)), ..self }
    }

    /// Lets fetched keys serve for so long from the last good fetch on.
    ///
    /// Less than an interval and a cooldown reads as their sum: keys would lapse between two good fetches.
    #[must_use]
    pub fn with_stale_limit(self, limit: TimeDelta) -> Self {
        Self { stale_limit: limit, ..self }
    }

    /// Reads at most so many bytes of a JWKS.
    #[must_use]
    pub fn with_size_limit(self, most_bytes: usize) -> Self {
        Self { most_bytes, ..self }
    }

    /// When the next fetch is due, as seen at `now`; a token with an unknown `kid` may bring it forward.
    #[must_use]
    pub fn due_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.due(now, self.unknown().is_some_and(Unknown::is_wanted))
    }

    /// Fetches once; `now` is the time it begins. Dropped half way, it was a failed attempt.
    ///
    /// # Errors
    ///
    /// [`RefreshError::TooSoon`] within the cooldown, without asking the source; each other [`RefreshError`] for a
    /// fetch that failed. The keys are then as they were.
    pub async fn refresh_at(&mut self, now: DateTime<Utc>) -> Result<Refreshed, RefreshError> {
        if self.last.is_some_and(|last| last.rests_at(now, self.cooldown)) {
            return Err(RefreshError::TooSoon);
        }
        self.last = Some(Attempt { at: now, is_good: false });
        // Before the fetch: an id that asks while it runs may be one it is too early for.
        self.unknown().into_iter().for_each(Unknown::begin);
        let bytes = self.source.fetch(self.most_bytes).await.map_err(RefreshError::Source)?;
        let refreshed = self.take(&bytes, now)?;
        self.last = Some(Attempt { at: now, is_good: true });
        Ok(refreshed)
    }

    /// Fetches whenever it is due, for as long as it is polled; `report` sees how each attempt ended.
    ///
    /// An attempt of more than 30 seconds is given up. Nothing is spawned: the host gives the future to its runtime.
    pub async fn run(
        mut self,
        timer: &impl Timer,
        mut report: impl FnMut(&Result<Refreshed, RefreshError>) + Send,
    ) -> Infallible {
        loop {
            self.wait_until_due(timer).await;
            let now = timer.now();
            let ended = first(self.refresh_at(now), timer.sleep(LONGEST_FETCH)).await;
            report(&ended.unwrap_or(Err(RefreshError::TimedOut)));
        }
    }

    async fn wait_until_due(&self, timer: &impl Timer) {
        loop {
            let (now, unknown) = (timer.now(), self.unknown());
            let is_wanted = unknown.is_some_and(Unknown::is_wanted);
            let rest = (self.due(now, is_wanted) - now).to_std().unwrap_or_default();
            match unknown {
                _ if rest.is_zero() => return,
                Some(unknown) if !is_wanted => {
                    // Either way the loop looks again.
                    first(unknown.wanted(), timer.sleep(rest)).await;
                }
                Some(_) | None => timer.sleep(rest).await,
            }
        }
    }

    fn due(&self, now: DateTime<Utc>, is_wanted: bool) -> DateTime<Utc> {
        // A clock that went back says nothing of how long ago the last attempt was.
        let Some(last) = self.last.filter(|last| last.at <= now) else { return now };
        let is_early = is_wanted || !last.is_good;
        later(last.at, if is_early { self.cooldown } else { self.interval.max(self.cooldown) })
    }

    fn take(&self, bytes: &[u8], now: DateTime<Utc>) -> Result<Refreshed, RefreshError> {
        if bytes.len() > self.most_bytes {
            return Err(RefreshError::Source(SourceError::TooLarge));
        }
        let text = str::from_utf8(bytes).map_err(|_| RefreshError::Malformed)?;
        let (good, refused) = KeySet::read_jwks(text).map_err(|_| RefreshError::Malformed)?;
        let before = self.keys.snapshot();
        let Sorted { fetched, is_empty, refused } = Sorted::new(before.own(), good, refused);
        if is_empty {
            return Err(RefreshError::NoKeys(refused));
        }
        let is_same = |key: &Arc<VerifyingKey>| before.fetched().iter().any(|old| old.is_same(key));
        let is_changed = fetched.len() != before.fetched().len() || !fetched.iter().all(is_same);
        let least = self.interval.max(self.cooldown) + self.cooldown;
        self.keys.replace_fetched(&fetched, later(now, self.stale_limit.max(least)));
        Ok(Refreshed { keys: fetched.len(), is_changed, refused })
    }

    fn unknown(&self) -> Option<&Unknown> {
        self.keys.unknown()
    }
}

impl Attempt {
    fn rests_at(self, now: DateTime<Utc>, cooldown: TimeDelta) -> bool {
        (TimeDelta::zero()..cooldown).contains(&now.signed_duration_since(self.at))
    }
}

/// The host's clock and timer.
pub trait Timer: Send + Sync {
    /// The time now.
    fn now(&self) -> DateTime<Utc>;

    /// Ends after so long.
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// What a good fetch brought.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refreshed {
    keys: usize,
    is_changed: bool,
    refused: Vec<RefusedKey>,
}

impl Refreshed {
    /// How many fetched keys the set now has beside the host's own.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.keys
    }

    /// Whether they are others than before.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// The keys of the JWKS that were left out, and why.
    ///
    /// [`ConfigError::DuplicateKeyId`] is an id that two different keys of the JWKS share, both of which are then left
    /// out, or that a key of the host's own has; [`ConfigError::PrivateJwk`] a secret, which is none once published.
    #[must_use]
    pub fn refused(&self) -> &[RefusedKey] {
        &self.refused
    }
}

/// Why a fetch changed nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// The cooldown of the last attempt is not over.
    #[error("the cooldown of the last fetch is not over")]
    TooSoon,
    /// The source gave nothing, or too much.
    #[error(transparent)]
    Source(SourceError),
    /// The source did not end in time.
    #[error("the fetch took too long")]
    TimedOut,
    /// What it gave is no JWKS.
    #[error("what was fetched is no JWKS")]
    Malformed,
    /// The JWKS has no key, or only such as were refused.
    #[error("the JWKS has no good key")]
    NoKeys(Vec<RefusedKey>),
}

/// The keys of a JWKS, told apart.
struct Sorted {
    fetched: Vec<Arc<VerifyingKey>>,
    /// Whether there was no good key, not even one that the host has as its own.
    is_empty: bool,
    refused: Vec<RefusedKey>,
}

impl Sorted {
    fn new(own: &[Arc<VerifyingKey>], good: Vec<VerifyingKey>, mut refused: Vec<RefusedKey>) -> Self {
        let at = places(good.len(), &refused);
        let faults: Vec<_> = good.iter().map(|key| fault(key, own, &good)).collect();
        let is_empty = faults.iter().all(Option::is_some);
        let mut fetched: Vec<Arc<VerifyingKey>> = Vec::new();
        for ((key, fault), at) in good.into_iter().zip(faults).zip(at) {
            match fault {
                Some(error) => refused.push(RefusedKey::new(at, error)),
                // Known by now, as own or from further up.
                None if own.iter().chain(&fetched).any(|other| other.id() == key.id()) => {}
                None => fetched.push(Arc::new(key)),
            }
        }
        refused.sort_by_key(RefusedKey::position);
        Self { fetched, is_empty, refused }
    }
}

/// Where the readable keys stand: in the places that were not refused.
fn places(count: usize, refused: &[RefusedKey]) -> Vec<usize> {
    (0..count + refused.len()).filter(|at| !refused.iter().any(|key| key.position() == *at)).collect()
}

fn fault(key: &VerifyingKey, own: &[Arc<VerifyingKey>], all: &[VerifyingKey]) -> Option<ConfigError> {
    if key.algorithm().is_symmetric() {
        return Some(ConfigError::PrivateJwk);
    }
    // The host's own key is meant by its id, whatever else the JWKS says.
    let is_ambiguous = match own.iter().find(|other| other.id() == key.id()) {
        Some(own) => !own.is_same(key),
        None => all.iter().any(|other| other.id() == key.id() && !other.is_same(key)),
    };
    is_ambiguous.then_some(ConfigError::DuplicateKeyId)
}

/// What `work` gives, or nothing if `end` ends first.
async fn first<T>(work: impl Future<Output = T>, end: impl Future<Output = ()>) -> Option<T> {
    let (mut work, mut end) = (pin!(work), pin!(end));
    std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
    .await
}

fn later(time: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    time.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

const MOST_BYTES: usize = 128 * 1024;
const LONGEST_FETCH: Duration = Duration::from_secs(30);
