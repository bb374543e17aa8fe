//! Requests that nodes buy in advance.

use std::time::Duration;

use aetherflow_ratelimit::{Plan, RedisLimiter, Window};
use tokio::time::Instant;

use super::server::RedisServer;
use super::{admitted, ask, eventually, key, limiter, slow};
use crate::plans::remaining;

fn node(server: &RedisServer) -> RedisLimiter {
    limiter(&server.address()).with_leases(10)
}

/// What Redis says is left of the first window.
async fn left(node: &RedisLimiter, plan: &Plan) -> u32 {
    remaining(&node.peek(&key("acme"), plan, 0).await.unwrap())[0]
}

/// How many requests are served before one is refused.
async fn burst(nodes: &[&RedisLimiter], plan: &Plan) -> u32 {
    let mut served = 0;
    for node in nodes {
        while ask(node, "acme", plan, 1).await.is_allowed() {
            served += 1;
        }
    }
    served
}

#[tokio::test]
async fn a_busy_key_is_served_from_what_its_node_bought_without_asking() {
    let server = RedisServer::start(&[]);
    let (node, plan) = (node(&server), slow(100));
    let mut done = 0;
    for (request, trips, leased, charged) in [
        (1, 1, 0, 1),
        (2, 2, 0, 3),
        (3, 2, 1, 3),
        (4, 3, 1, 7),
        (7, 3, 4, 7),
        (8, 4, 4, 15),
        (15, 4, 11, 15),
        (16, 5, 11, 25),
        (25, 5, 20, 25),
        (26, 6, 20, 35),
    ] {
        let before = (node.counts(), server.calls("evalsha"));
        for next in done + 1..=request {
            assert_eq!(remaining(&ask(&node, "acme", &plan, 1).await), [100 - next; 2]);
        }
        done = request;
        let counts = node.counts();
        assert_eq!((counts.round_trips, counts.leased), (trips, leased), "request {request}");
        assert_eq!(server.calls("evalsha") - before.1, trips - before.0.round_trips, "request {request}");
        let other = limiter(&server.address());
        assert_eq!(left(&other, &plan).await, 100 - charged, "request {request}");
    }
}

#[tokio::test]
async fn two_nodes_serve_no_more_than_the_quota_and_strand_no_more_than_their_part() {
    let server = RedisServer::start(&[]);
    let plan = slow(1_000);
    for gone in [1, 2, 4, 8, 16, 30, 61, 200] {
        let (leaving, staying) = (node(&server), node(&server));
        let served = admitted(&leaving, "acme", &plan, gone).await;
        drop(leaving);
        let rest = burst(&[&staying], &plan).await;
        assert!((900..=1_000).contains(&(served + rest)), "{served} and {rest} served");
        assert!(staying.counts().leased > u64::from(rest / 2), "{:?}", staying.counts());
        let _: String = server.ask("FLUSHALL");
    }
}

#[tokio::test]
async fn two_nodes_that_both_stay_serve_the_quota_to_the_last_request() {
    let server = RedisServer::start(&[]);
    let (plan, nodes) = (slow(1_000), [node(&server), node(&server)]);
    let mut served = 0;
    for _ in 0..400 {
        served += admitted(&nodes[0], "acme", &plan, 2).await + admitted(&nodes[1], "acme", &plan, 1).await;
    }
    assert_eq!(served, 1_000);
    assert!(nodes.iter().all(|node| node.counts().leased > 100));
}

/// Asks until the node holds at least so many.
async fn hold(node: &RedisLimiter, plan: &Plan, least: u32) {
    eventually("a node that is asked often buys in advance", async || {
        let said = remaining(&ask(node, "acme", plan, 1).await)[0];
        said >= left(node, plan).await + least
    })
    .await;
}

#[tokio::test]
async fn what_is_held_decays_while_the_bucket_refills() {
    let server = RedisServer::start(&[]);
    let nodes = [node(&server), node(&server)];
    let period = Duration::from_secs(6);
    let plan = Plan::new("plan", [Window::new("window", 200, period).unwrap()]).unwrap();
    hold(&nodes[0], &plan, 14).await;
    let leased = nodes[0].counts().leased;
    eventually("the bucket is full", async || left(&nodes[1], &plan).await == 200).await;
    let started = Instant::now();
    let served = burst(&[&nodes[0], &nodes[1]], &plan).await;
    let refilled = started.elapsed().as_micros() * 200 / period.as_micros();
    assert!(u128::from(served) <= 200 + refilled, "{served} of 200 and {refilled}");
    assert!(served >= 180, "{served}");
    assert!(nodes[0].counts().leased > leased, "the burst was served from leases too");
}

#[tokio::test]
async fn a_lease_that_has_decayed_serves_nobody() {
    let server = RedisServer::start(&[]);
    let node = node(&server);
    let plan = Plan::new("plan", [Window::new("window", 200, Duration::from_secs(6)).unwrap()]).unwrap();
    hold(&node, &plan, 10).await;
    eventually("the bucket is full", async || left(&node, &plan).await == 200).await;
    let before = node.counts();
    assert!(ask(&node, "acme", &plan, 1).await.is_allowed());
    let after = node.counts();
    assert_eq!((after.leased, after.round_trips), (before.leased, before.round_trips + 1));
}

/// When a request was asked for and when it was served, by the test's clock.
type Served = (Instant, Instant);

async fn served_until(end: Instant, node: RedisLimiter, plan: &Plan, pause: Duration) -> Vec<Served> {
    let (mut served, mut ticks) = (Vec::new(), tokio::time::interval(pause));
    while Instant::now() < end {
        // Ten at once, then nothing for a while, so that leases are bought and left to decay.
        for _ in 0..10 {
            let asked = Instant::now();
            if ask(&node, "acme", plan, 1).await.is_allowed() {
                served.push((asked, Instant::now()));
            }
        }
        ticks.tick().await;
    }
    assert!(node.counts().leased > 0);
    served
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_time_span_serves_more_than_the_envelope() {
    let server = RedisServer::start(&[]);
    let period = Duration::from_millis(1_500);
    let plan = Plan::new("plan", [Window::new("window", 150, period).unwrap()]).unwrap();
    let end = Instant::now() + Duration::from_secs(5);
    let pauses = [110, 170].map(Duration::from_millis);
    let [one, other] = pauses.map(|pause| {
        let (node, plan) = (node(&server), plan.clone());
        tokio::spawn(async move { served_until(end, node, &plan, pause).await })
    });
    let all = [one.await.unwrap(), other.await.unwrap()].concat();
    for &(from, _) in &all {
        let mut ends: Vec<Instant> =
            all.iter().filter(|(asked, _)| *asked >= from).map(|(_, served)| *served).collect();
        ends.sort_unstable();
        for (served, end) in (1..).zip(ends) {
            let most = 150 * (period + (end - from)).as_nanos();
            assert!(served * period.as_nanos() <= most, "{served} in {:?}", end - from);
        }
    }
}
