//! What one node is told, and what it leaves in Redis.

use std::time::Duration;

use aetherflow_ratelimit::{ConfigError, Decision, LimitError, Plan, RedisLimiter, Window, fields};

use super::server::RedisServer;
use super::{SECRET, admitted, ask, key, limiter, only_key, slow};
use crate::plans::remaining;

const MINUTE: Duration = Duration::from_secs(60);

fn one_window(limit: u32, period: Duration) -> Result<Plan, ConfigError> {
    Plan::new("plan", [Window::new("window", limit, period)?])
}

#[tokio::test]
async fn a_full_bucket_lets_its_limit_through_and_then_names_the_wait() {
    let server = RedisServer::start(&[]);
    let (limiter, free) = (limiter(&server.address()), Plan::free());
    let first = ask(&limiter, "acme", &free, 1).await;
    assert_eq!((remaining(&first), first.retry_after()), (vec![59, 999], None));
    assert_eq!(fields::limit(&free, &first), r#""minute";r=59;t=59, "hour";r=999;t=3597"#);
    let second = ask(&limiter, "acme", &free, 59).await;
    assert!(second.is_allowed());
    let refused = ask(&limiter, "acme", &free, 60).await;
    let wait = refused.retry_after().unwrap();
    assert!(!refused.is_allowed() && wait <= MINUTE && wait > MINUTE - Duration::from_secs(20), "{wait:?}");
    assert_eq!(
        refused.violated(&free).map(|window| window.name().to_owned()).collect::<Vec<_>>(),
        ["minute"]
    );
}

#[tokio::test]
async fn the_longer_window_refuses_where_the_shorter_has_room() {
    let server = RedisServer::start(&[]);
    let day = Window::new("day", 5, Duration::from_secs(86_400)).unwrap();
    let year = Window::new("year", 3, Duration::from_secs(365 * 86_400)).unwrap();
    for windows in [[day, year], [year, day]] {
        let plan = Plan::new("plan", windows).unwrap();
        let limiter = limiter(&server.address());
        let name = windows[0].name();
        assert_eq!(admitted(&limiter, name, &plan, 7).await, 3);
        let refused = ask(&limiter, name, &plan, 1).await;
        let want = plan.windows().map(|window| window.limit() - 3).collect::<Vec<_>>();
        assert_eq!(remaining(&refused), want, "a refusal charges no window");
        assert_eq!(refused.violated(&plan).map(|window| window.limit()).collect::<Vec<_>>(), [3]);
    }
}

#[tokio::test]
async fn a_cost_above_a_limit_never_fits_and_a_cost_of_nothing_always_does() {
    let server = RedisServer::start(&[]);
    let (limiter, plan) = (limiter(&server.address()), slow(5));
    let never = ask(&limiter, "acme", &plan, 6).await;
    assert_eq!((never.is_allowed(), never.never_fits(), never.retry_after()), (false, true, None));
    assert_eq!(admitted(&limiter, "acme", &plan, 5).await, 5);
    let nothing = ask(&limiter, "acme", &plan, 0).await;
    assert_eq!((nothing.is_allowed(), remaining(&nothing)), (true, vec![0, 0]));
}

#[tokio::test]
async fn a_peek_says_what_a_check_would_and_writes_nothing() {
    let server = RedisServer::start(&[]);
    let (limiter, plan) = (limiter(&server.address()), slow(5));
    let peek = async |cost| limiter.peek(&key("acme"), &plan, cost).await.unwrap();
    let view = |decision: &Decision| (decision.is_allowed(), decision.never_fits(), remaining(decision));
    assert_eq!(view(&peek(2).await), (true, false, vec![3, 3]));
    assert_eq!(server.ask::<u32>("DBSIZE"), 0);
    assert_eq!(view(&ask(&limiter, "acme", &plan, 2).await), (true, false, vec![3, 3]));
    let before: Vec<u8> = server.ask(&format!("GET {}", only_key(&server)));
    assert_eq!(view(&peek(0).await), (true, false, vec![3, 3]));
    assert_eq!(view(&peek(3).await), (true, false, vec![0, 0]));
    assert_eq!(view(&peek(4).await), (false, false, vec![3, 3]));
    assert_eq!(view(&peek(6).await), (false, true, vec![3, 3]));
    assert_eq!(server.ask::<Vec<u8>>(&format!("GET {}", only_key(&server))), before);
}

#[tokio::test]
async fn a_change_of_plan_keeps_the_used_fraction_and_clears_no_other_window() {
    let server = RedisServer::start(&[]);
    let limiter = limiter(&server.address());
    let window =
        |name, limit, days: u64| Window::new(name, limit, Duration::from_secs(days * 86_400)).unwrap();
    let small = Plan::new("small", [window("month", 60, 30), window("year", 1_000, 365)]).unwrap();
    let large = Plan::new("large", [window("month", 300, 30), window("year", 10_000, 365)]).unwrap();
    let other = Plan::new("other", [window("decade", 10, 3_650)]).unwrap();
    assert_eq!(remaining(&ask(&limiter, "acme", &small, 30).await), [30, 970]);
    assert_eq!(remaining(&ask(&limiter, "acme", &large, 75).await), [75, 9_625]);
    assert_eq!(remaining(&ask(&limiter, "acme", &other, 1).await), [9]);
    assert_eq!(remaining(&ask(&limiter, "acme", &small, 15).await), [0, 947]);
    assert_eq!(remaining(&ask(&limiter, "acme", &other, 1).await), [8]);
    assert!(!ask(&limiter, "acme", &small, 1).await.is_allowed());
}

#[tokio::test]
async fn a_key_is_one_string_named_by_its_mac_that_ends_when_its_bucket_is_full() {
    let server = RedisServer::start(&[]);
    let (limiter, plan) = (limiter(&server.address()), one_window(2, Duration::from_secs(100)).unwrap());
    assert!(ask(&limiter, "acme", &plan, 1).await.is_allowed());
    let name = only_key(&server);
    assert!(name.starts_with("af:test:rl:{") && name.ends_with('}') && name.len() == 35, "{name}");
    let left: u64 = server.ask(&format!("PTTL {name}"));
    assert!((30_000..=50_001).contains(&left), "{left}");
    assert_eq!(server.ask::<Vec<u8>>(&format!("GET {name}")).len(), 24);
}

#[tokio::test]
async fn a_bucket_full_again_is_a_key_that_is_gone() {
    let server = RedisServer::start(&[]);
    let (limiter, plan) = (limiter(&server.address()), one_window(20, Duration::from_millis(400)).unwrap());
    assert_eq!(remaining(&ask(&limiter, "acme", &plan, 20).await), [0]);
    super::eventually("the key expires", async || server.ask::<u32>("DBSIZE") == 0).await;
    assert_eq!(remaining(&limiter.peek(&key("acme"), &plan, 0).await.unwrap()), [20]);
}

#[tokio::test]
async fn a_refusal_leaves_the_key_and_its_end_as_they_were() {
    let server = RedisServer::start(&[]);
    let plan = slow(1);
    assert!(ask(&limiter(&server.address()), "acme", &plan, 1).await.is_allowed());
    let name = only_key(&server);
    let state = || {
        let dump: Vec<u8> = server.ask(&format!("DUMP {name}"));
        (dump, server.ask::<u64>(&format!("PEXPIRETIME {name}")))
    };
    let (before, writes) = (state(), server.calls("set"));
    for _ in 0..5 {
        // Each with a memory of its own, so that each asks.
        assert!(!ask(&limiter(&server.address()), "acme", &plan, 1).await.is_allowed());
    }
    assert_eq!((state(), server.calls("set")), (before, writes));
    assert_eq!(server.calls("evalsha"), 6);
}

#[tokio::test]
async fn a_server_that_forgot_the_script_is_told_it_again() {
    let server = RedisServer::start(&[]);
    let (limiter, plan) = (limiter(&server.address()), slow(100));
    assert_eq!(admitted(&limiter, "acme", &plan, 3).await, 3);
    for reloads in 1..4 {
        assert_eq!(limiter.counts().reloads, reloads);
        let _: String = server.ask("SCRIPT FLUSH");
        assert_eq!(admitted(&limiter, "acme", &plan, 3).await, 3);
    }
    assert_eq!(remaining(&limiter.peek(&key("acme"), &plan, 0).await.unwrap()), [88, 88]);
    assert_eq!((limiter.counts().fallbacks, server.calls("eval")), (0, 4));
}

#[tokio::test]
async fn environments_and_secrets_keep_keys_apart() {
    let server = RedisServer::start(&[]);
    let plan = slow(1);
    for (environment, secret) in
        [("production", SECRET), ("staging", SECRET), ("staging", b"another secret of 32 bytes......")]
    {
        let limiter = RedisLimiter::new(&server.address(), environment, secret).unwrap();
        assert_eq!(admitted(&limiter.with_deadline(MINUTE), "acme", &plan, 2).await, 1, "{environment}");
    }
    assert_eq!(server.ask::<u32>("DBSIZE"), 3);
}

#[tokio::test]
async fn the_rights_in_the_documents_suffice() {
    let documents = include_str!("../../../../docs/formats/redis.md");
    let rights = documents.lines().find(|line| line.starts_with("user af-production-limits ")).unwrap();
    let rights = rights.replace("user ", "").replace("<password>", "hunter2");
    let server = RedisServer::start(&[]);
    assert_eq!(server.ask::<String>(&format!("ACL SETUSER {rights}")), "OK");
    let address = server.address().replace("//", "//af-production-limits:hunter2@");
    let one = |environment| RedisLimiter::new(&address, environment, SECRET).unwrap().with_deadline(MINUTE);
    let mine = one("production");
    assert_eq!(admitted(&mine, "acme", &slow(1), 3).await, 1);
    assert_eq!((mine.counts().round_trips, mine.counts().fallbacks), (2, 0));
    let others = one("staging");
    assert!(ask(&others, "acme", &slow(1), 1).await.is_allowed());
    assert_eq!((others.counts().round_trips, others.counts().fallbacks), (0, 1));
}

#[tokio::test]
async fn a_value_of_another_hand_harms_its_own_key_only() {
    let server = RedisServer::start(&[]);
    let (limiter, plan) = (limiter(&server.address()), slow(3));
    assert!(ask(&limiter, "acme", &plan, 1).await.is_allowed());
    let name = only_key(&server);
    let _: u32 = server.ask(&format!("DEL {name}"));
    let _: u32 = server.ask(&format!("LPUSH {name} list"));
    assert!(ask(&limiter, "acme", &plan, 1).await.is_allowed());
    assert_eq!((limiter.counts().failures, limiter.counts().fallbacks), (1, 1));
    assert!(ask(&limiter, "other", &plan, 1).await.is_allowed());
    assert_eq!((limiter.counts().round_trips, limiter.counts().fallbacks), (2, 1));
}

#[test]
fn each_single_fault_of_a_configuration_has_its_own_error() {
    let make = |address: &str, environment: &str, secret: &[u8]| {
        let alone = RedisLimiter::new(address, environment, secret).map(drop);
        assert_eq!(RedisLimiter::cluster(&[address], environment, secret).map(drop), alone);
        alone
    };
    let good = "redis://127.0.0.1:1";
    assert_eq!(make(good, "production", SECRET), Ok(()));
    assert_eq!(make(good, "a234567890123456", SECRET), Ok(()));
    for (case, address, environment, secret, want) in [
        ("no scheme", "127.0.0.1:1", "production", SECRET, ConfigError::RedisAddress),
        ("no address", "", "production", SECRET, ConfigError::RedisAddress),
        ("another scheme", "http://127.0.0.1:1", "production", SECRET, ConfigError::RedisAddress),
        ("no environment", good, "", SECRET, ConfigError::Environment),
        ("17 letters", good, "a2345678901234567", SECRET, ConfigError::Environment),
        ("a brace", good, "prod}", SECRET, ConfigError::Environment),
        ("a colon", good, "prod:rl", SECRET, ConfigError::Environment),
        ("31 bytes", good, "production", &SECRET[1..], ConfigError::ShortSecret),
    ] {
        assert_eq!(make(address, environment, secret), Err(want), "{case}");
    }
    assert_eq!(RedisLimiter::cluster(&[], "production", SECRET).map(drop), Err(ConfigError::RedisAddress));
}

#[test]
fn no_password_is_shown() {
    for address in ["redis://app:hunter2@127.0.0.1", "redis://app:hunter2@127.0.0.1:x"] {
        for made in [
            RedisLimiter::new(address, "production", SECRET),
            RedisLimiter::cluster(&[address], "production", SECRET),
        ] {
            let shown = match &made {
                Ok(limiter) => format!("{limiter:?} {limiter:#?}"),
                Err(error) => format!("{error:?} {error}"),
            };
            assert!(!shown.contains("hunter2") && !shown.contains("secret that all"), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_plan_that_no_whole_microseconds_count_is_refused() {
    let limiter = RedisLimiter::new("redis://127.0.0.1:1", "production", SECRET).unwrap();
    let second = Duration::from_secs(1);
    let years = |years: u64| Duration::from_secs(years * 365 * 86_400);
    let strict = Plan::new("plan", [Window::new("window", 1, second).unwrap().strict()]).unwrap();
    assert_eq!(limiter.check(&key("acme"), &strict, 1).await.unwrap_err(), LimitError::Plan);
    assert_eq!(limiter.peek(&key("acme"), &strict, 0).await.unwrap_err(), LimitError::Plan);
    for (case, limit, period, is_counted) in [
        ("a million a second", 1_000_000, second, true),
        ("one more", 1_000_001, second, false),
        ("285 years", 1, years(285), true),
        ("286 years", 1, years(286), false),
        ("limit times microseconds just below 2^63", 1 << 20, Duration::from_secs(8_796_091), true),
        ("limit times microseconds above 2^63", 1 << 20, Duration::from_secs(8_796_094), false),
    ] {
        let asked = limiter.check(&key("acme"), &one_window(limit, period).unwrap(), 1).await;
        assert_eq!(asked.is_ok(), is_counted, "{case}");
        assert!(is_counted || asked.unwrap_err() == LimitError::Plan, "{case}");
    }
}
