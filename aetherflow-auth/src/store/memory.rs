//! API-key records held in this process.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{ApiKeyStore, Lookup};
use crate::api_key::{ApiKeyRecord, KeyId};

/// Keeps API-key records in memory and answers at once.
///
/// # Examples
///
/// ```
/// use aetherflow_auth::api_key::MemoryApiKeyStore;
///
/// let store = MemoryApiKeyStore::new();
/// assert_eq!(store.list().len(), 0);
/// ```
#[derive(Debug, Default)]
pub struct MemoryApiKeyStore {
    records: RwLock<HashMap<KeyId, Arc<ApiKeyRecord>>>,
}

impl MemoryApiKeyStore {
    /// Makes an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a record, and gives back the one it replaces.
    pub fn insert(&self, record: ApiKeyRecord) -> Option<Arc<ApiKeyRecord>> {
        self.write().insert(*record.id(), Arc::new(record))
    }

    /// Forgets a record; the next look-up does not find it.
    pub fn remove(&self, id: &KeyId) -> Option<Arc<ApiKeyRecord>> {
        self.write().remove(id)
    }

    /// All records, in the order of their ids.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<ApiKeyRecord>> {
        let mut records: Vec<_> = self.read().values().cloned().collect();
        records.sort_unstable_by_key(|record| *record.id());
        records
    }

    // Each critical section is one call of the map, so a panic elsewhere leaves nothing half done behind a poison.
    fn read(&self) -> RwLockReadGuard<'_, HashMap<KeyId, Arc<ApiKeyRecord>>> {
        self.records.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<KeyId, Arc<ApiKeyRecord>>> {
        self.records.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ApiKeyStore for MemoryApiKeyStore {
    fn find(&self, id: &KeyId) -> Lookup {
        Lookup::Ready(Ok(self.read().get(id).cloned()))
    }
}
