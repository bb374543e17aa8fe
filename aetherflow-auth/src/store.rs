//! Where API-key records are kept.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use thiserror::Error;

use crate::api_key::{ApiKeyRecord, KeyId};

pub(crate) mod memory;

/// Finds the record of an API key by its public id.
pub trait ApiKeyStore: fmt::Debug + Send + Sync {
    /// Looks a record up: at once where it is at hand, else by a future that owns all it needs.
    ///
    /// # Security
    ///
    /// A removed key must stay unfound from the moment its removal was answered, caches included.
    fn find(&self, id: &KeyId) -> Lookup;
}

/// A record, none, or why a store could not say.
type Found = Result<Option<Arc<ApiKeyRecord>>, StoreError>;

/// The answer of a store, or the wait for it.
pub enum Lookup {
    /// The answer was at hand.
    Ready(Found),
    /// The store asks elsewhere first.
    Wait(Pin<Box<dyn Future<Output = Found> + Send>>),
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(found) => f.debug_tuple("Ready").field(found).finish(),
            Self::Wait(_) => f.write_str("Wait"),
        }
    }
}

/// Why a store could not say whether a record exists.
///
/// Never to be read as "none": a caller whose key cannot be looked up is neither admitted nor told the key is bad.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum StoreError {
    /// The store is out of reach.
    #[error("the key store is out of reach")]
    Unavailable,
}
