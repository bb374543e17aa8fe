//! Workflows: each is one owner's, and its note is sealed for its row.

use aetherflow_auth::Identity;
use aetherflow_crypto::{Context, KeyRing};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Store, StoreError, owner, stamp, time};

/// A workflow as its owner sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Workflow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) note: String,
    pub(crate) created_at: DateTime<Utc>,
}

/// Whether an owner may keep one more workflow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Room {
    /// It was kept.
    Kept,
    /// The owner has as many, or as much, as one may.
    Full,
}

impl Store {
    /// The owner's workflows, oldest first.
    pub(crate) async fn workflows(&self, of: &Identity) -> Result<Vec<Workflow>, StoreError> {
        let (of, ring) = (of.clone(), self.ring());
        let (issuer, tenant, subject) = owner(&of);
        let rows = move |connection: &Connection| {
            let mut query = connection.prepare(
                "SELECT id, name, note, created_at FROM workflows
                 WHERE issuer = ?1 AND tenant = ?2 AND subject = ?3 ORDER BY rowid",
            )?;
            let rows = query.query_map(params![issuer, tenant, subject], Stored::read)?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        };
        self.read(rows, move |rows| rows.into_iter().map(|row| row.open(&ring, &of)).collect()).await
    }

    /// The owner's workflow `id`, if there is one.
    pub(crate) async fn workflow(&self, of: &Identity, id: &str) -> Result<Option<Workflow>, StoreError> {
        let (of, id, ring) = (of.clone(), id.to_owned(), self.ring());
        self.run(move |connection| find(connection, &of, &id)?.map(|row| row.open(&ring, &of)).transpose())
            .await
    }

    /// Keeps a new workflow for the owner, unless there is no room.
    pub(crate) async fn add_workflow(&self, of: &Identity, workflow: &Workflow) -> Result<Room, StoreError> {
        let (of, workflow, ring) = (of.clone(), workflow.clone(), self.ring());
        self.run(move |connection| {
            let sealed = seal(&ring, &of, &workflow)?;
            let change = connection.transaction()?;
            if !has_room(&change, &of, 1, size(&workflow.name, &sealed))? {
                return Ok(Room::Full);
            }
            let (issuer, tenant, subject) = owner(&of);
            change.execute(
                "INSERT INTO workflows (id, issuer, tenant, subject, name, note, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    workflow.id,
                    issuer,
                    tenant,
                    subject,
                    workflow.name,
                    sealed,
                    stamp(workflow.created_at)
                ],
            )?;
            change.commit()?;
            Ok(Room::Kept)
        })
        .await
    }

    /// Puts another name and note in the owner's workflow `id`, if there is one; answers it as it then is.
    pub(crate) async fn replace_workflow(
        &self,
        of: &Identity,
        id: &str,
        name: String,
        note: String,
    ) -> Result<Option<(Room, Workflow)>, StoreError> {
        let (of, id, ring) = (of.clone(), id.to_owned(), self.ring());
        self.run(move |connection| {
            let change = connection.transaction()?;
            let Some(stored) = find(&change, &of, &id)? else { return Ok(None) };
            let workflow = Workflow { id, name, note, created_at: time(stored.created_at)? };
            let sealed = seal(&ring, &of, &workflow)?;
            let more = size(&workflow.name, &sealed) - size(&stored.name, &stored.note);
            if !has_room(&change, &of, 0, more)? {
                return Ok(Some((Room::Full, workflow)));
            }
            change.execute(
                "UPDATE workflows SET name = ?2, note = ?3 WHERE id = ?1",
                params![workflow.id, workflow.name, sealed],
            )?;
            change.commit()?;
            Ok(Some((Room::Kept, workflow)))
        })
        .await
    }

    /// Removes the owner's workflow `id`; answers whether there was one.
    pub(crate) async fn remove_workflow(&self, of: &Identity, id: &str) -> Result<bool, StoreError> {
        let (of, id) = (owner(of), id.to_owned());
        self.run(move |connection| {
            let removed = connection.execute(
                "DELETE FROM workflows WHERE id = ?1 AND issuer = ?2 AND tenant = ?3 AND subject = ?4",
                params![id, of.0, of.1, of.2],
            )?;
            Ok(removed == 1)
        })
        .await
    }
}

