//! Revocation, effective at the next request.
//!
//! 1. What is revoked is an identifier of an issuer, never a token's bytes: the same token in another spelling is
//!    revoked with it.
//! 2. A token is revoked by its id; all tokens of a subject, of a client, or of a client for a subject (a grant) by a
//!    time: those issued then or before are refused; all tokens of a signing key, whenever they were issued.
//! 3. An entry lasts as long as what it revokes could, and a second revocation never shortens the first. A key's has no
//!    end: who holds a leaked key signs new tokens with it at any time.
//! 4. A [`Snapshot`] carries entries to the next process. Restoring one is a union: nothing that was revoked comes back.
#![cfg_attr(
    feature = "redis",
    doc = "5. Between nodes a [`RedisFeed`] carries them within a second, or the node knows that it does not know."
)]
//!
//! A [`Verifier`](crate::jwt::Verifier) refuses what is revoked, and a [`Minter`](crate::jwt::Minter) that is given the
//! same revocations dates new tokens after the time their subject's old ones were revoked at.

mod name;
mod news;
#[cfg(feature = "redis")]
mod outbox;
mod pulse;
#[cfg(feature = "redis")]
mod redis_feed;
mod snapshot;
mod table;

use std::fmt;

use chrono::{DateTime, Utc};

#[cfg(feature = "redis")]
pub use redis_feed::{FeedChange, FeedError, RedisFeed, WhenLost};
pub use snapshot::Snapshot;

use crate::{Identity, Principal};
use name::{Kind, Name};
pub(crate) use news::Clearance;
use news::News;
use pulse::Pulse;
use snapshot::{Entry, FOREVER};
use table::Table;

/// What is revoked; a reader takes one sharded read lock at a time, none for kinds of which nothing is revoked, and none for a
/// remembered token while nothing new is.
///
/// # Examples
///
/// ```
/// use aetherflow_auth::Identity;
/// use aetherflow_auth::revocation::Revocations;
/// use chrono::{TimeDelta, Utc};
///
/// let (revocations, now) = (Revocations::new(), Utc::now());
/// revocations.revoke_token("https://auth.example", "token-1", now + TimeDelta::days(1));
/// revocations.revoke_subject(&Identity::new("https://auth.example", None, "alice"), now);
/// assert_eq!(revocations.len(), 2);
///
/// let next = Revocations::new();
/// next.restore(&revocations.snapshot());
/// assert_eq!(next.forget_expired_at(now + TimeDelta::days(2)), 1);
/// ```
pub struct Revocations {
    tokens: Table,
    subjects: Table,
    clients: Table,
    grants: Table,
    keys: Table,
    news: News,
    pulse: Pulse,
    #[cfg(feature = "redis")]
    outbox: outbox::Outbox,
}

