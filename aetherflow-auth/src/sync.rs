//! What the tables and atomics of revocation are made of: the usual here; in `proofs/atomics`, which includes their files,
//! loom's locks and a hash that is the same in every run.

#[cfg(feature = "redis")]
pub(crate) use std::sync::{Mutex, MutexGuard};
pub(crate) use std::sync::{RwLock, RwLockWriteGuard, atomic};

pub(crate) use hashbrown::DefaultHashBuilder;
