//! Calls a second of the limiter that nodes share: beside the same two windows in two keys, and beside no work at all.
//!
//! A redis-server on loopback, one multiplexed connection each, 64 calls in flight on one thread. Every call is for the
//! next of 10,000 subjects, so that no two are decided together, and is admitted.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aetherflow_benches::{Contest, Counting, RedisServer, ratio};
use aetherflow_ratelimit::{Key, Plan, RedisLimiter};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, Script};
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let server = match RedisServer::start() {
        Ok(server) => server,
        Err(error) => {
            eprintln!("this benchmark starts redis-server (Debian: apt-get install redis-server): {error}");
            return ExitCode::FAILURE;
        }
    };
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let wire = runtime.block_on(connected(&server));
    let subjects: Arc<Subjects> = Arc::default();
    let exact = Arc::new(Ours::new(limiter(&server, "exact"), &subjects));
    let leased = Arc::new(Ours::new(limiter(&server, "leased").with_leases(10), &subjects));
    let two_keys = Arc::new(runtime.block_on(Peer::new(&wire, TWO_KEYS, &subjects)));
    let empty = Arc::new(runtime.block_on(Peer::new(&wire, EMPTY, &subjects)));
    in_flight(&runtime, || Arc::clone(&leased).warm_up());

    let mut contest = Contest::new();
    contest.add_batch("ours, exact", CALLS, || in_flight(&runtime, || Arc::clone(&exact).work(CALLS)));
    contest.add_batch("two keys", CALLS, || in_flight(&runtime, || Arc::clone(&two_keys).two_keys()));
    contest.add_batch("empty script", CALLS, || in_flight(&runtime, || Arc::clone(&empty).nothing()));
    contest.add_batch("ours, leased", LEASED_CALLS, || {
        in_flight(&runtime, || Arc::clone(&leased).work(LEASED_CALLS))
    });
    let a_second: Vec<f64> = contest.measure().iter().map(|one| 1e9 / one.median).collect();
    let [exact_rate, two_keys_rate, empty_rate, leased_rate] = a_second[..] else {
        unreachable!("four entries")
    };
    exact.tell("exact");
    assert_eq!(exact.limiter.counts().grouped, 0);
    leased.tell("leased");
    println!("{}", runtime.block_on(times(wire)));
    ratio("redis exact vs two-key script", exact_rate, "two keys, redis 7.0", two_keys_rate);
    ratio("redis exact vs empty script", exact_rate, "empty script", empty_rate);
    ratio("redis leased vs exact", leased_rate, "ours, exact", exact_rate);
    ExitCode::SUCCESS
}

/// Lets `IN_FLIGHT` workers do their share of the calls.
fn in_flight<W: Future<Output = ()> + Send + 'static>(runtime: &Runtime, worker: impl Fn() -> W) {
    runtime.block_on(async {
        let workers: Vec<_> = (0..IN_FLIGHT).map(|_| tokio::spawn(worker())).collect();
        for worker in workers {
            worker.await.expect("every call is answered, and admitted");
        }
    });
}

struct Ours {
    limiter: RedisLimiter,
    plan: Plan,
    subjects: Arc<Subjects>,
    turn: AtomicUsize,
}

impl Ours {
    fn new(limiter: RedisLimiter, subjects: &Arc<Subjects>) -> Self {
        Self { limiter, plan: Plan::enterprise(), subjects: Arc::clone(subjects), turn: AtomicUsize::new(0) }
    }

    async fn work(self: Arc<Self>, calls: u64) {
        for _ in 0..calls / IN_FLIGHT {
            let subject = self.subjects.at(self.turn.fetch_add(1, Ordering::Relaxed));
            self.check(subject).await;
        }
    }

    async fn check(&self, subject: &str) {
        let key = Key::identity(ISSUER, TENANT, subject);
        let decision = self.limiter.check(&key, &self.plan, 1).await.expect("an answer");
        assert!(decision.is_allowed());
    }

    /// Lets every subject come so fast for a while that it is worth buying a tenth of its minute at once.
    ///
    /// A lease grows only while its key comes faster than its quota refills: here above 17 a second. All 10,000 subjects in
    /// rotation do so only once most calls need no round trip. Some come more often than others, so that their leases do not all run out in the same turn.
    async fn warm_up(self: Arc<Self>) {
        while let Some((n, subject)) = self.subjects.next(&self.turn) {
            for _ in 0..128 + n % 100 {
                self.check(subject).await;
            }
        }
    }

