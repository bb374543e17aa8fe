//! Nodes that are processes of their own.

use std::env;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use aetherflow_ratelimit::RedisLimiter;
use tokio::task::JoinSet;

use super::server::RedisServer;
use super::{admitted, ask, eventually, limiter, slow};

const NAME: &str = "redis::processes::two_processes_that_share_a_subject_admit_exactly_its_quota";
/// Where a process of the test finds the server; unset in the test itself.
const ADDRESS: &str = "AETHERFLOW_TEST_REDIS";
const QUOTA: u32 = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_share_a_subject_admit_exactly_its_quota() {
    if let Ok(address) = env::var(ADDRESS) {
        return be_a_node(&address).await;
    }
    let server = RedisServer::start(&[]);
    for mut node in [(); 2].map(|()| start_node(&server.address())) {
        assert!(node.wait().unwrap().success(), "a node failed");
    }
    let each: Vec<u32> = server.ask("LRANGE admitted 0 -1");
    assert_eq!((each.len(), each.iter().sum::<u32>()), (2, QUOTA), "{each:?}");
    assert!(!each.contains(&0), "{each:?}");
}

fn start_node(address: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", NAME])
        .env(ADDRESS, address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Takes one request, and when the other node has done so too, as many as it gets.
async fn be_a_node(address: &str) {
    let node = Arc::new(limiter(address));
    let mut link = redis::Client::open(address).unwrap().get_connection().unwrap();
    let mut count = u32::from(ask(&node, "acme", &slow(QUOTA), 1).await.is_allowed());
    redis::cmd("INCR").arg("ready").exec(&mut link).unwrap();
    eventually("the other node is ready", async || {
        redis::cmd("GET").arg("ready").query::<u32>(&mut link).unwrap() == 2
    })
    .await;
    count += admitted_to_many(&node).await;
    assert_eq!(node.counts().fallbacks, 0);
    redis::cmd("RPUSH").arg("admitted").arg(count).exec(&mut link).unwrap();
}

async fn admitted_to_many(node: &Arc<RedisLimiter>) -> u32 {
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let node = Arc::clone(node);
        callers.spawn(async move { admitted(&node, "acme", &slow(QUOTA), QUOTA / 4).await });
    }
    callers.join_all().await.into_iter().sum()
}