impl Revocations {
    /// Begins with nothing revoked.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tokens: Table::new(),
            subjects: Table::new(),
            clients: Table::new(),
            grants: Table::new(),
            keys: Table::new(),
            news: News::default(),
            pulse: Pulse::alone(),
            #[cfg(feature = "redis")]
            outbox: outbox::Outbox::default(),
        }
    }

    /// Revokes one token of an issuer by its `jti`; `until` is the token's expiry.
    pub fn revoke_token(&self, issuer: &str, id: &str, until: DateTime<Utc>) {
        self.revoke(Kind::Token, &[issuer, id], until.timestamp().saturating_add(LEEWAY));
    }

    /// Revokes all tokens of a subject that were issued at `time` or before, in whole seconds.
    pub fn revoke_subject(&self, subject: &Identity, time: DateTime<Utc>) {
        let parts = [subject.issuer(), subject.tenant(), subject.subject()];
        self.revoke(Kind::Subject, &parts, end_of_watermark(time));
    }

    /// Revokes all tokens of a client, for any subject, that were issued at `time` or before, in whole seconds.
    pub fn revoke_client(&self, issuer: &str, client: &str, time: DateTime<Utc>) {
        self.revoke(Kind::Client, &[issuer, client], end_of_watermark(time));
    }

    /// Revokes all tokens that a client holds for one subject and that were issued at `time` or before, in whole seconds.
    pub fn revoke_grant(&self, client: &str, subject: &Identity, time: DateTime<Utc>) {
        let parts = [subject.issuer(), client, subject.tenant(), subject.subject()];
        self.revoke(Kind::Grant, &parts, end_of_watermark(time));
    }

    /// Revokes all tokens that a signing key of an issuer signed or will sign, for ever.
    pub fn revoke_key(&self, issuer: &str, key_id: &str) {
        self.revoke(Kind::Key, &[issuer, key_id], FOREVER);
    }

    /// Whether the principal's token is revoked, or the key that signed it.
    #[must_use]
    pub fn contains(&self, principal: &Principal, key_id: &str) -> bool {
        let issuer = principal.identity().issuer();
        if self.tokens.end_of(&[issuer, principal.credential_id()]).is_some()
            || self.keys.end_of(&[issuer, key_id]).is_some()
        {
            return true;
        }
        let (tenant, subject) = (principal.identity().tenant(), principal.identity().subject());
        self.watermark(issuer, tenant, subject, principal.client())
            .is_some_and(|time| principal.issued_at().timestamp() <= time)
    }

    /// As [`contains`](Self::contains), without a look if nothing was revoked since the last one.
    pub(crate) fn contains_since(&self, clearance: &Clearance, principal: &Principal, key_id: &str) -> bool {
        self.news.found_since(clearance, || self.contains(principal, key_id))
    }

    /// Whether what was revoked on other nodes is known here up to a second before `now`; without a feed it is.
    ///
    /// Also true where the host chose to go on when the feed is lost, but never before its first full snapshot.
    ///
    /// # Security
    ///
    /// Ask this before [`contains`](Self::contains), never after: the feed may catch up in between.
    #[must_use]
    pub fn is_current_at(&self, now: DateTime<Utc>) -> bool {
        self.pulse.is_current_at(now)
    }

    /// Forgets what has expired by `now`, and gives how many entries that were.
    pub fn forget_expired_at(&self, now: DateTime<Utc>) -> usize {
        Kind::ALL.into_iter().map(|kind| self.table(kind).forget(now.timestamp())).sum()
    }

    /// Copies all entries; one shard is locked at a time.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut entries = Vec::with_capacity(self.len());
        for kind in Kind::ALL {
            self.table(kind).for_each(|parts, end| {
                entries.push(Entry { name: Name::new(kind, parts.clone()), end });
            });
        }
        Snapshot::new(entries)
    }

    /// Adds the entries of a snapshot to what is revoked.
    pub fn restore(&self, snapshot: &Snapshot) {
        for entry in snapshot.entries() {
            self.revoke(entry.name.kind(), &entry.name.parts(), entry.end);
        }
    }

    /// How many entries are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        Kind::ALL.into_iter().map(|kind| self.table(kind).len()).sum()
    }

    /// Whether nothing is revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The latest second at which an issued token is revoked for its subject, its client, or both together.
    pub(crate) fn watermark(
        &self,
        issuer: &str,
        tenant: &str,
        subject: &str,
        client: Option<&str>,
    ) -> Option<i64> {
        let of_subject = self.subjects.end_of(&[issuer, tenant, subject]);
        let of_client = client.and_then(|client| {
            let alone = self.clients.end_of(&[issuer, client]);
            alone.max(self.grants.end_of(&[issuer, client, tenant, subject]))
        });
        of_subject.max(of_client).map(|end| end.saturating_sub(LONGEST_LIFE))
    }

    fn revoke(&self, kind: Kind, parts: &[&str], end: i64) {
        let _is_news = self.raise(kind, parts, end);
        #[cfg(feature = "redis")]
        if _is_news && self.outbox.is_open() {
            let name = Name::new(kind, name::Packed::new(parts.iter().copied()));
            self.outbox.push(Entry { name, end });
        }
    }

    fn raise(&self, kind: Kind, parts: &[&str], end: i64) -> bool {
        self.news.tell_of(|| self.table(kind).raise(parts, end))
    }

    /// Takes in what another node revoked, and tells nobody.
    #[cfg(feature = "redis")]
    fn learn(&self, entry: &Entry) {
        self.raise(entry.name.kind(), &entry.name.parts(), entry.end);
    }

    #[cfg(feature = "redis")]
    fn knows(&self, entry: &Entry) -> bool {
        self.table(entry.name.kind()).end_of(&entry.name.parts()).is_some_and(|end| end >= entry.end)
    }

    fn table(&self, kind: Kind) -> &Table {
        match kind {
            Kind::Token => &self.tokens,
            Kind::Subject => &self.subjects,
            Kind::Client => &self.clients,
            Kind::Grant => &self.grants,
            Kind::Key => &self.keys,
        }
    }
}

impl Default for Revocations {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations")
            .field("len", &self.len())
            .field("pulse", &self.pulse)
            .finish_non_exhaustive()
    }
}

/// Tokens issued by `time` are all expired then, and the watermark can be read back from it.
fn end_of_watermark(time: DateTime<Utc>) -> i64 {
    time.timestamp().saturating_add(LONGEST_LIFE)
}

/// How many seconds a token may outlive its `exp`: the widest leeway, and one for the parts of a second that are cut.
const LEEWAY: i64 = 61;
/// 90 days and the leeway: no token is good for longer. Stored ends depend on it (docs/formats/redis.md).
const LONGEST_LIFE: i64 = 90 * 86_400 + LEEWAY;
