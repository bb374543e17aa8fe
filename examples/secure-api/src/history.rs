//! Every decision's event: written to the audit log, counted for its caller, noted for its credential.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aetherflow_auth::Identity;
use aetherflow_auth::audit::{Cursor, Event, JsonLines, LogError, LogFolder, Page, Sink};
use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;

use crate::credential::Credential;
use crate::usage::Usage;

/// A credential that was used: whose it is, and its id.
///
/// # Security
///
/// By the id alone one holder would touch another's record: whoever signs tokens chooses their ids.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Used {
    pub(crate) owner: Identity,
    pub(crate) id: String,
}

/// The audit log and what is derived from it.
#[derive(Debug)]
pub(crate) struct History {
    log: JsonLines,
    folder: LogFolder,
    usage: Usage,
    uses: Mutex<HashMap<Used, DateTime<Utc>>>,
    readers: Arc<Semaphore>,
}

impl History {
    /// Opens the log; `on_failure` hears of the write that ends it.
    ///
    /// # Errors
    ///
    /// [`LogError`] when the folder cannot be used, or another process writes to it.
    pub(crate) fn open(
        folder: LogFolder,
        on_failure: impl FnOnce(&LogError) + Send + 'static,
    ) -> Result<Self, LogError> {
        let log = JsonLines::open(folder.clone(), on_failure)?;
        let readers = Arc::new(Semaphore::new(READERS));
        Ok(Self { log, folder, usage: Usage::default(), uses: Mutex::default(), readers })
    }

    /// How each caller was answered lately.
    pub(crate) fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Reads the newest events that are `wanted`, those recorded a moment ago included.
    ///
    /// A page syncs the log and may parse much of it, so that only [`READERS`] do so at once.
    ///
    /// # Errors
    ///
    /// [`LogError::Cursor`] for a cursor that is none, any other when the log cannot be written or read.
    pub(crate) async fn read(
        self: &Arc<Self>,
        after: Option<Cursor>,
        limit: usize,
        wanted: impl FnMut(&Event) -> bool + Send + 'static,
    ) -> Result<Page, LogError> {
        let (history, readers) = (Arc::clone(self), Arc::clone(&self.readers));
        let reader = readers.acquire_owned().await.map_err(|_| LogError::Stopped)?;
        let page = tokio::task::spawn_blocking(move || {
            // Kept to the end of the work, which goes on though its caller hangs up.
            let _reader = reader;
            history.page(after, limit, wanted)
        });
        page.await.map_err(|_| LogError::Stopped)?
    }

    /// The same, at once and on this thread.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    pub(crate) fn page(
        &self,
        after: Option<Cursor>,
        limit: usize,
        wanted: impl FnMut(&Event) -> bool,
    ) -> Result<Page, LogError> {
        self.log.flush().map_err(|_| LogError::Stopped)?;
        self.folder.page(after, limit, wanted)
    }

    /// Waits until every event is on the disk; blocks.
    pub(crate) fn flush(&self) -> bool {
        self.log.flush().is_ok()
    }

    /// Puts the uses that are not yet in the database beside those that are.
    pub(crate) fn fill_last_uses(&self, credentials: &mut [Credential]) {
        let uses = self.uses();
        for credential in credentials {
            let used = Used { owner: credential.owner.clone(), id: credential.id.clone() };
            credential.last_used_at = credential.last_used_at.max(uses.get(&used).copied());
        }
    }

    /// Takes the uses noted since the last time.
    pub(crate) fn take_uses(&self) -> Vec<(Used, DateTime<Utc>)> {
        mem::take(&mut *self.uses()).into_iter().collect()
    }

    fn note_use(&self, used: Used, at: DateTime<Utc>) {
        let mut uses = self.uses();
        if uses.len() < MOST_USES || uses.contains_key(&used) {
            uses.insert(used, at);
        }
    }

    fn uses(&self) -> MutexGuard<'_, HashMap<Used, DateTime<Utc>>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for History {
    fn record(&self, event: Event) {
        if let (Some(identity), Some(status)) = (event.identity(), event.status()) {
            self.usage.count(identity, status, event.time());
            if let Some(id) = event.credential() {
                self.note_use(Used { owner: identity.clone(), id: id.to_owned() }, event.time());
            }
        }
        self.log.record(event);
    }
}

// Until the next writing; beyond it a use is not noted, which a listing shows as an older one.
const MOST_USES: usize = 10_000;
// The database works on the same threads.
const READERS: usize = 2;

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use aetherflow_auth::audit::Action;
    use aetherflow_auth::{CredentialKind, ScopeSet};
    use chrono::TimeDelta;

    use super::*;
    use crate::credential::{Kind, PlanName};

    #[test]
    fn an_event_is_logged_counted_and_noted_and_one_without_a_caller_only_logged() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(LogFolder::new(folder.path()), |_| ()).unwrap();
        let alice = Identity::new("https://auth.example", None, "alice");
        let at = DateTime::UNIX_EPOCH;
        history.record(Event::new(Action::Refused, at).with_status(401));
        let known = Event::new(Action::Allowed, at).with_status(200).with_identity(alice.clone());
        history.record(known.with_credential(CredentialKind::AccessToken, "t1"));
        let page = history.page(None, 10, |_| true).unwrap();
        assert_eq!(page.events().iter().map(Event::status).collect::<Vec<_>>(), [Some(200), Some(401)]);
        assert_eq!(history.usage().last_hour(&alice, at).into_iter().collect::<Vec<_>>(), [(200, 1)]);
        let used = Used { owner: alice, id: "t1".to_owned() };
        assert_eq!(history.take_uses(), [(used, at)]);
        assert_eq!(history.take_uses(), []);
    }

    #[test]
    fn a_use_by_anothers_credential_of_the_same_id_is_none_of_this_one() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(LogFolder::new(folder.path()), |_| ()).unwrap();
        let [alice, bob] = ["alice", "bob"].map(|name| Identity::new("https://auth.example", None, name));
        let (early, late) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + TimeDelta::hours(1));
        for (user, at) in [(&alice, early), (&bob, late)] {
            let event = Event::new(Action::Allowed, at).with_status(200).with_identity(Identity::clone(user));
            history.record(event.with_credential(CredentialKind::AccessToken, "t1"));
        }
        let mut listed = [Credential {
            id: "t1".to_owned(),
            kind: Kind::Token,
            owner: alice,
            scopes: ScopeSet::default(),
            plan: PlanName::Free,
            allowlist: None,
            created_at: early,
            expires_at: late,
            ends_at: late,
            replaced_by: None,
            last_used_at: None,
        }];
        history.fill_last_uses(&mut listed);
        assert_eq!(listed[0].last_used_at, Some(early));
    }

    #[tokio::test]
    async fn only_so_many_read_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let history = Arc::new(History::open(LogFolder::new(folder.path()), |_| ()).unwrap());
        let count = u32::try_from(READERS).unwrap();
        let reading = Arc::clone(&history.readers).acquire_many_owned(count).await.unwrap();
        let mut next = pin!(history.read(None, 10, |_| true));
        assert!(next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(history.readers.available_permits(), 0);
        drop(reading);
        assert_eq!(next.await.unwrap().events().len(), 0);
        assert_eq!(history.readers.available_permits(), READERS);
    }
}
