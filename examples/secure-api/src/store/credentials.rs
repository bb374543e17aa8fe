//! Credentials, each until it would have expired: one that was revoked or replaced has an earlier end.
//!
//! An API key is kept longer, in no list: without its record a genuine key that has expired would be taken for a guess.

use aetherflow_auth::{Allowlist, Identity, ScopeSet};
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{Store, StoreError, owner, stamp, time};
use crate::credential::{Credential, Kind, PlanName};
use crate::history::Used;

/// Whether a credential was kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Addition {
    /// It was.
    Kept,
    /// Its owner has as many as one may.
    Full,
    /// What it was to replace has ended meanwhile.
    Gone,
}

impl Store {
    /// The credential `id`, if it is still good at `now`.
    pub(crate) async fn credential(
        &self,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Credential>, StoreError> {
        let id = id.to_owned();
        self.run(move |connection| find(connection, &id, now)).await
    }

    /// Every credential still good at `now`, oldest first.
    pub(crate) async fn credentials(&self, now: DateTime<Utc>) -> Result<Vec<Credential>, StoreError> {
        self.run(move |connection| {
            let query = format!("{SELECT} WHERE ends_at > ?1 ORDER BY rowid");
            let mut query = connection.prepare(&query)?;
            let rows = query.query_map([stamp(now)], Stored::read)?;
            rows.map(|row| Credential::try_from(row?)).collect()
        })
        .await
    }

    /// Notes when credentials were last used, each by its owner.
    pub(crate) async fn note_uses(&self, uses: Vec<(Used, DateTime<Utc>)>) -> Result<(), StoreError> {
        self.run(move |connection| {
            let change = connection.transaction()?;
            for (used, at) in uses {
                let (issuer, tenant, subject) = owner(&used.owner);
                change.execute(
                    "UPDATE credentials SET last_used_at = ?5 WHERE id = ?1 AND issuer = ?2
                     AND coalesce(named_tenant, subject) = ?3 AND subject = ?4",
                    params![used.id, issuer, tenant, subject, stamp(at)],
                )?;
            }
            Ok(change.commit()?)
        })
        .await
    }

    /// Forgets the tokens that have expired at `now`, ended before or not, and the API keys that expired 90 days before
    /// or are beyond what is kept of one owner; answers which.
    pub(crate) async fn forget_expired(&self, now: DateTime<Utc>) -> Result<Vec<String>, StoreError> {
        self.run(move |connection| {
            // An owner's good keys come first, and are fewer than are kept.
            let mut query = connection.prepare(
                "DELETE FROM credentials
                 WHERE expires_at <= CASE kind WHEN 'api_key' THEN ?2 ELSE ?1 END OR id IN (
                     SELECT id FROM (
                         SELECT id, row_number() OVER (
                             PARTITION BY issuer, coalesce(named_tenant, subject), subject
                             ORDER BY ends_at DESC, rowid DESC
                         ) AS place FROM credentials WHERE kind = 'api_key'
                     ) WHERE place > ?3
                 ) RETURNING id",
            )?;
            let keys = stamp(now) - KEPT_KEY.num_milliseconds();
            let ids = query.query_map(params![stamp(now), keys, MOST_KEYS_PER_OWNER], |row| row.get(0))?;
            Ok(ids.collect::<Result<_, _>>()?)
        })
        .await
    }
}

/// Keeps a new credential, unless its owner has too many; `record` is what an API key is verified by.
pub(crate) fn add(
    connection: &Connection,
    new: &Credential,
    record: Option<&str>,
) -> Result<Addition, StoreError> {
    if count(connection, new)? >= MOST_PER_OWNER {
        return Ok(Addition::Full);
    }
    insert(connection, new, record)?;
    Ok(Addition::Kept)
}

/// The same, and lets the credential `old` end at `ends_at`; within a transaction, so that it is both or neither.
pub(crate) fn replace(
    change: &Transaction<'_>,
    old: &str,
    ends_at: DateTime<Utc>,
    new: &Credential,
    record: Option<&str>,
) -> Result<Addition, StoreError> {
    // An overlap never lengthens one that was set before, and what has been revoked is not replaced.
    let replaced = change.execute(
        "UPDATE credentials SET replaced_by = ?2, ends_at = min(ends_at, ?3) WHERE id = ?1 AND ends_at > ?4",
        params![old, new.id, stamp(ends_at), stamp(new.created_at)],
    )?;
    if replaced == 0 { Ok(Addition::Gone) } else { add(change, new, record) }
}

/// Ends the credential `id`, whatever a clock may say later.
pub(crate) fn end(connection: &Connection, id: &str) -> Result<(), StoreError> {
    connection.execute("UPDATE credentials SET ends_at = 0 WHERE id = ?1", [id])?;
    Ok(())
}

/// Whether the owner's credential `id` was ended by `now`; one that is not known was not.
pub(crate) fn has_ended(
    connection: &Connection,
    of: &Identity,
    id: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let (issuer, tenant, subject) = owner(of);
    let mut query = connection.prepare(
        "SELECT 1 FROM credentials WHERE id = ?1 AND issuer = ?2
         AND coalesce(named_tenant, subject) = ?3 AND subject = ?4 AND ends_at <= ?5",
    )?;
    Ok(query.exists(params![id, issuer, tenant, subject, stamp(now)])?)
}

/// Whether the credential `id` was ended by `now`, at which it has not expired.
pub(crate) fn was_ended_early(
    connection: &Connection,
    id: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut query = connection
        .prepare("SELECT 1 FROM credentials WHERE id = ?1 AND ends_at <= ?2 AND expires_at > ?2")?;
    Ok(query.exists(params![id, stamp(now)])?)
}

/// Keeps a credential.
pub(crate) fn insert(
    connection: &Connection,
    credential: &Credential,
    record: Option<&str>,
) -> Result<(), StoreError> {
    let ip = credential.allowlist.as_ref().map(serde_json::to_string).transpose();
    connection.execute(
        "INSERT INTO credentials (id, kind, issuer, named_tenant, subject, scopes, plan, ip, created_at, expires_at,
                                  ends_at, replaced_by, last_used_at, record)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        params![
            credential.id,
            credential.kind.as_str(),
            credential.owner.issuer(),
            credential.owner.named_tenant(),
            credential.owner.subject(),
            credential.scopes.as_str(),
            credential.plan.as_str(),
            ip.map_err(|_| StoreError::Unreadable("allowlist"))?,
            stamp(credential.created_at),
            stamp(credential.expires_at),
            stamp(credential.ends_at),
            credential.replaced_by,
            credential.last_used_at.map(stamp),
            record,
        ],
    )?;
    Ok(())
}

