//! How the benchmarks measure: interleaved rounds, medians, and every heap allocation counted.

mod allocation;
mod rounds;
mod server;
pub mod token;

pub use allocation::{Counting, allocations, held};
pub use rounds::{Contest, Measured, ratio};
pub use server::RedisServer;
