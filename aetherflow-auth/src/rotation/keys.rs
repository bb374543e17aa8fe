use chrono::{DateTime, TimeDelta, Utc};

use super::policy::{Life, RotationPolicy, RotationStatus, later};
use crate::error::ConfigError;

/// Which key signs, and which are published, so that no valid token meets a verifier that does not know its key.
///
/// 1. A key signs only once every verifier may have seen it: a cache time and a minute after it was published. Only the
///    first key of an issuer signs at once, since nothing else can.
/// 2. The newest key that may sign does; all nodes that know the same keys agree without a word.
/// 3. A key stays published after its last signature for as long as a token of it may be presented: the greatest
///    lifetime (or the policy's overlap, if that is longer) and a minute.
///
/// The minute is the greatest leeway a verifier grants, and how far the clocks of the issuer's nodes may differ.
///
/// # Examples
///
/// ```
/// use aetherflow_auth::rotation::{KeyRotation, PublishedKey, RotationPolicy};
/// use chrono::{DateTime, TimeDelta};
///
/// let rotation = KeyRotation::new(RotationPolicy::default(), TimeDelta::days(90), TimeDelta::hours(1))?;
/// let start = DateTime::UNIX_EPOCH;
/// let keys = [PublishedKey::new("a", start), PublishedKey::new("b", start + TimeDelta::days(80))];
/// let signs = |time| rotation.plan_at(&keys, start + time).signing().map(PublishedKey::id);
/// assert_eq!(signs(TimeDelta::days(80)), Some("a"));
/// assert_eq!(signs(TimeDelta::days(80) + TimeDelta::minutes(61)), Some("b"));
/// # Ok::<(), aetherflow_auth::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeyRotation {
    policy: RotationPolicy,
    /// From publishing to signing.
    lead: TimeDelta,
    /// From the last signature to retiring.
    tail: TimeDelta,
}

impl KeyRotation {
    /// Plans for tokens that live at most `token_lifetime`, and verifiers that go on with a JWKS for at most
    /// `jwks_cache` after they fetched it: their refresh interval, and their stale limit if they are to bridge outages.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Rotation`] if a token lives no time, a cache time is negative, or it leaves a key no time to sign
    /// within the policy's age.
    pub fn new(
        policy: RotationPolicy,
        token_lifetime: TimeDelta,
        jwks_cache: TimeDelta,
    ) -> Result<Self, ConfigError> {
        let is_positive = token_lifetime > TimeDelta::zero() && jwks_cache >= TimeDelta::zero();
        // Both a key and its successor wait for the cache time within the age of the first.
        let leaves_time = jwks_cache < (policy.max_age() - CLOCKS - CLOCKS) / 2;
        if !is_positive || !leaves_time {
            return Err(ConfigError::Rotation);
        }
        let tail = token_lifetime.max(policy.overlap());
        let tail = tail.checked_add(&CLOCKS).ok_or(ConfigError::Rotation)?;
        Ok(Self { policy, lead: jwks_cache + CLOCKS, tail })
    }

    /// Says what holds at `now` for keys in any order.
    ///
    /// After a leak, leave the key out: another signs from now on, and verifiers learn of it when they ask for its id.
    #[must_use]
    pub fn plan_at<'k>(&self, keys: &'k [PublishedKey], now: DateTime<Utc>) -> KeyPlan<'k> {
        let mut known: Vec<&PublishedKey> = keys.iter().filter(|key| key.published_at <= now).collect();
        known.sort_by_key(|key| key.published_at);
        let signs_at = known.iter().rposition(|key| self.signs_from(key) <= now).unwrap_or(0);
        let is_retired = |at: usize| {
            let successor = known.get(at + 1);
            successor.is_some_and(|next| later(self.signs_from(next), self.tail) <= now)
        };
        let retired = (0..known.len()).filter(|at| is_retired(*at)).map(|at| known[at]).collect();
        let published = (0..known.len()).filter(|at| !is_retired(*at)).map(|at| known[at]).collect();
        let next = self.next(known.last().copied(), now);
        KeyPlan { signing: known.get(signs_at).copied(), published, retired, next }
    }

    /// How far the making of the next key is; the last key ever published says it.
    fn next(&self, newest: Option<&PublishedKey>, now: DateTime<Utc>) -> (DateTime<Utc>, RotationStatus) {
        let Some(newest) = newest else { return (now, RotationStatus::Overdue) };
        let (life, policy) = (Life::new(newest.published_at), self.policy.ahead_by(self.lead));
        (policy.end(&life), policy.status_at(&life, now))
    }

    fn signs_from(&self, key: &PublishedKey) -> DateTime<Utc> {
        later(key.published_at, self.lead)
    }
}

/// A signing key by its id, and when the issuer's JWKS first held it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishedKey {
    id: Box<str>,
    published_at: DateTime<Utc>,
}

impl PublishedKey {
    /// Names a key that is in the JWKS from a moment on, on every node that serves one.
    #[must_use]
    pub fn new(id: &str, published_at: DateTime<Utc>) -> Self {
        Self { id: id.into(), published_at }
    }

    /// The key's id: a header's `kid`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When the JWKS first held it.
    #[must_use]
    pub fn published_at(&self) -> DateTime<Utc> {
        self.published_at
    }
}

/// What holds for the signing keys at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyPlan<'k> {
    signing: Option<&'k PublishedKey>,
    published: Vec<&'k PublishedKey>,
    retired: Vec<&'k PublishedKey>,
    next: (DateTime<Utc>, RotationStatus),
}

impl<'k> KeyPlan<'k> {
    /// The key that signs; none before the first is published.
    #[must_use]
    pub fn signing(&self) -> Option<&'k PublishedKey> {
        self.signing
    }

    /// The keys of the JWKS, the oldest first.
    #[must_use]
    pub fn published(&self) -> &[&'k PublishedKey] {
        &self.published
    }

    /// The keys to take out of the JWKS and to destroy: no token of theirs is valid any more.
    #[must_use]
    pub fn retired(&self) -> &[&'k PublishedKey] {
        &self.retired
    }

    /// By when the next key is to be published, so that it signs before this one is too old.
    #[must_use]
    pub fn next_key_by(&self) -> DateTime<Utc> {
        self.next.0
    }

    /// Whether the next key is due: [`Current`](RotationStatus::Current), [`Due`](RotationStatus::Due) or
    /// [`Overdue`](RotationStatus::Overdue).
    #[must_use]
    pub fn next_key(&self) -> RotationStatus {
        self.next.1
    }
}

const CLOCKS: TimeDelta = TimeDelta::seconds(60);
