//! What the table is made of: the usual here; in `proofs/atomics`, which includes its files, loom's.

pub(crate) use std::sync::atomic;
pub(crate) use std::sync::{Mutex, MutexGuard};