fn find(connection: &Connection, of: &Identity, id: &str) -> Result<Option<Stored>, StoreError> {
    let (issuer, tenant, subject) = owner(of);
    let mut query = connection.prepare(
        "SELECT id, name, note, created_at FROM workflows
         WHERE id = ?1 AND issuer = ?2 AND tenant = ?3 AND subject = ?4",
    )?;
    Ok(query.query_row(params![id, issuer, tenant, subject], Stored::read).optional()?)
}

/// Whether the owner may keep so many rows more, which are so much larger; what does not grow always has room.
fn has_room(connection: &Connection, of: &Identity, rows: i64, bytes: i64) -> Result<bool, StoreError> {
    if rows <= 0 && bytes <= 0 {
        return Ok(true);
    }
    let (issuer, tenant, subject) = owner(of);
    let (kept_rows, kept_bytes): (i64, i64) = connection.query_row(
        "SELECT count(*), coalesce(sum(octet_length(name) + length(note)), 0) FROM workflows
         WHERE issuer = ?1 AND tenant = ?2 AND subject = ?3",
        params![issuer, tenant, subject],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    // Each by itself: one that keeps more than the bound, from before there was one, still replaces and removes.
    let has_rows = rows <= 0 || kept_rows + rows <= MOST_WORKFLOWS;
    Ok(has_rows && (bytes <= 0 || kept_bytes + bytes <= MOST_BYTES))
}

fn size(name: &str, note: &[u8]) -> i64 {
    i64::try_from(name.len() + note.len()).unwrap_or(i64::MAX)
}

struct Stored {
    id: String,
    name: String,
    note: Vec<u8>,
    created_at: i64,
}

impl Stored {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { id: row.get(0)?, name: row.get(1)?, note: row.get(2)?, created_at: row.get(3)? })
    }

    fn open(self, ring: &KeyRing, of: &Identity) -> Result<Workflow, StoreError> {
        let note =
            ring.open(&context(of, &self.id)?, &self.note).map_err(|_| StoreError::Unreadable("note"))?;
        let note = String::from_utf8(note.into_vec()).map_err(|_| StoreError::Unreadable("note"))?;
        Ok(Workflow { id: self.id, name: self.name, note, created_at: time(self.created_at)? })
    }
}

fn seal(ring: &KeyRing, of: &Identity, workflow: &Workflow) -> Result<Vec<u8>, StoreError> {
    let context = context(of, &workflow.id)?;
    ring.seal(&context, workflow.note.as_bytes()).map_err(|_| StoreError::Unreadable("note"))
}

// The tenant is part of it: a row copied to another customer does not open there.
fn context<'a>(of: &'a Identity, id: &'a str) -> Result<Context<'a>, StoreError> {
    let column = Context::tenant(of.tenant()).table("workflows").column("note");
    column.row(id).map_err(|_| StoreError::Unreadable("note"))
}

