//! Refusals that are repeated from memory.

use std::time::Duration;

use aetherflow_ratelimit::{Plan, Window};
use tokio::time::Instant;

use super::server::RedisServer;
use super::{ask, eventually, limiter, slow};
use crate::plans::remaining;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_refusal_is_repeated_without_asking_while_its_wait_runs_down() {
    let server = RedisServer::start(&[]);
    let (limiter, plan) = (limiter(&server.address()), slow(1));
    assert!(ask(&limiter, "acme", &plan, 1).await.is_allowed());
    let mut wait = ask(&limiter, "acme", &plan, 1).await.retry_after().unwrap();
    let (calls, started, first) = (server.calls("evalsha"), Instant::now(), wait);
    for _ in 0..200 {
        let again = ask(&limiter, "acme", &plan, 1).await;
        let shorter = again.retry_after().unwrap();
        assert!(!again.is_allowed() && shorter <= wait, "{shorter:?} after {wait:?}");
        assert_eq!(remaining(&again), [0, 0]);
        wait = shorter;
    }
    assert!(wait < first && first - wait <= started.elapsed() + SECOND, "{first:?} to {wait:?}");
    assert_eq!(server.calls("evalsha"), calls);
    assert_eq!((limiter.counts().round_trips, limiter.counts().repeated_denials), (2, 200));
}

#[tokio::test]
async fn nobody_is_refused_after_the_wait_is_over() {
    let server = RedisServer::start(&[]);
    let plan = Plan::new("plan", [Window::new("second", 1, SECOND).unwrap()]).unwrap();
    let limiter = limiter(&server.address());
    assert!(ask(&limiter, "acme", &plan, 1).await.is_allowed());
    let refused = ask(&limiter, "acme", &plan, 1).await;
    let end = Instant::now() + refused.retry_after().unwrap();
    eventually("the wait ends", async || {
        let asked = Instant::now();
        let is_allowed = ask(&limiter, "acme", &plan, 1).await.is_allowed();
        assert!(is_allowed || asked < end, "refused {:?} after the end", asked - end);
        assert!(!is_allowed || Instant::now() > end - SECOND / 2, "admitted long before the end");
        is_allowed
    })
    .await;
    let counts = limiter.counts();
    assert!(counts.repeated_denials > 10 && counts.round_trips < 20, "{counts:?}");
}

#[tokio::test]
async fn refusals_of_another_key_plan_or_cost_are_their_own() {
    let server = RedisServer::start(&[]);
    let (limiter, plan, larger) = (limiter(&server.address()), slow(5), slow(50));
    assert!(ask(&limiter, "acme", &plan, 3).await.is_allowed());
    for (case, name, plan, cost, is_allowed, calls) in [
        ("too much", "acme", &plan, 3, false, 1),
        ("again", "acme", &plan, 3, false, 0),
        ("another key", "globex", &plan, 3, true, 1),
        ("another plan", "acme", &larger, 3, true, 1),
        ("another cost", "acme", &plan, 1, true, 1),
        ("more than is left", "acme", &plan, 2, false, 1),
        ("both refusals", "acme", &plan, 3, false, 0),
        ("both refusals", "acme", &plan, 2, false, 0),
    ] {
        let before = server.calls("evalsha");
        assert_eq!(ask(&limiter, name, plan, cost).await.is_allowed(), is_allowed, "{case}");
        assert_eq!(server.calls("evalsha") - before, calls, "{case}");
    }
}