    /// Prints what the limiter did, and asserts that Redis decided or sold all of it.
    fn tell(&self, name: &str) {
        let counts = self.limiter.counts();
        println!("{name}: {counts:?}");
        assert_eq!([counts.failures, counts.fallbacks, counts.repeated_denials], [0; 3]);
    }
}

/// Calls of one script on a connection of the crate `redis`, as its documentation shows them, without a deadline.
struct Peer {
    wire: MultiplexedConnection,
    hash: String,
    quota: [u64; 4],
    subjects: Arc<Subjects>,
    turn: AtomicUsize,
}

impl Peer {
    async fn new(wire: &MultiplexedConnection, text: &str, subjects: &Arc<Subjects>) -> Self {
        let mut wire = wire.clone();
        let hash = Script::new(text).prepare_invoke().load_async(&mut wire).await.expect("a script");
        // Of the plan enterprise, in microseconds: a request's charge and the bucket, by the minute and by the hour.
        let quota = [60_000, 60_000_000, 72_000, 3_600_000_000];
        Self { wire, hash, quota, subjects: Arc::clone(subjects), turn: AtomicUsize::new(0) }
    }

    async fn two_keys(self: Arc<Self>) {
        let mut wire = self.wire.clone();
        for _ in 0..CALLS / IN_FLIGHT {
            let subject = self.subjects.at(self.turn.fetch_add(1, Ordering::Relaxed));
            let mut command = Cmd::new();
            command.arg("EVALSHA").arg(&self.hash).arg(2);
            command
                .arg(format!("rl:{{{subject}}}:minute"))
                .arg(format!("rl:{{{subject}}}:hour"))
                .arg(&self.quota);
            let [admitted, _, _]: [i64; 3] = command.query_async(&mut wire).await.expect("an answer");
            assert_eq!(admitted, 1);
        }
    }

    async fn nothing(self: Arc<Self>) {
        let mut wire = self.wire.clone();
        let mut command = Cmd::new();
        command.arg("EVALSHA").arg(&self.hash).arg(0);
        for _ in 0..CALLS / IN_FLIGHT {
            command.query_async::<()>(&mut wire).await.expect("an answer");
        }
    }
}

struct Subjects(Vec<String>);

impl Subjects {
    fn at(&self, turn: usize) -> &str {
        &self.0[turn % self.0.len()]
    }

    /// The next of one turn, with its number.
    fn next(&self, turn: &AtomicUsize) -> Option<(usize, &String)> {
        let n = turn.fetch_add(1, Ordering::Relaxed);
        self.0.get(n).map(|subject| (n, subject))
    }
}

impl Default for Subjects {
    fn default() -> Self {
        Self((0..10_000).map(|n| format!("user_{n:019}")).collect())
    }
}

/// With the fallback and all else as shipped, but a deadline so long that a busy machine does not change what is measured.
fn limiter(server: &RedisServer, environment: &str) -> RedisLimiter {
    let limiter = RedisLimiter::new(&server.address(), environment, &[7; 32]).expect("a limiter");
    limiter.with_deadline(Duration::from_secs(5))
}

async fn connected(server: &RedisServer) -> MultiplexedConnection {
    let client = Client::open(server.address()).expect("an address");
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let patience = Instant::now() + Duration::from_secs(10);
    loop {
        match client.get_multiplexed_async_connection_with_config(&config).await {
            Ok(wire) => return wire,
            Err(error) => assert!(Instant::now() < patience, "redis-server does not answer: {error}"),
        }
        tokio::task::yield_now().await;
    }
}

async fn times(mut wire: MultiplexedConnection) -> String {
    let mut command = Cmd::new();
    command.arg("INFO").arg("commandstats").query_async(&mut wire).await.expect("statistics")
}

const TWO_KEYS: &str = include_str!("redis/two_keys.lua");
const EMPTY: &str = "return";
const IN_FLIGHT: u64 = 64;
const CALLS: u64 = 100 * IN_FLIGHT;
/// A round lets each subject come 51 times, so that half the leases are bought anew; all rounds fit into the quotas.
const LEASED_CALLS: u64 = 8_000 * IN_FLIGHT;
const ISSUER: &str = "https://auth.aetherflow.com";
const TENANT: &str = "acme";
