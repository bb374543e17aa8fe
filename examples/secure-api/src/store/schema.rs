//! The tables, and the steps from each version to the next.

use rusqlite::{Connection, Transaction};

use super::StoreError;

/// Brings the database to the version this program knows.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let change = connection.transaction()?;
    let from = version(&change)?;
    let steps = usize::try_from(from).ok().and_then(|from| STEPS.get(from..));
    for step in steps.ok_or(StoreError::Version(from))? {
        change.execute_batch(step)?;
    }
    change.pragma_update(None, "user_version", VERSION)?;
    change.commit()?;
    Ok(())
}

fn version(change: &Transaction<'_>) -> Result<i64, StoreError> {
    Ok(change.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

const VERSION: u32 = 1;

// The step at index n leads from version n to n + 1; a step that was released never changes.
const STEPS: [&str; VERSION as usize] = ["
    CREATE TABLE workflows (
        id TEXT PRIMARY KEY,
        issuer TEXT NOT NULL,
        tenant TEXT NOT NULL,
        subject TEXT NOT NULL,
        name TEXT NOT NULL,
        note BLOB NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX workflows_of_owner ON workflows (issuer, tenant, subject);

    CREATE TABLE credentials (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('token', 'api_key')),
        issuer TEXT NOT NULL,
        named_tenant TEXT,
        subject TEXT NOT NULL,
        scopes TEXT NOT NULL,
        plan TEXT NOT NULL,
        ip TEXT,
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        replaced_by TEXT,
        last_used_at INTEGER,
        record TEXT
    ) STRICT;
    CREATE INDEX credentials_by_end ON credentials (ends_at);
"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_and_one_up_to_date_end_at_the_same_version() {
        let mut connection = Connection::open_in_memory().unwrap();
        for _ in 0..2 {
            prepare(&mut connection).unwrap();
            let change = connection.transaction().unwrap();
            assert_eq!(version(&change).unwrap(), 1);
        }
    }

    #[test]
    fn a_file_of_a_later_version_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 2).unwrap();
        let refused = prepare(&mut connection).unwrap_err();
        assert_eq!(refused.to_string(), "the database is of version 2, which this program does not know");
    }
}
