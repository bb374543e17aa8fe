#![doc = include_str!("../README.md")]

mod account;
mod book;
#[cfg(feature = "client")]
pub mod client;
mod counted;
mod counts;
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
#[cfg(feature = "redis")]
mod redis;
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
#[cfg(feature = "redis")]
pub use crate::redis::{Fallback, LimitError, RedisCounts, RedisLimiter};
pub use crate::tick::Tick;
