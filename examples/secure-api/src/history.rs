//! Every decision's event: written to the audit log, counted for its caller, noted for its credential.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aetherflow_auth::audit::{Cursor, Event, JsonLines, LogError, LogFolder, Page, Sink};
use chrono::{DateTime, Utc};

use crate::credential::Credential;
use crate::usage::Usage;

/// The audit log and what is derived from it.
#[derive(Debug)]
pub(crate) struct History {
    log: JsonLines,
    folder: LogFolder,
    usage: Usage,
    uses: Mutex<HashMap<String, DateTime<Utc>>>,
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
        Ok(Self { log, folder, usage: Usage::default(), uses: Mutex::default() })
    }

    /// How each caller was answered lately.
    pub(crate) fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Reads the newest events that are `wanted`, those recorded a moment ago included; blocks.
    ///
    /// # Errors
    ///
    /// [`LogError::Cursor`] for a cursor that is none, any other when the log cannot be written or read.
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
            credential.last_used_at = credential.last_used_at.max(uses.get(&credential.id).copied());
        }
    }

    /// Takes the uses noted since the last time.
    pub(crate) fn take_uses(&self) -> Vec<(String, DateTime<Utc>)> {
        mem::take(&mut *self.uses()).into_iter().collect()
    }

    fn note_use(&self, credential: &str, at: DateTime<Utc>) {
        let mut uses = self.uses();
        if let Some(last) = uses.get_mut(credential) {
            *last = at;
        } else if uses.len() < MOST_USES {
            uses.insert(credential.to_owned(), at);
        }
    }

    fn uses(&self) -> MutexGuard<'_, HashMap<String, DateTime<Utc>>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for History {
    fn record(&self, event: Event) {
        if let (Some(identity), Some(status)) = (event.identity(), event.status()) {
            self.usage.count(identity, status, event.time());
            if let Some(credential) = event.credential() {
                self.note_use(credential, event.time());
            }
        }
        self.log.record(event);
    }
}

// Until the next writing; beyond it a use is not noted, which a listing shows as an older one.
const MOST_USES: usize = 10_000;

#[cfg(test)]
mod tests {
    use aetherflow_auth::audit::Action;
    use aetherflow_auth::{CredentialKind, Identity};

    use super::*;

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
        assert_eq!(history.take_uses(), [("t1".to_owned(), at)]);
        assert_eq!(history.take_uses(), []);
    }
}
