mod node;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aetherflow_auth::revocation::{FeedError, RedisFeed, Revocations, WhenLost};
use aetherflow_auth::{Environment, Identity, TokenError};
use tokio::time::{Instant, interval};

use self::node::{Answer, Node, clock, eventually};
use self::server::{Proxy, RedisServer};
use crate::forge::{ISSUER, now};

const REVOKED: Answer = Err(TokenError::Revoked);
const UNKNOWN: Answer = Err(TokenError::RevocationsUnknown);

/// Asks without pause until the token is refused as revoked; none that is asked later than the bound may be accepted.
async fn is_refused_within_a_second(node: &Node, id: &str, revoked: Instant) {
    let mut ticks = interval(Duration::from_millis(1));
    loop {
        let asked = revoked.elapsed();
        match node.answer(id) {
            REVOKED => return,
            Ok(()) => assert!(asked <= Duration::from_secs(1), "accepted {asked:?} after its revocation"),
            other => assert_eq!(other, UNKNOWN),
        }
        assert!(asked < Duration::from_secs(30), "never heard of");
        ticks.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_revokes_another_refuses_within_a_second() {
    let server = RedisServer::start(&[]).await;
    let [a, b] = [Node::start(&server.address()), Node::start(&server.address())];
    a.is_current().await;
    b.is_current().await;
    b.becomes("t1", Ok(())).await;
    a.revoke("t1");
    is_refused_within_a_second(&b, "t1", Instant::now()).await;
    assert_eq!(a.answer("t1"), REVOKED);
    b.becomes("t2", Ok(())).await;
    b.revocations.revoke_subject(&Identity::new(ISSUER, Some("acme"), "alice"), now());
    is_refused_within_a_second(&a, "t2", Instant::now()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_travels() {
    let server = RedisServer::start(&[]).await;
    let [a, b] = [Node::start(&server.address()), Node::start(&server.address())];
    a.is_current().await;
    b.is_current().await;
    let alice = Identity::new(ISSUER, None, "alice: 3:å\n");
    a.revocations.revoke_subject(&alice, now());
    a.revocations.revoke_grant("app", &alice, now());
    a.revocations.revoke_client(ISSUER, "app", now());
    a.revocations.revoke_key(ISSUER, "k9");
    a.revoke("t1");
    let sorted = |node: &Node| {
        let text = serde_json::to_value(node.revocations.snapshot()).unwrap();
        let mut entries: Vec<String> =
            text["entries"].as_array().unwrap().iter().map(ToString::to_string).collect();
        entries.sort();
        entries
    };
    let want = sorted(&a);
    assert_eq!(want.len(), 5);
    eventually("told", want.clone(), || sorted(&b)).await;
    let c = Node::start(&server.address());
    c.is_current().await;
    assert_eq!(sorted(&c), want);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_an_empty_copy_serves_nothing_before_its_first_full_snapshot() {
    let server = RedisServer::start(&[]).await;
    let a = Node::start(&server.address());
    a.is_current().await;
    (0..3_000).for_each(|id| a.revoke(&format!("id-{id}")));
    eventually("stored", ":3001".to_owned(), || server.now("ZCARD af:production:rev:record")).await;
    for when_lost in [WhenLost::Closed, WhenLost::Open] {
        let b = Node::start_with(&server.address(), Arc::default(), when_lost);
        assert_eq!((b.answer("id-2999"), b.answer("fresh")), (UNKNOWN, UNKNOWN));
        assert_eq!(b.first_answer("id-2999").await, REVOKED);
        assert_eq!(b.first_answer("fresh").await, Ok(()));
    }
}

#[tokio::test]
async fn a_feed_that_nobody_runs_serves_nothing() {
    let revocations = Arc::new(Revocations::new());
    assert!(revocations.is_current_at(clock()));
    let feed = RedisFeed::new("redis://127.0.0.1:1", Environment::production(), Arc::clone(&revocations));
    assert!(!revocations.is_current_at(clock()));
    drop(feed);
    assert!(!revocations.is_current_at(clock()));
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_before_anything_runs() {
    for address in ["", "127.0.0.1:6379", "http://127.0.0.1", "redis://127.0.0.1/x"] {
        let refused = RedisFeed::new(address, Environment::production(), Arc::default());
        assert!(matches!(refused, Err(FeedError::Address(_))), "{address}");
    }
    let feed = RedisFeed::new("redis://app:hunter2@127.0.0.1", Environment::production(), Arc::default());
    assert!(!format!("{feed:?}").contains("hunter2"));
}

/// Asks all the time whether the token passes, on a thread of its own, and counts.
fn load<'a>(
    scope: &'a std::thread::Scope<'a, '_>,
    node: &'a Node,
    id: &'a str,
    is_over: &'a AtomicBool,
    accepted: &'a AtomicUsize,
) {
    scope.spawn(move || {
        while !is_over.load(Ordering::Relaxed) {
            accepted.fetch_add(usize::from(node.answer(id).is_ok()), Ordering::Relaxed);
            std::thread::yield_now();
        }
    });
}

/// Ends the load also where a check fails, which would otherwise wait for its threads for ever.
struct EndOfLoad<'a>(&'a AtomicBool);

impl Drop for EndOfLoad<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_under_load_and_started_empty_brings_nothing_back() {
    let mut server = RedisServer::start(&[]).await;
    let [a, b] = [Node::start(&server.address()), Node::start(&server.address())];
    a.is_current().await;
    b.is_current().await;
    a.revoke("old");
    b.becomes("old", REVOKED).await;

    let (is_over, accepted) = (AtomicBool::new(false), AtomicUsize::new(0));
    let c = std::thread::scope(|scope| {
        let _end = EndOfLoad(&is_over);
        load(scope, &a, "old", &is_over, &accepted);
        load(scope, &b, "old", &is_over, &accepted);
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                server.kill().await;
                a.revoke("meanwhile");
                is_refused_or_unknown_within_a_second(&b, "meanwhile", Instant::now()).await;
                a.becomes("fresh", UNKNOWN).await;
                assert_eq!((a.answer("old"), a.answer("meanwhile")), (REVOKED, REVOKED));
                server.restart().await;
                let c = Node::start(&server.address());
                assert_eq!(c.first_answer("old").await, REVOKED);
                b.becomes("meanwhile", REVOKED).await;
                c.becomes("meanwhile", REVOKED).await;
                for node in [&a, &b, &c] {
                    node.becomes("fresh", Ok(())).await;
                }
                c
            })
        })
    });
    assert_eq!(accepted.load(Ordering::Relaxed), 0);
    let d = Node::start(&server.address());
    assert_eq!(d.first_answer("old").await, REVOKED);
    assert_eq!(d.first_answer("meanwhile").await, REVOKED);
    assert_eq!(c.answer("old"), REVOKED);
}

