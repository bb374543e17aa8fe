//! Header fields, to the letter and through a parser that is not ours.

use std::time::Duration;

use aetherflow_ratelimit::{Decision, Key, Limiter, Plan, Tick, Window, fields};
use proptest::prelude::*;
use sfv::{BareItem, ListEntry, Parser};

use crate::plans::{odd, shipped};

/// Parses a field into (name, first parameter, second parameter), in order.
fn parsed(text: &str) -> Vec<(String, [(String, u64); 2])> {
    let list: sfv::List = Parser::new(text).parse().unwrap();
    let item = |entry: ListEntry| match entry {
        ListEntry::Item(item) => {
            let BareItem::String(name) = item.bare_item else { panic!("{text}: the name is no string") };
            let parameters = item.params.into_iter().map(|(key, value)| match value {
                BareItem::Integer(value) => {
                    (key.as_str().to_owned(), u64::try_from(i64::from(value)).unwrap())
                }
                other => panic!("{text}: {other:?} is no integer"),
            });
            (name.as_str().to_owned(), parameters.collect::<Vec<_>>().try_into().unwrap())
        }
        ListEntry::InnerList(_) => panic!("{text}: an inner list"),
    };
    list.into_iter().map(item).collect()
}

fn check(limiter: &Limiter, plan: &Plan, cost: u32, ms: u64) -> Decision {
    limiter.check_at(&Key::tenant("iss", "acme"), plan, cost, Tick::from_millis(ms))
}

fn policy(plan: &Plan, decision: &Decision) -> String {
    let mut out = String::new();
    fields::write_policy(plan, decision, &mut out);
    out
}

#[test]
fn the_fields_of_an_admitted_request_are_those_of_the_specification() {
    for (plan, quotas, left) in [
        (Plan::free(), "'minute';q=60;w=60, 'hour';q=1000;w=3600", "'minute';r=59;t=59, 'hour';r=999;t=3597"),
        (
            Plan::pro(),
            "'minute';q=300;w=60, 'hour';q=10000;w=3600",
            "'minute';r=299;t=60, 'hour';r=9999;t=3600",
        ),
        (
            Plan::enterprise(),
            "'minute';q=1000;w=60, 'hour';q=50000;w=3600",
            "'minute';r=999;t=60, 'hour';r=49999;t=3600",
        ),
    ] {
        let (quotas, left) = (quotas.replace('\'', "\""), left.replace('\'', "\""));
        let decision = check(&Limiter::exact(1), &plan, 1, 0);
        assert_eq!(fields::policy(&plan), quotas);
        assert_eq!(policy(&plan, &decision), quotas);
        assert_eq!(fields::limit(&plan, &decision), left);
        assert_eq!(fields::retry_after(&decision), None);
    }
}

