//! A Redis that forgets, dies, or falls silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aetherflow_ratelimit::{Decision, Fallback, LimitError, Plan, RedisLimiter};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, interval};

use super::server::{Proxy, RedisServer};
use super::{SECRET, admitted, ask, eventually, key, limiter, slow};
use crate::plans::remaining;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgets_the_script_again_and_again_still_admits_exactly_the_quota() {
    let server = RedisServer::start(&[]);
    let nodes = [(); 3].map(|()| Arc::new(limiter(&server.address())));
    let mut callers = JoinSet::new();
    for node in nodes.iter().flat_map(|node| [(); 4].map(|()| Arc::clone(node))) {
        callers.spawn(async move { admitted(&node, "acme", &slow(900), 100).await });
    }
    let mut sum = 0;
    while !callers.is_empty() {
        assert_eq!(server.ask::<String>("SCRIPT FLUSH"), "OK");
        while let Some(count) = callers.try_join_next() {
            sum += count.unwrap();
        }
        yield_now().await;
    }
    assert_eq!(sum, 900);
    let counts = nodes.map(|node| node.counts());
    assert!(counts.iter().all(|counts| counts.fallbacks == 0 && counts.reloads > 1), "{counts:?}");
}

/// Checks of many keys that go on until they are told to end.
struct Load {
    is_over: Arc<AtomicBool>,
    callers: JoinSet<Vec<Result<Decision, LimitError>>>,
}

impl Load {
    fn start(limiter: &Arc<RedisLimiter>) -> Self {
        let (is_over, mut callers) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
        for caller in 0..4 {
            let (limiter, is_over) = (Arc::clone(limiter), Arc::clone(&is_over));
            callers.spawn(async move { load(&limiter, caller, &is_over).await });
        }
        Self { is_over, callers }
    }

    /// All that was decided.
    async fn end(self) -> Vec<Result<Decision, LimitError>> {
        self.is_over.store(true, Ordering::Relaxed);
        self.callers.join_all().await.concat()
    }
}

async fn load(
    limiter: &RedisLimiter,
    caller: u32,
    is_over: &AtomicBool,
) -> Vec<Result<Decision, LimitError>> {
    let (mut outcomes, mut ticks) = (Vec::new(), interval(Duration::from_millis(1)));
    let plan = slow(100_000);
    for at in 0.. {
        let name = format!("load {caller} {}", at % 100);
        outcomes.push(limiter.check(&key(&name), &plan, 1).await);
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        ticks.tick().await;
    }
    outcomes
}

fn node(address: &str, fallback: Fallback) -> Arc<RedisLimiter> {
    Arc::new(limiter(address).with_fallback(fallback))
}

/// Asks about a key of its own until Redis answers again.
async fn recovers(limiter: &RedisLimiter) {
    eventually("Redis decides again", async || {
        let before = limiter.counts().fallbacks;
        limiter.peek(&key("whether it answers"), &slow(1), 1).await.is_ok()
            && limiter.counts().fallbacks == before
    })
    .await;
}

