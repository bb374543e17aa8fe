//! Equal checks that come at once.

use std::sync::Arc;
use std::time::Duration;

use aetherflow_ratelimit::{Decision, Plan, RedisLimiter};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

use super::server::{Proxy, RedisServer};
use super::{admitted, ask, key, limiter, slow};
use crate::plans::remaining;

/// Starts so many checks; on a runtime of one thread they come in this order.
fn start(limiter: &Arc<RedisLimiter>, plan: &Plan, checks: usize) -> Vec<JoinHandle<Decision>> {
    let one = || {
        let (limiter, plan) = (Arc::clone(limiter), plan.clone());
        tokio::spawn(async move { ask(&limiter, "acme", &plan, 1).await })
    };
    (0..checks).map(|_| one()).collect()
}

/// What came of those that were not dropped.
async fn outcomes(checks: Vec<JoinHandle<Decision>>) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for check in checks {
        let ended = timeout(Duration::from_secs(15), check).await.expect("nobody waits for ever");
        match ended {
            Ok(decision) => decisions.push(decision),
            Err(error) => assert!(error.is_cancelled(), "{error}"),
        }
    }
    decisions
}

/// What is left to each that was admitted.
fn left(decisions: &[Decision]) -> Vec<u32> {
    decisions.iter().filter(|decision| decision.is_allowed()).map(|decision| remaining(decision)[0]).collect()
}

#[tokio::test]
async fn a_hundred_checks_at_once_take_two_round_trips_and_are_served_in_the_order_they_came() {
    let server = RedisServer::start(&[]);
    let (limiter, plan) = (Arc::new(limiter(&server.address())), slow(60));
    let decisions = outcomes(start(&limiter, &plan, 100)).await;
    assert_eq!(left(&decisions), (0..60).rev().collect::<Vec<_>>());
    assert!(decisions[..60].iter().all(Decision::is_allowed));
    assert!(decisions[60..].iter().all(|refused| remaining(refused) == [0, 0]));
    let counts = limiter.counts();
    assert_eq!((counts.round_trips, counts.grouped, counts.fallbacks), (2, 99, 0));
    assert_eq!((server.calls("evalsha"), server.calls("eval")), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_at_once_on_many_threads_are_each_admitted_once() {
    let server = RedisServer::start(&[]);
    let (limiter, plan) = (Arc::new(limiter(&server.address())), slow(700));
    let mut left = left(&outcomes(start(&limiter, &plan, 1_000)).await);
    left.sort_unstable();
    assert_eq!(left, (0..700).collect::<Vec<_>>());
    assert_eq!(limiter.counts().fallbacks, 0);
}

#[tokio::test]
async fn checks_of_another_key_plan_or_cost_do_not_go_together() {
    let server = RedisServer::start(&[]);
    let (limiter, plan, other) = (limiter(&server.address()), slow(9), slow(90));
    let (acme, globex) = (key("acme"), key("globex"));
    let decisions = tokio::join!(
        limiter.check(&acme, &plan, 1),
        limiter.check(&acme, &plan, 2),
        limiter.check(&acme, &other, 1),
        limiter.check(&globex, &plan, 1),
    );
    let all = [decisions.0, decisions.1, decisions.2, decisions.3];
    assert!(all.iter().all(|decision| decision.as_ref().unwrap().is_allowed()));
    assert_eq!((limiter.counts().round_trips, limiter.counts().grouped), (4, 0));
}

#[tokio::test]
async fn whoever_is_dropped_and_whenever_nobody_hangs_and_nothing_is_admitted_twice() {
    let server = RedisServer::start(&[]);
    let plan = slow(10_000);
    let limiter = Arc::new(limiter(&server.address()));
    let (mut most, mut least) = (10_000, 10_000);
    for turns in [0, 1, 2, 3, 5, 9, 17, 33, 65, 129, 257, 513] {
        for dropped in [0..1, 1..2, 0..2, 1..20, 0..19, 0..20] {
            let checks = start(&limiter, &plan, 20);
            for _ in 0..turns {
                yield_now().await;
            }
            checks[dropped.clone()].iter().for_each(JoinHandle::abort);
            let left = left(&outcomes(checks).await);
            let case = format!("{dropped:?} dropped after {turns} turns: {left:?}");
            assert!(left.len() >= 20 - dropped.len(), "{case}");
            assert!(left.is_sorted_by(|earlier, later| earlier > later), "{case}");
            assert!(left.iter().all(|&left| left < most), "{case}");
            least -= 20;
            most = remaining(&limiter.peek(&key("acme"), &plan, 0).await.unwrap())[0];
            assert!(left.iter().all(|&left| left >= most) && most >= least, "{case}; {most} of {least}");
        }
    }
    assert_eq!(limiter.counts().fallbacks, 0);
    assert_eq!(admitted(&limiter, "acme", &plan, most + 1).await, most);
}

#[tokio::test]
async fn a_check_dropped_while_redis_is_silent_passes_its_turn_on() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::start(server.port()).await;
    let (limiter, plan) = (Arc::new(limiter(&proxy.address())), slow(15));
    assert_eq!(admitted(&limiter, "acme", &plan, 1).await, 1);
    for (dropped, rest) in [(0..1, 4), (0..4, 1), (1..5, 1)] {
        proxy.stop();
        let checks = start(&limiter, &plan, 5);
        yield_now().await;
        checks[dropped.clone()].iter().for_each(JoinHandle::abort);
        yield_now().await;
        proxy.resume();
        assert_eq!(left(&outcomes(checks).await).len(), rest, "{dropped:?}");
    }
    assert_eq!((limiter.counts().failures, limiter.counts().fallbacks), (0, 0));
}