/// The credential `id`, if it is still good at `now`.
pub(crate) fn find(
    connection: &Connection,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Option<Credential>, StoreError> {
    let query = format!("{SELECT} WHERE id = ?1 AND ends_at > ?2");
    let mut query = connection.prepare(&query)?;
    let stored = query.query_row(params![id, stamp(now)], Stored::read).optional()?;
    stored.map(Credential::try_from).transpose()
}

/// The credential `id` unless it was revoked, though its overlap may be over: nothing but its expiry at `now` says that
/// it opens no door.
pub(crate) fn find_unrevoked(
    connection: &Connection,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Option<Credential>, StoreError> {
    let query = format!("{SELECT} WHERE id = ?1 AND ends_at > 0 AND expires_at > ?2");
    let mut query = connection.prepare(&query)?;
    let stored = query.query_row(params![id, stamp(now)], Stored::read).optional()?;
    stored.map(Credential::try_from).transpose()
}

/// The tokens that end before they expire; expired ones too, since a start may see a clock that is ahead.
pub(crate) fn ending_tokens(connection: &Connection) -> Result<Vec<Credential>, StoreError> {
    ended_tokens(connection, DateTime::<Utc>::MAX_UTC)
}

/// Those of them that have ended by `now`.
pub(crate) fn ended_tokens(
    connection: &Connection,
    now: DateTime<Utc>,
) -> Result<Vec<Credential>, StoreError> {
    let query = format!("{SELECT} WHERE kind = 'token' AND ends_at <= ?1 AND ends_at < expires_at");
    let mut query = connection.prepare(&query)?;
    let rows = query.query_map([stamp(now)], Stored::read)?;
    rows.map(|row| Credential::try_from(row?)).collect()
}

/// What the API keys are verified by, each with its end; expired ones too.
pub(crate) fn records(connection: &Connection) -> Result<Vec<(String, DateTime<Utc>)>, StoreError> {
    let mut query = connection.prepare("SELECT record, ends_at FROM credentials WHERE kind = 'api_key'")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.map(|row| {
        let (record, ends_at) = row?;
        Ok((record, time(ends_at)?))
    })
    .collect()
}

/// How many good credentials the owner of `new` has.
fn count(connection: &Connection, new: &Credential) -> Result<u32, StoreError> {
    let (issuer, tenant, subject) = owner(&new.owner);
    Ok(connection.query_row(
        "SELECT count(*) FROM credentials
         WHERE issuer = ?1 AND coalesce(named_tenant, subject) = ?2 AND subject = ?3 AND ends_at > ?4",
        params![issuer, tenant, subject, stamp(new.created_at)],
        |row| row.get(0),
    )?)
}

const MOST_PER_OWNER: u32 = 1_000;
// As many ended ones as good ones may be.
const MOST_KEYS_PER_OWNER: u32 = 2 * MOST_PER_OWNER;
// The longest life there is: by then whoever still presents a key has missed as much as one can.
const KEPT_KEY: TimeDelta = TimeDelta::days(90);

const SELECT: &str =
    "SELECT id, kind, issuer, named_tenant, subject, scopes, plan, ip, created_at, expires_at,
                             ends_at, replaced_by, last_used_at FROM credentials";

struct Stored {
    id: String,
    kind: String,
    issuer: String,
    named_tenant: Option<String>,
    subject: String,
    scopes: String,
    plan: String,
    ip: Option<String>,
    created_at: i64,
    expires_at: i64,
    ends_at: i64,
    replaced_by: Option<String>,
    last_used_at: Option<i64>,
}

impl Stored {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            kind: row.get(1)?,
            issuer: row.get(2)?,
            named_tenant: row.get(3)?,
            subject: row.get(4)?,
            scopes: row.get(5)?,
            plan: row.get(6)?,
            ip: row.get(7)?,
            created_at: row.get(8)?,
            expires_at: row.get(9)?,
            ends_at: row.get(10)?,
            replaced_by: row.get(11)?,
            last_used_at: row.get(12)?,
        })
    }
}

impl TryFrom<Stored> for Credential {
    type Error = StoreError;

    fn try_from(stored: Stored) -> Result<Self, StoreError> {
        let allowlist: Option<Result<Allowlist, _>> = stored.ip.as_deref().map(serde_json::from_str);
        Ok(Self {
            id: stored.id,
            kind: Kind::parse(&stored.kind).ok_or(StoreError::Unreadable("kind"))?,
            owner: Identity::new(stored.issuer, stored.named_tenant.as_deref(), stored.subject),
            scopes: ScopeSet::parse(&stored.scopes).map_err(|_| StoreError::Unreadable("scope"))?,
            plan: PlanName::parse(&stored.plan).ok_or(StoreError::Unreadable("plan"))?,
            allowlist: allowlist.transpose().map_err(|_| StoreError::Unreadable("allowlist"))?,
            created_at: time(stored.created_at)?,
            expires_at: time(stored.expires_at)?,
            ends_at: time(stored.ends_at)?,
            replaced_by: stored.replaced_by,
            last_used_at: stored.last_used_at.map(time).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests;
