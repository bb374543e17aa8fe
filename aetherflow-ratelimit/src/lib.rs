#![doc = include_str!("../README.md")]

mod account;
mod book;
mod counted;
mod counts;
#[cfg(feature = "client")]
pub mod client;
mod decision;
mod error;
mod exact;
pub mod fields;
mod fingerprint;
mod gcra;
mod key;
mod limiter;
mod name;
mod pair;
mod permit;
mod plan;
mod shard;
mod state;
mod strict;
mod sync;
mod table;
mod tables;
mod tick;

pub use crate::counts::Counts;
pub use crate::decision::{Decision, Standing};
pub use crate::error::ConfigError;
pub use crate::key::Key;
pub use crate::limiter::Limiter;
pub use crate::permit::Permit;
pub use crate::plan::{Plan, Window};
pub use crate::tick::Tick;