#[test]
fn a_refusal_lists_the_violated_windows_only() {
    let (limiter, free) = (Limiter::exact(1), Plan::free());
    let first = check(&limiter, &free, 60, 0);
    assert_eq!(fields::limit(&free, &first), r#""minute";r=0;t=1, "hour";r=940;t=3384"#);
    let refused = check(&limiter, &free, 1, 1);
    assert_eq!(policy(&free, &refused), r#""minute";q=60;w=60"#);
    assert_eq!(fields::limit(&free, &refused), r#""minute";r=0;t=1"#);
    assert_eq!(fields::retry_after(&refused), Some(1));
    let refused = check(&limiter, &free, 3, 1);
    assert_eq!(fields::retry_after(&refused), Some(3));
    let never = check(&limiter, &free, 1_001, 1);
    assert_eq!(policy(&free, &never), fields::policy(&free));
    assert_eq!(fields::retry_after(&never), None);
}

#[test]
fn a_wait_of_a_millisecond_is_a_second() {
    let (limiter, enterprise) = (Limiter::exact(1), Plan::enterprise());
    assert!(check(&limiter, &enterprise, 1_000, 0).is_allowed());
    let refused = check(&limiter, &enterprise, 1, 59);
    assert_eq!(refused.retry_after(), Some(Duration::from_millis(1)));
    assert_eq!(fields::retry_after(&refused), Some(1));
    assert_eq!(fields::limit(&enterprise, &refused), r#""minute";r=0;t=1"#);
}

#[test]
fn a_part_of_a_millisecond_counts_when_seconds_are_rounded_up() {
    let window = Window::new("w", 1_000, Duration::from_millis(1_000_001)).unwrap();
    let plan = Plan::new("plan", [window]).unwrap();
    let decision = check(&Limiter::exact(1), &plan, 999, 0);
    assert_eq!(fields::limit(&plan, &decision), r#""w";r=1;t=2"#);
    assert_eq!(fields::policy(&plan), r#""w";q=1000;w=1001"#);
}

#[test]
fn the_older_fields_speak_of_the_window_with_the_least_remaining() {
    let (limiter, free) = (Limiter::exact(1), Plan::free());
    let listed = |plan: &Plan, decision: &Decision| fields::x_rate_limit(plan, decision).collect::<Vec<_>>();
    let want = |limit, remaining, reset| {
        vec![("x-ratelimit-limit", limit), ("x-ratelimit-remaining", remaining), ("x-ratelimit-reset", reset)]
    };
    assert_eq!(listed(&free, &check(&limiter, &free, 0, 0)), want(60, 60, 0));
    assert_eq!(listed(&free, &check(&limiter, &free, 1, 0)), want(60, 59, 1));
    assert_eq!(listed(&free, &check(&limiter, &free, 59, 500)), want(60, 0, 60));
    assert_eq!(listed(&free, &check(&limiter, &free, 1, 500)), want(60, 0, 60));
    let window = |name, seconds| Window::new(name, 10, Duration::from_secs(seconds)).unwrap();
    let tied = Plan::new("tied", [window("minute", 60), window("hour", 3_600)]).unwrap();
    assert_eq!(listed(&tied, &check(&Limiter::exact(1), &tied, 1, 0)), want(10, 9, 360));
}

#[test]
fn a_field_is_appended_to_a_text_without_moving_it_when_there_is_room() {
    let plan = Plan::enterprise();
    let decision = check(&Limiter::exact(1), &plan, 1, 0);
    let mut out = String::with_capacity(128);
    let place = out.as_ptr();
    fields::write_limit(&plan, &decision, &mut out);
    fields::write_limit(&plan, &decision, &mut out);
    assert_eq!(out, [fields::limit(&plan, &decision), fields::limit(&plan, &decision)].join(", "));
    assert_eq!((out.as_ptr(), out.capacity()), (place, 128));
}

#[test]
fn numbers_stay_within_a_structured_fields_integer() {
    let longest = Window::new("ever", 1, Duration::from_millis((1 << 63) - 1)).unwrap();
    let widest = Window::new("wide", u32::MAX, Duration::from_millis(1_500)).unwrap();
    let plan = Plan::new("extremes", [longest, widest]).unwrap();
    assert_eq!(fields::policy(&plan), r#""ever";q=1;w=999999999999999, "wide";q=4294967295;w=2"#);
    assert_eq!(parsed(&fields::policy(&plan))[0].1[1], ("w".to_owned(), 999_999_999_999_999));
}

proptest! {
    #[test]
    fn an_independent_parser_reads_back_what_the_decision_says(
        plan in 0..7_usize,
        requests in prop::collection::vec((0..30_u32, 0..2_000_u64), 1..60),
        name in "[ !#-\\[\\]-~]{1,31}",
    ) {
        let named = Plan::new("named", [Window::new(&name, 9, Duration::from_millis(2_500)).unwrap()]).unwrap();
        let all: Vec<Plan> = shipped().into_iter().chain(odd()).chain([named]).collect();
        for plan in [&all[plan], &all[7]] {
            let (limiter, mut now) = (Limiter::exact(1), 0);
            for (cost, jump) in &requests {
                now += jump;
                let decision = check(&limiter, plan, *cost, now);
                let reported: Vec<_> = match decision.is_allowed() {
                    true => decision.windows(plan).collect(),
                    false => decision.violated(plan).collect(),
                };
                let rows = |row: fn(&aetherflow_ratelimit::Standing<'_>) -> [(String, u64); 2]| {
                    reported.iter().map(|s| (s.name().to_owned(), row(s))).collect::<Vec<_>>()
                };
                prop_assert_eq!(parsed(&policy(plan, &decision)), rows(|s| {
                    [("q".into(), s.limit().into()), ("w".into(), up(s.period().as_millis(), 1_000))]
                }));
                prop_assert_eq!(parsed(&fields::limit(plan, &decision)), rows(|s| {
                    let share = u128::from(s.remaining()) * s.period().as_millis();
                    let spread = up(share, 1_000 * u128::from(s.limit()));
                    let t = if s.remaining() > 0 { spread } else { up(s.effective_window().as_millis(), 1_000) };
                    [("r".into(), s.remaining().into()), ("t".into(), t)]
                }));
                prop_assert!(decision.windows(plan).all(|s| s.remaining() > 0 || s.effective_window() > Duration::ZERO));
            }
        }
    }
}

fn up(amount: u128, unit: u128) -> u64 {
    u64::try_from(amount.div_ceil(unit)).unwrap()
}