async fn is_refused_or_unknown_within_a_second(node: &Node, id: &str, revoked: Instant) {
    let mut ticks = interval(Duration::from_millis(1));
    loop {
        let asked = revoked.elapsed();
        if node.answer(id).is_err() {
            return;
        }
        assert!(asked <= Duration::from_secs(1), "accepted {asked:?} after its revocation");
        ticks.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_with_old_data_misleads_nobody() {
    let mut server = RedisServer::start(&[]).await;
    let a = Node::start(&server.address());
    a.is_current().await;
    assert_eq!(server.command("SAVE").await, "+OK");
    a.revoke("since");
    let b = Node::start(&server.address());
    assert_eq!(b.first_answer("since").await, REVOKED);
    server.kill().await;
    server.restart().await;
    let c = Node::start(&server.address());
    assert_eq!(c.first_answer("since").await, REVOKED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_emptied_by_hand_is_filled_again() {
    let server = RedisServer::start(&[]).await;
    let a = Node::start(&server.address());
    a.is_current().await;
    a.revoke("t1");
    assert_eq!(server.command("FLUSHALL").await, "+OK");
    a.reports("Emptied").await;
    let b = Node::start(&server.address());
    assert_eq!(b.first_answer("t1").await, REVOKED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_silent_but_open_is_lost_after_a_second() {
    let server = RedisServer::start(&[]).await;
    let proxy = Proxy::start(server.port()).await;
    let (a, b) = (Node::start(&server.address()), Node::start(&proxy.address()));
    let open = Node::start_with(&proxy.address(), Arc::default(), WhenLost::Open);
    for node in [&a, &b, &open] {
        node.becomes("t1", Ok(())).await;
    }
    proxy.stop();
    let revoked = Instant::now();
    a.revoke("t1");
    is_refused_or_unknown_within_a_second(&b, "t1", revoked).await;
    b.becomes("fresh", UNKNOWN).await;
    b.reports("Silent").await;
    open.reports("Silent").await;
    assert_eq!((open.answer("t1"), open.answer("fresh")), (Ok(()), Ok(())));
    proxy.resume();
    is_refused_within_a_second(&b, "t1", revoked).await;
    open.becomes("t1", REVOKED).await;
    b.becomes("fresh", Ok(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_never_saw_its_primary_is_no_source() {
    let server = RedisServer::start(&["--replicaof", "127.0.0.1", "1"]).await;
    let revocations = Arc::new(Revocations::new());
    revocations.revoke_token(ISSUER, "t1", now());
    let node = Node::start_with(&server.address(), revocations, WhenLost::Open);
    node.reports("ReadOnly").await;
    assert_eq!((node.answer("t1"), node.answer("fresh")), (REVOKED, UNKNOWN));
    let empty = Node::start(&server.address());
    empty.reports("ReadOnly").await;
    assert_eq!(empty.answer("fresh"), UNKNOWN);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_outbox_holds_is_told_all_the_same() {
    let server = RedisServer::start(&[]).await;
    let [a, b] = [Node::start(&server.address()), Node::start(&server.address())];
    a.is_current().await;
    b.is_current().await;
    (0..10_000).for_each(|id| a.revoke(&format!("id-{id}")));
    eventually("told", 10_000, || b.revocations.len()).await;
    assert_eq!(b.first_answer("id-9999").await, REVOKED);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_by_both_clocks_is_taken_out() {
    let server = RedisServer::start(&[]).await;
    let last = now().timestamp() - 1;
    // The nodes' clock stands before the server's: what has ended by the server's alone stays.
    for (end, member) in [(last, "5:token3:iss3:old"), (last + 3_600, "5:token3:iss3:new")] {
        assert_eq!(server.command(&format!("ZADD af:production:rev:record {end} {member}")).await, ":1");
    }
    let a = Node::start(&server.address());
    a.is_current().await;
    let length = |member| server.now(&format!("ZSCORE af:production:rev:record {member}"));
    eventually("trimmed", "$-1".to_owned(), || length("5:token3:iss3:old")).await;
    assert_eq!(length("5:token3:iss3:new"), "$10");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_is_dropped_is_lost_at_once() {
    let server = RedisServer::start(&[]).await;
    let mut a = Node::start(&server.address());
    a.becomes("t1", Ok(())).await;
    a.end_feed().await;
    assert_eq!(a.answer("t1"), UNKNOWN);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_rights_suffice_and_end_at_the_environment() {
    let line = include_str!("../../../docs/formats/redis.md")
        .lines()
        .find_map(|line| line.strip_prefix("user af-production "))
        .unwrap();
    let rights = line.replace("<password>", "secret");
    let mut options = vec!["--user", "af-production"];
    options.extend(rights.split(' '));
    let server = RedisServer::start(&options).await;
    let address = server.address().replace("redis://", "redis://af-production:secret@");
    let [a, b] = [Node::start(&address), Node::start(&address)];
    a.is_current().await;
    b.is_current().await;
    a.revoke("t1");
    is_refused_within_a_second(&b, "t1", Instant::now()).await;

    let staging = Arc::new(Revocations::new());
    let (sender, mut changes) = tokio::sync::mpsc::unbounded_channel();
    let feed = RedisFeed::new(&address, Environment::staging(), Arc::clone(&staging))
        .unwrap()
        .with_clock(clock)
        .with_report(move |change| sender.send(format!("{change:?}")).unwrap());
    let refused = tokio::select! {
        never = feed.run() => match never {},
        change = changes.recv() => change.unwrap(),
    };
    assert!(refused.contains("NoPerm"), "{refused}");
    assert!(!staging.is_current_at(clock()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_not_passed_over() {
    let server = RedisServer::start(&[]).await;
    let a = Node::start(&server.address());
    a.is_current().await;
    assert_eq!(server.command("PUBLISH af:production:rev 7:unheard").await, ":1");
    a.reports("Unreadable").await;
    a.becomes("t1", Ok(())).await;
    assert_eq!(server.command("ZADD af:production:rev:record 1e300 something").await, ":1");
    let b = Node::start(&server.address());
    b.reports("Unreadable").await;
    assert_eq!(b.answer("t1"), UNKNOWN);
}