// Enough for any use of a reference server, and little enough that one owner can fill neither disk nor memory: a list
// is one answer.
const MOST_WORKFLOWS: i64 = 10_000;
const MOST_BYTES: i64 = 2 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use aetherflow_crypto::{KeyId, Purpose, RingKey, Secret};

    use super::*;

    fn store(folder: &tempfile::TempDir) -> Store {
        let id = KeyId::new(1);
        let ring = KeyRing::new(id, [RingKey::new(id, Purpose::Field, &Secret::new(&[1; 32]))]).unwrap();
        Store::open(&folder.path().join("db"), ring).unwrap()
    }

    fn named(subject: &str) -> Identity {
        Identity::new("https://auth.example", None, subject)
    }

    fn workflow(id: &str, note: &str) -> Workflow {
        Workflow {
            id: id.to_owned(),
            name: "n".to_owned(),
            note: note.to_owned(),
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn a_workflow_is_read_back_by_its_owner_and_absent_for_others() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let (alice, bob) = (named("alice"), named("bob"));
        let kept = workflow("w1", "first\0note");
        assert_eq!(store.add_workflow(&alice, &kept).await.unwrap(), Room::Kept);
        assert_eq!(store.workflow(&alice, "w1").await.unwrap(), Some(kept.clone()));
        assert_eq!(store.workflows(&alice).await.unwrap(), [kept]);
        assert_eq!(store.workflow(&bob, "w1").await.unwrap(), None);
        assert_eq!(store.workflows(&bob).await.unwrap(), []);
        assert!(!store.remove_workflow(&bob, "w1").await.unwrap());
        assert!(store.remove_workflow(&alice, "w1").await.unwrap());
        assert_eq!(store.workflow(&alice, "w1").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_note_moved_to_another_row_does_not_open() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let alice = named("alice");
        store.add_workflow(&alice, &workflow("w1", "one")).await.unwrap();
        store.add_workflow(&alice, &workflow("w2", "two")).await.unwrap();
        store
            .run(|connection| {
                Ok(connection.execute_batch(
                    "UPDATE workflows SET note = (SELECT note FROM workflows WHERE id = 'w1')",
                )?)
            })
            .await
            .unwrap();
        assert_eq!(store.workflow(&alice, "w1").await.unwrap(), Some(workflow("w1", "one")));
        let refused = store.workflow(&alice, "w2").await.unwrap_err();
        assert_eq!(refused.to_string(), "a stored note cannot be read");
    }

    #[tokio::test]
    async fn an_owner_fills_its_own_room_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let (alice, bob) = (named("alice"), named("bob"));
        // With the names of both.
        let sealed = size("nn", &seal(&store.ring(), &alice, &workflow("w2", "")).unwrap());
        store.add_workflow(&alice, &workflow("w1", "")).await.unwrap();
        let grow_to = |bytes: i64| {
            store.run(move |connection| {
                Ok(connection.execute("UPDATE workflows SET note = zeroblob(?1) WHERE id = 'w1'", [bytes])?)
            })
        };
        grow_to(MOST_BYTES - sealed + 1).await.unwrap();
        assert_eq!(store.add_workflow(&alice, &workflow("w2", "")).await.unwrap(), Room::Full);
        assert_eq!(store.add_workflow(&bob, &workflow("w3", "")).await.unwrap(), Room::Kept);
        grow_to(MOST_BYTES - sealed).await.unwrap();
        assert_eq!(store.add_workflow(&alice, &workflow("w2", "")).await.unwrap(), Room::Kept);
        for (change, name, note, want) in [
            ("longer by its note", "n", "x", Room::Full),
            ("longer by its name", "nn", "", Room::Full),
            ("as long", "m", "", Room::Kept),
        ] {
            let replaced = store.replace_workflow(&alice, "w2", name.to_owned(), note.to_owned()).await;
            assert_eq!(replaced.unwrap().unwrap().0, want, "{change}");
        }
        grow_to(MOST_BYTES).await.unwrap();
        let as_long = store.replace_workflow(&alice, "w2", "n".to_owned(), String::new()).await;
        assert_eq!(
            as_long.unwrap().unwrap().0,
            Room::Kept,
            "whoever has too much may still change what it has"
        );
    }

    #[tokio::test]
    async fn an_owner_of_as_many_as_one_may_adds_none_and_replaces_any() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let alice = named("alice");
        store.add_workflow(&alice, &workflow("w1", "")).await.unwrap();
        store
            .run(|connection| {
                let copy = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                            INSERT INTO workflows SELECT 'w' || i, issuer, tenant, subject, '', x'', 0
                            FROM n, workflows";
                Ok(connection.execute(copy, [MOST_WORKFLOWS])?)
            })
            .await
            .unwrap();
        assert_eq!(store.add_workflow(&alice, &workflow("another", "")).await.unwrap(), Room::Full);
        let replaced = store.replace_workflow(&alice, "w1", "longer".to_owned(), "longer".to_owned()).await;
        assert_eq!(replaced.unwrap().unwrap().0, Room::Kept);
    }
}
