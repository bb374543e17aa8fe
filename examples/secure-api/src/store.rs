//! What outlives the process: workflows, credentials and revocations, in one SQLite file.
//!
//! SQLite blocks, so every statement runs on a thread made for that, one at a time: the file has one writer anyway.
//! Commits are synced to the disk, since a revocation forgotten at a power cut would bring its credential back.

pub(crate) mod credentials;
mod schema;
pub(crate) mod workflows;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use aetherflow_auth::Identity;
use aetherflow_crypto::KeyRing;
use aetherflow_tower::rejection::Problem;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction};
use thiserror::Error;

use crate::data;
use crate::operator;

/// The database, and the key ring that seals columns of it.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    connection: Arc<Mutex<Connection>>,
    ring: Arc<KeyRing>,
}

impl Store {
    /// Opens the file, making it or bringing it up to date.
    ///
    /// # Errors
    ///
    /// [`StoreError::File`] when it cannot be made, [`StoreError::Database`] when it is no database of this program,
    /// or the disk is full.
    pub(crate) fn open(path: &Path, ring: KeyRing) -> Result<Self, StoreError> {
        // Made here first: SQLite would make it readable as far as the umask allows.
        data::private().create(true).truncate(false).open(path)?;
        let mut connection = Connection::open(path)?;
        schema::prepare(&mut connection)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), ring: Arc::new(ring) })
    }

    /// Runs `work` with the database, off the threads that serve requests.
    ///
    /// # Errors
    ///
    /// What `work` says, and [`StoreError::Stopped`] when the process is going down.
    pub(crate) async fn run<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let store = self.clone();
        tokio::task::spawn_blocking(move || store.now(work)).await.map_err(|_| StoreError::Stopped)?
    }

    /// Reads with `work`, and makes of it what `then` makes while others have the database.
    ///
    /// # Errors
    ///
    /// What either says, and [`StoreError::Stopped`] as for [`run`](Self::run).
    pub(crate) async fn read<R, T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<R, StoreError> + Send + 'static,
        then: impl FnOnce(R) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
    {
        let store = self.clone();
        let read = tokio::task::spawn_blocking(move || then(store.now(|connection| work(connection))?));
        read.await.map_err(|_| StoreError::Stopped)?
    }

    /// Makes one change of the database, and runs `kept` with it once it is on the disk.
    ///
    /// A caller that no longer waits stops neither. Nobody else has the database in between, so whoever finds the
    /// change there finds what `kept` did as well.
    ///
    /// # Errors
    ///
    /// What `work` says, after which nothing has changed; [`StoreError::Database`] when the disk refuses;
    /// [`StoreError::Stopped`] as for [`run`](Self::run).
    pub(crate) async fn change<T, E>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
        kept: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let changed = self.run(move |connection| {
            let change = connection.transaction()?;
            let made = match work(&change) {
                Ok(made) => made,
                Err(refused) => return Ok(Err(refused)),
            };
            change.commit()?;
            kept(&made);
            Ok(Ok(made))
        });
        changed.await?
    }

    /// Runs `work` with the database on this thread, for the start of the server.
    ///
    /// # Errors
    ///
    /// What `work` says.
    pub(crate) fn now<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // Every change is one transaction, so a panic between two leaves nothing half done.
        work(&mut self.connection.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring)
    }
}

/// Why the database did not do what it was asked.
#[derive(Debug, Error)]
pub(crate) enum StoreError {
    /// The file cannot be made.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// SQLite refused.
    #[error("{0}")]
    Database(#[from] rusqlite::Error),
    /// A later version of this program made the file.
    #[error("the database is of version {0}, which this program does not know")]
    Version(i64),
    /// A stored value is not of its form, or does not open.
    #[error("a stored {0} cannot be read")]
    Unreadable(&'static str),
    /// The process is going down.
    #[error("the server is stopping")]
    Stopped,
}

impl From<StoreError> for Problem {
    /// Tells the operator; the client learns only that it is not its fault.
    fn from(error: StoreError) -> Self {
        operator::tell(format_args!("the database failed: {error}"));
        Self::TEMPORARILY_UNAVAILABLE
    }
}

impl IntoResponse for StoreError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

/// Milliseconds since 1970, the form of every stored time.
fn stamp(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis()
}

fn time(stamp: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_millis(stamp).ok_or(StoreError::Unreadable("time"))
}

/// The owner's three columns: a subject without a tenant is its own.
fn owner(identity: &Identity) -> (String, String, String) {
    (identity.issuer().to_owned(), identity.tenant().to_owned(), identity.subject().to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::TryLockError;

    use aetherflow_crypto::{KeyId, Purpose, RingKey, Secret};

    use super::*;

    #[tokio::test]
    async fn what_is_kept_is_told_before_anyone_else_has_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let id = KeyId::new(1);
        let ring = KeyRing::new(id, [RingKey::new(id, Purpose::Field, &Secret::new(&[1; 32]))]).unwrap();
        let store = Store::open(&folder.path().join("db"), ring).unwrap();
        let (tell, mut told) = tokio::sync::oneshot::channel();
        let other = store.clone();
        let changed: Result<u8, StoreError> = store
            .change(
                |_| Ok(7),
                move |made| {
                    let is_held = matches!(other.connection.try_lock(), Err(TryLockError::WouldBlock));
                    tell.send((*made, is_held)).unwrap();
                },
            )
            .await;
        assert_eq!(changed.unwrap(), 7);
        assert_eq!(told.try_recv(), Ok((7, true)));
        let (tell, mut told) = tokio::sync::oneshot::channel::<()>();
        let refused: Result<u8, StoreError> =
            store.change(|_| Err(StoreError::Stopped), move |_| tell.send(()).unwrap()).await;
        assert_eq!(refused.unwrap_err().to_string(), "the server is stopping");
        assert!(told.try_recv().is_err(), "what was refused is not told");
    }
}
