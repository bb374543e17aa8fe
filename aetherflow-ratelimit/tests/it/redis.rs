//! The limiter that nodes share, on real servers.

mod cluster;
mod decisions;
mod denials;
mod failures;
mod flights;
mod laws;
mod leases;
mod processes;
mod server;

use std::time::Duration;

use aetherflow_ratelimit::{Decision, Key, Plan, RedisLimiter, Window};
use tokio::time::{interval, timeout};

use self::server::RedisServer;

const SECRET: &[u8] = b"the secret that all nodes share.";

/// A limiter that waits long for its answers, so that a busy machine changes no outcome.
fn limiter(address: &str) -> RedisLimiter {
    RedisLimiter::new(address, "test", SECRET).unwrap().with_deadline(Duration::from_secs(20))
}

fn key(name: &str) -> Key<'_> {
    Key::tenant("https://auth.example", name)
}

/// So slow that nothing refills while a test runs.
fn slow(limit: u32) -> Plan {
    let window = |name, days: u64| Window::new(name, limit, Duration::from_secs(days * 86_400)).unwrap();
    Plan::new("slow", [window("month", 30), window("year", 365)]).unwrap()
}

async fn ask(limiter: &RedisLimiter, name: &str, plan: &Plan, cost: u32) -> Decision {
    limiter.check(&key(name), plan, cost).await.unwrap()
}

/// How many of so many requests of cost 1 are admitted, one after the other.
async fn admitted(limiter: &RedisLimiter, name: &str, plan: &Plan, requests: u32) -> u32 {
    let mut admitted = 0;
    for _ in 0..requests {
        admitted += u32::from(ask(limiter, name, plan, 1).await.is_allowed());
    }
    admitted
}

/// Asks again until it is so.
async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let mut ticks = interval(Duration::from_millis(2));
    let waiting = async {
        while !is_so().await {
            ticks.tick().await;
        }
    };
    timeout(Duration::from_secs(30), waiting).await.expect(what);
}

/// The one key the server holds.
fn only_key(server: &RedisServer) -> String {
    let keys: Vec<String> = server.ask("KEYS *");
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys.into_iter().next().unwrap()
}
