//! Good fields, hostile fields, and our own.

use std::time::Duration;

use aetherflow_ratelimit::client::Feedback;
use aetherflow_ratelimit::{Decision, Key, Limiter, Plan, Tick, fields};
use proptest::prelude::*;

use crate::plans::{odd, shipped};

type Row = (String, u64, Option<u64>, Option<u64>, Option<u64>);

/// Each window's name, r, t, q and w.
fn rows(feedback: &Feedback) -> Vec<Row> {
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
    let row = |quota: &aetherflow_ratelimit::client::Quota| {
        (
            quota.name().to_owned(),
            quota.remaining(),
            seconds(quota.effective_window()),
            quota.limit(),
            seconds(quota.period()),
        )
    };
    feedback.quotas().iter().map(row).collect()
}

fn row(name: &str, r: u64, t: Option<u64>, q: Option<u64>, w: Option<u64>) -> Row {
    (name.to_owned(), r, t, q, w)
}

#[test]
fn the_fields_of_the_draft_are_read_by_name_and_joined() {
    let minute = || row("minute", 59, Some(59), Some(60), Some(60));
    for (name, fields, want) in [
        (
            "both windows",
            vec![
                ("ratelimit-policy", r#""minute";q=60;w=60, "hour";q=1000;w=3600"#),
                ("ratelimit", r#""minute";r=59;t=59, "hour";r=999;t=3597"#),
            ],
            vec![minute(), row("hour", 999, Some(3597), Some(1000), Some(3600))],
        ),
        (
            "any case, any order, lines apart",
            vec![
                ("RATELIMIT", r#""minute";t=59;r=59"#),
                ("RateLimit", r#""hour";r=1"#),
                ("RateLimit-Policy", r#""other";q=1,"minute";w=60;q=60"#),
            ],
            vec![minute(), row("hour", 1, None, None, None)],
        ),
        (
            "unknown parameters and a partition key",
            vec![
                ("ratelimit-policy", r#""minute";q=60;w=60;x=?1;y=tok;pk=:AQ==:"#),
                ("ratelimit", r#""minute";r=59;t=59;pk=:AQ==:;z="""#),
            ],
            vec![minute()],
        ),
        (
            "a window that counts bytes",
            vec![
                ("ratelimit-policy", r#""minute";q=60;w=60;qu="requests", "size";q=9;qu="content-bytes""#),
                ("ratelimit", r#""size";r=0, "minute";r=59;t=59"#),
            ],
            vec![minute()],
        ),
        (
            "one name twice: the least",
            vec![("ratelimit", r#""a";r=5, "a";r=2;t=1, "a";r=3"#)],
            vec![row("a", 2, Some(1), None, None)],
        ),
        ("no policy", vec![("ratelimit", r#""a";r=5;t=9"#)], vec![row("a", 5, Some(9), None, None)]),
        ("no limit", vec![("ratelimit-policy", r#""minute";q=60;w=60"#)], vec![]),
        (
            "the older fields, and what they amount to",
            vec![("X-RateLimit-Limit", "60"), ("X-RateLimit-Remaining", "50"), ("X-RateLimit-Reset", "10")],
            vec![row("", 50, None, Some(60), Some(60))],
        ),
        (
            "the older fields beside the draft's",
            vec![("ratelimit", r#""a";r=5"#), ("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", "50")],
            vec![row("a", 5, None, None, None)],
        ),
    ] {
        assert_eq!(rows(&Feedback::of(fields)), want, "{name}");
    }
}

#[test]
fn a_malformed_field_counts_as_absent_with_all_its_lines() {
    let read = |line: &[u8]| {
        let lines: [(&str, &[u8]); 2] = [("ratelimit", br#""good";r=1"#), ("ratelimit", line)];
        Feedback::of(lines).quotas().len()
    };
    assert_eq!(read(br#""b";r=5;t=1"#), 2);
    for bad in [
        r#""#,
        r#"b;r=5;t=1"#,
        r#"1;r=5;t=1"#,
        r#"("b");r=5;t=1"#,
        r#""b";t=1"#,
        r#""b";r;t=1"#,
        r#""b";r=-5;t=1"#,
        r#""b";r=5.0;t=1"#,
        r#""b";r="5";t=1"#,
        r#""b";r=1000000000000000;t=1"#,
        r#""b";r=5;t=-1"#,
        r#""b";r=5;t=one"#,
        r#""b";r=5;t=1,"#,
        r#""b";r=5;t=1;"#,
        r#""b";r=5;t=1 "c";r=5"#,
        r#""b;r=5;t=1"#,
        "\"\u{e4}\";r=5;t=1",
        "\"b\";r=5;t=1\0",
    ] {
        assert_eq!(read(bad.as_bytes()), 0, "{bad:?}");
    }
    assert_eq!(read(b"\"\xff\";r=5;t=1"), 0);
}

#[test]
fn a_malformed_policy_leaves_what_remains() {
    for policy in
        [r#""a";w=60"#, r#""a";q=-1;w=60"#, r#""a";q=9;w=60.0"#, r#""a";q=9;w=60;qu=requests"#, "a;q=9;w=60"]
    {
        let feedback = Feedback::of([("ratelimit-policy", policy), ("ratelimit", r#""a";r=5"#)]);
        assert_eq!(rows(&feedback), [row("a", 5, None, None, None)], "{policy}");
    }
}

#[test]
fn no_more_than_eight_windows_are_kept() {
    let many = |name| (0..100).map(|n| format!(r#""{n}";{name}=1"#)).collect::<Vec<_>>().join(",");
    let feedback = Feedback::of([("ratelimit", many("r")), ("ratelimit-policy", many("q"))]);
    assert_eq!(feedback.quotas().len(), 8);
}

#[test]
fn the_older_fields_tell_a_period_only_if_something_was_spent() {
    for (name, limit, remaining, reset, want) in [
        ("full", "60", "60", "0", Some(None)),
        ("more than full", "60", "61", "1", Some(None)),
        ("empty", "60", "0", "60", Some(Some(60))),
        ("absurd", "99999999999999999999", "0", "99999999999999999999", Some(Some(u64::MAX))),
        ("no reset", "60", "0", "", Some(None)),
        ("negative", "60", "-1", "60", None),
        ("with a comment", "60", "0, 60;w=60", "60", None),
    ] {
        let fields = [
            ("x-ratelimit-limit", limit),
            ("x-ratelimit-remaining", remaining),
            ("x-ratelimit-reset", reset),
        ];
        let periods = rows(&Feedback::of(fields)).first().map(|row| row.4);
        assert_eq!(periods, want, "{name}");
    }
}

#[test]
fn retry_after_is_seconds_or_a_date_counted_from_the_answers_own() {
    const DATE: (&str, &str) = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    for (name, fields, want) in [
        ("seconds", vec![("Retry-After", "120")], Some(120)),
        ("white space around", vec![("Retry-After", " \t120 ")], Some(120)),
        ("none", vec![("Retry-After", "0")], Some(0)),
        ("more than fit", vec![("Retry-After", "99999999999999999999999")], Some(u64::MAX)),
        ("negative", vec![("Retry-After", "-1")], None),
        ("a sign", vec![("Retry-After", "+1")], None),
        ("a fraction", vec![("Retry-After", "1.5")], None),
        ("two in one line", vec![("Retry-After", "1, 2")], None),
        ("nothing", vec![("Retry-After", "")], None),
        ("two lines: the longer", vec![("Retry-After", "2"), ("Retry-After", "1")], Some(2)),
        ("a date", vec![("Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT"), DATE], Some(60)),
        ("an old form of date", vec![DATE, ("Retry-After", "Sunday, 06-Nov-94 08:50:37 GMT")], Some(60)),
        ("a date that is past", vec![DATE, ("Retry-After", "Sun, 06 Nov 1994 08:48:37 GMT")], Some(0)),
        ("a date and no other", vec![("Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT")], None),
        ("no such date", vec![DATE, ("Retry-After", "Sun, 31 Feb 1994 08:50:37 GMT")], None),
        (
            "the first date counts",
            vec![
                DATE,
                ("date", "Sun, 06 Nov 1994 08:40:37 GMT"),
                ("Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT"),
            ],
            Some(60),
        ),
    ] {
        assert_eq!(Feedback::of(fields).retry_after(), want.map(Duration::from_secs), "{name}");
    }
}

/// What a server writes, each field by its name.
fn written(plan: &Plan, decision: &Decision) -> Vec<(&'static str, String)> {
    let mut policy = String::new();
    fields::write_policy(plan, decision, &mut policy);
    let mut all = vec![("ratelimit-policy", policy), ("ratelimit", fields::limit(plan, decision))];
    all.extend(fields::retry_after(decision).map(|wait| ("retry-after", wait.to_string())));
    all
}

fn up(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

proptest! {
    #[test]
    fn what_our_server_writes_is_read_back(
        plan in 0..7_usize, requests in prop::collection::vec((0..30_u32, 0..2_000_u64), 1..60),
    ) {
        let plans: Vec<Plan> = shipped().into_iter().chain(odd()).collect();
        let (plan, limiter, mut now) = (&plans[plan], Limiter::exact(1), 0);
        for (cost, jump) in requests {
            now += jump;
            let decision = limiter.check_at(&Key::tenant("iss", "acme"), plan, cost, Tick::from_millis(now));
            let feedback = Feedback::of(written(plan, &decision));
            let listed: Vec<_> = match decision.is_allowed() {
                true => decision.windows(plan).collect(),
                false => decision.violated(plan).collect(),
            };
            let want: Vec<Row> = listed.iter().map(|window| {
                let (t, w) = (up(window.effective_window()), up(window.period()));
                row(window.name(), window.remaining().into(), Some(t), Some(window.limit().into()), Some(w))
            }).collect();
            prop_assert_eq!(rows(&feedback), want);
            let wait = fields::retry_after(&decision).map(Duration::from_secs);
            prop_assert_eq!(feedback.retry_after(), wait);
            let older = Feedback::of(fields::x_rate_limit(plan, &decision).map(|(name, value)| (name, value.to_string())));
            let numbers: Vec<u64> = fields::x_rate_limit(plan, &decision).map(|(_, value)| value).collect();
            let read = rows(&older).into_iter().next().unwrap();
            prop_assert_eq!((read.3, read.1), (Some(numbers[0]), numbers[1]));
            let spent = numbers[0] - numbers[1];
            prop_assert_eq!(read.4, (numbers[2] * numbers[0]).checked_div(spent));
        }
    }

    #[test]
    fn no_bytes_are_too_strange(fields in prop::collection::vec((0..8_usize, prop::collection::vec(any::<u8>(), 0..60)), 0..6)) {
        const NAMES: [&str; 8] = [
            "ratelimit", "ratelimit-policy", "retry-after", "date", "x-ratelimit-limit", "x-ratelimit-remaining",
            "x-ratelimit-reset", "other",
        ];
        let feedback = Feedback::of(fields.into_iter().map(|(name, value)| (NAMES[name], value)));
        prop_assert!(feedback.quotas().len() <= 8);
    }
}
