#![doc = include_str!("../README.md")]

mod account;
mod decision;
mod error;
mod exact;
pub mod fields;
mod gcra;
mod key;
mod limiter;
mod name;
mod pair;
mod plan;
mod shard;
mod state;
mod sync;
mod table;
mod tables;
mod tick;

pub use crate::decision::{Decision, Standing};
pub use crate::error::ConfigError;
pub use crate::key::Key;
pub use crate::limiter::Limiter;
pub use crate::plan::{Plan, Window};
pub use crate::tick::Tick;
