use std::sync::Arc;

use aetherflow_auth::Principal;
use aetherflow_auth::api_key::{ApiKey, ApiKeyError, ApiKeyRecord, ApiKeyStore, Lookup, Peppers, StoreError};
use chrono::{DateTime, Utc};

use crate::rejection::Reason;

/// The API keys a gate accepts: their records, and what verifies a key against one.
#[derive(Clone, Debug)]
pub(super) struct ApiKeys {
    store: Arc<dyn ApiKeyStore>,
    peppers: Arc<Peppers>,
}

impl ApiKeys {
    pub(super) fn new(store: Arc<dyn ApiKeyStore>, peppers: Arc<Peppers>) -> Self {
        Self { store, peppers }
    }

    pub(super) fn peppers(&self) -> &Peppers {
        &self.peppers
    }

    /// Reads a presented key and asks the store for its record.
    pub(super) fn find(&self, presented: &[u8]) -> Result<(ApiKey, Lookup), Reason> {
        let text = str::from_utf8(presented).map_err(|_| Reason::Key(ApiKeyError::Malformed))?;
        let key = self.peppers.read(text).map_err(Reason::Key)?;
        let lookup = self.store.find(key.id());
        Ok((key, lookup))
    }

    /// Verifies a key against what the store answered.
    pub(super) fn verify(
        &self,
        key: &ApiKey,
        found: Result<Option<Arc<ApiKeyRecord>>, StoreError>,
        now: DateTime<Utc>,
    ) -> Result<Arc<Principal>, Reason> {
        let record = found.map_err(|_| Reason::KeyStore)?;
        self.peppers.verify_at(key, record.as_deref(), now).map(Arc::new).map_err(Reason::Key)
    }
}