/// Waits until a check has failed, so that Redis is known to be away.
async fn fails(limiter: &RedisLimiter) {
    eventually("Redis is missed", async || limiter.counts().fallbacks > 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_spent_its_quota_finds_no_fresh_bucket_while_redis_is_away() {
    let mut server = RedisServer::start(&[]);
    let (limiter, plan) = (node(&server.address(), Fallback::Local), slow(5));
    assert_eq!(admitted(&limiter, "spent", &plan, 5).await, 5);
    assert_eq!(admitted(&limiter, "half spent", &plan, 3).await, 3);
    let load = Load::start(&limiter);
    server.kill();
    fails(&limiter).await;
    for (name, want) in [("spent", 0), ("half spent", 2), ("fresh", 5)] {
        assert_eq!(admitted(&limiter, name, &plan, 9).await, want, "{name}");
    }
    server.restart();
    recovers(&limiter).await;
    let outcomes = load.end().await;
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().unwrap().is_allowed()));
    // What the server lost is lost: it is Redis that decides.
    assert_eq!(remaining(&ask(&limiter, "spent", &plan, 1).await), [4, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_limiter_admits_everything_while_redis_is_away() {
    let mut server = RedisServer::start(&[]);
    let (limiter, plan) = (node(&server.address(), Fallback::Open), slow(5));
    assert_eq!(admitted(&limiter, "spent", &plan, 5).await, 5);
    let load = Load::start(&limiter);
    server.kill();
    fails(&limiter).await;
    let through = ask(&limiter, "spent", &plan, 1).await;
    assert_eq!((through.is_allowed(), remaining(&through)), (true, vec![0, 0]));
    for name in ["spent", "fresh"] {
        assert_eq!(admitted(&limiter, name, &plan, 9).await, 9, "{name}");
    }
    server.restart();
    recovers(&limiter).await;
    assert!(load.end().await.iter().all(|outcome| outcome.as_ref().unwrap().is_allowed()));
    assert_eq!(admitted(&limiter, "spent", &plan, 9).await, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_limiter_admits_nothing_while_redis_is_away() {
    let mut server = RedisServer::start(&[]);
    let (limiter, plan) = (node(&server.address(), Fallback::Closed), slow(5));
    assert_eq!(admitted(&limiter, "half spent", &plan, 3).await, 3);
    let load = Load::start(&limiter);
    server.kill();
    fails(&limiter).await;
    for name in ["half spent", "fresh"] {
        for _ in 0..9 {
            let asked = limiter.check(&key(name), &plan, 1).await;
            assert_eq!(asked.map(|decision| decision.is_allowed()), Err(LimitError::Unavailable), "{name}");
        }
    }
    server.restart();
    recovers(&limiter).await;
    let mut refused = load.end().await;
    refused.retain(|outcome| !outcome.as_ref().is_ok_and(Decision::is_allowed));
    assert!(!refused.is_empty());
    assert!(refused.iter().all(|outcome| outcome.as_ref().err() == Some(&LimitError::Unavailable)));
    assert_eq!(admitted(&limiter, "half spent", &plan, 9).await, 5);
}

const DEADLINE: Duration = Duration::from_millis(100);
/// While Redis is away, one check in so long tries it.
const PAUSE: Duration = Duration::from_millis(100);
/// What a busy machine may add to the deadline; far less than a connection's own patience.
const SLACK: Duration = Duration::from_millis(700);

async fn behind(proxy: &Proxy, plan: &Plan) -> RedisLimiter {
    let limiter = RedisLimiter::new(&proxy.address(), "test", SECRET).unwrap().with_deadline(DEADLINE);
    eventually("the first is decided by Redis", async || {
        limiter.peek(&key("acme"), plan, 1).await.is_ok() && limiter.counts().round_trips > 0
    })
    .await;
    limiter
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_redis_costs_one_check_its_deadline_and_the_rest_no_time() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::start(server.port()).await;
    let plan = slow(100_000);
    let limiter = behind(&proxy, &plan).await;
    proxy.stop();
    let (before, started) = (limiter.counts(), Instant::now());
    assert!(ask(&limiter, "acme", &plan, 1).await.is_allowed());
    let waited = started.elapsed();
    assert!(waited >= DEADLINE && waited < DEADLINE + SLACK, "{waited:?}");
    for at in 0..2_000 {
        let asked = Instant::now();
        assert!(ask(&limiter, &format!("key {at}"), &plan, 1).await.is_allowed());
        assert!(asked.elapsed() < DEADLINE + SLACK, "{:?}", asked.elapsed());
    }
    let counts = limiter.counts();
    let tries = u32::try_from(counts.failures - before.failures).unwrap();
    assert!(PAUSE * (tries - 1) <= started.elapsed(), "{tries} in {:?}", started.elapsed());
    assert_eq!(counts.fallbacks - before.fallbacks, 2_001);
    proxy.resume();
    recovers(&limiter).await;
    assert_eq!(admitted(&limiter, "after", &slow(3), 5).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_checks_of_one_key_at_once_wait_for_a_silent_redis_together() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::start(server.port()).await;
    let plan = slow(60);
    let limiter = Arc::new(behind(&proxy, &plan).await);
    proxy.stop();
    let (before, started) = (limiter.counts(), Instant::now());
    let mut checks = JoinSet::new();
    for _ in 0..100 {
        let (limiter, plan) = (Arc::clone(&limiter), plan.clone());
        checks.spawn(async move { ask(&limiter, "acme", &plan, 1).await.is_allowed() });
    }
    let admitted = checks.join_all().await.into_iter().filter(|&is_allowed| is_allowed).count();
    assert!(started.elapsed() < DEADLINE + SLACK, "{:?}", started.elapsed());
    assert_eq!((admitted, limiter.counts().fallbacks - before.fallbacks), (60, 100));
    proxy.resume();
    recovers(&limiter).await;
}
