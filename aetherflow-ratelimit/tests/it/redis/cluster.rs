//! A cluster of three masters.

use std::sync::Arc;
use std::time::Duration;

use aetherflow_ratelimit::RedisLimiter;
use tokio::task::JoinSet;

use super::server::{RedisCluster, RedisServer};
use super::{SECRET, admitted, slow};

const KEYS: u32 = 60;

fn node(cluster: &RedisCluster) -> Arc<RedisLimiter> {
    let [first, ..] = cluster.addresses();
    let limiter = RedisLimiter::cluster(&[&first], "test", SECRET).unwrap();
    Arc::new(limiter.with_deadline(Duration::from_secs(20)))
}

/// How many of four requests for each key each node is let through, key by key.
async fn spent(nodes: &[Arc<RedisLimiter>], quota: u32) -> Vec<u32> {
    let mut callers = JoinSet::new();
    for (node, at) in nodes.iter().flat_map(|node| (0..KEYS).map(move |at| (Arc::clone(node), at))) {
        callers.spawn(async move { (at, admitted(&node, &format!("key {at}"), &slow(quota), 4).await) });
    }
    let mut sums = vec![0; KEYS as usize];
    for (at, count) in callers.join_all().await {
        sums[at as usize] += count;
    }
    sums
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_on_all_masters_of_a_cluster_are_decided_exactly() {
    let cluster = RedisCluster::start();
    let nodes = [(); 2].map(|()| node(&cluster));
    assert_eq!(spent(&nodes, 5).await, [5; KEYS as usize]);
    let held: Vec<u32> = cluster.0.iter().map(|master: &RedisServer| master.ask("DBSIZE")).collect();
    assert!(held.iter().sum::<u32>() == KEYS && !held.contains(&0), "{held:?}");
    for node in &nodes {
        assert_eq!((node.counts().failures, node.counts().fallbacks), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_master_that_forgot_the_script_is_told_it_again() {
    let cluster = RedisCluster::start();
    let nodes = [node(&cluster)];
    assert_eq!(spent(&nodes, 8).await, [4; KEYS as usize]);
    let reloads = nodes[0].counts().reloads;
    for master in &cluster.0 {
        assert_eq!(master.ask::<String>("SCRIPT FLUSH"), "OK");
    }
    assert_eq!(spent(&nodes, 8).await, [4; KEYS as usize]);
    let counts = nodes[0].counts();
    assert!(counts.reloads >= reloads + 3, "{counts:?}");
    assert_eq!((counts.failures, counts.fallbacks), (0, 0));
}
