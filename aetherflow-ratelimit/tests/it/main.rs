//! The limiter from outside: its laws, its bounds, its texts.

#![expect(clippy::unwrap_used, reason = "what a test builds is valid, and a panic is how it says otherwise")]

mod bounds;
mod burst;
#[cfg(feature = "client")]
mod client;
mod configuration;
mod header;
mod laws;
mod model;
mod plans;
#[cfg(feature = "redis")]
mod redis;
mod refunds;
mod replay;
mod strict;
mod threads;
mod time;
