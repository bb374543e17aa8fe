//! Revocation's own files, and those of the limiter's table and of its client's budget, over loom's locks and atomics.
//!
//! Each function runs in every order its threads may meet in. They are no tests here, for the files bring tests of their
//! own, which know nothing of loom.

mod sync {
    pub(crate) use loom::sync::{Mutex, MutexGuard, RwLock, RwLockWriteGuard, atomic};

    /// The same in every run, for loom compares one with the next.
    pub(crate) type DefaultHashBuilder = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;
}

#[path = "../../../aetherflow-ratelimit/src/client/budget.rs"]
mod budget;
pub mod limiter;
pub mod retries;
#[expect(dead_code, reason = "the files hold more than what threads share")]
#[path = "../../../aetherflow-ratelimit/src/pair.rs"]
mod pair;
#[expect(dead_code, reason = "the files hold more than what threads share")]
pub mod revocation;
#[expect(dead_code, reason = "the files hold more than what threads share")]
#[path = "../../../aetherflow-ratelimit/src/state.rs"]
mod state;
#[path = "../../../aetherflow-ratelimit/src/table.rs"]
mod table;
