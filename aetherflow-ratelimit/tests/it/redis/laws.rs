//! The script against a model, by a clock that the test moves.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use aetherflow_ratelimit::{Decision, Key, Limiter, Plan, Tick, Window};
use proptest::prelude::*;
use redis::{Connection, Script, Value};

use super::server::RedisServer;
use crate::plans::{odd, shipped};

const TEXT: &str = include_str!("../../../src/redis/admit.lua");
/// The server's time when a trace begins, in microseconds: long after anything.
const START: i64 = 1_800_000_000_000_000;

/// The script with the one line in which it asks for the time answered by the test.
fn timed() -> Script {
    let line = "redis.call('TIME')";
    assert_eq!(TEXT.matches(line).count(), 1);
    Script::new(&TEXT.replace(line, "{ARGV[2], ARGV[3]}"))
}

/// `most` requests of `cost` under a plan, `jump` microseconds after the step before.
#[derive(Clone, Debug)]
struct Step {
    plan: usize,
    cost: u32,
    most: u32,
    jump: i64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let cost = prop_oneof![6 => 1..4_u32, 2 => 1..70_u32, 1 => 250..1_002_u32];
    let most = prop_oneof![4 => Just(1_u32), 2 => 2..9_u32, 1 => 10..100_u32, 1 => Just(0_u32)];
    let jump = prop_oneof![
        6 => Just(0_i64),
        3 => 1..80_i64,
        4 => 900..4_000_000_i64,
        2 => 50_000_000..70_000_000_i64,
        1 => 3_500_000_000..3_700_000_000_i64,
        2 => -90_000_000..0_i64,
        1 => -4_000_000_000..-1_000_000_000_i64,
    ];
    let step = (0..12_usize, cost, most, jump);
    prop::collection::vec(step.prop_map(|(plan, cost, most, jump)| Step { plan, cost, most, jump }), 1..60)
}

/// A window by its period in milliseconds, what a request of cost 1 takes to be paid back, and what the bucket holds.
fn rates(plan: &Plan) -> Vec<(i64, i64, i64)> {
    let rate = |window: &Window| {
        let period = i64::try_from(window.period().as_micros()).unwrap();
        let interval = (period + i64::from(window.limit()) - 1) / i64::from(window.limit());
        (period / 1_000, interval, interval * i64::from(window.limit()))
    };
    plan.windows().map(rate).collect()
}

/// One key in Redis, asked by hand.
struct Asked {
    link: Connection,
    script: Script,
    key: &'static str,
}

impl Asked {
    fn new(server: &RedisServer, key: &'static str) -> Self {
        let mut link = server.connection();
        redis::cmd("DEL").arg(key).exec(&mut link).unwrap();
        Self { link, script: timed(), key }
    }

    /// As [`ask_to_last`](Self::ask_to_last), and keeps the key for as long as the test's clock, which is not the server's,
    /// takes.
    fn ask(&mut self, plan: &Plan, cost: u32, most: u32, now: i64) -> (i64, Vec<i64>) {
        let answer = self.ask_to_last(plan, cost, most, now);
        redis::cmd("PERSIST").arg(self.key).exec(&mut self.link).unwrap();
        answer
    }

    /// How many are admitted, and what is owed then; the key lasts as the script says.
    fn ask_to_last(&mut self, plan: &Plan, cost: u32, most: u32, now: i64) -> (i64, Vec<i64>) {
        let rates = rates(plan);
        let mut question = vec![f64::from(most)];
        for (period, interval, capacity) in &rates {
            question.extend([*period, interval * i64::from(cost), *capacity].map(|number| number as f64));
        }
        let question: Vec<u8> = question.iter().flat_map(|number| number.to_le_bytes()).collect();
        let (seconds, micros) = (now / 1_000_000, now % 1_000_000);
        let mut call = self.script.key(self.key);
        let answer = call.arg(question).arg(seconds).arg(micros).invoke(&mut self.link).unwrap();
        match answer {
            Value::BulkString(state) => {
                let numbers = numbers(&state);
                assert_eq!(numbers[0], now);
                let debts = numbers[2..].iter().step_by(2).take(rates.len());
                (i64::from(most), debts.copied().collect())
            }
            Value::Array(numbers) => {
                let whole = |value: &Value| redis::from_redis_value_ref::<i64>(value).unwrap();
                (whole(&numbers[0]), numbers[1..].iter().map(whole).collect())
            }
            other => panic!("{other:?}"),
        }
    }

    fn state(&mut self) -> Vec<u8> {
        redis::cmd("GET").arg(self.key).query::<Option<Vec<u8>>>(&mut self.link).unwrap().unwrap_or_default()
    }

    fn left(&mut self) -> i64 {
        redis::cmd("PTTL").arg(self.key).query(&mut self.link).unwrap()
    }
}

fn numbers(state: &[u8]) -> Vec<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "a whole number far below 2^63")]
    let read = |bytes: &[u8; 8]| {
        let number = f64::from_le_bytes(*bytes);
        assert_eq!(number, number.trunc(), "everything kept is whole");
        number as i64
    };
    state.as_chunks::<8>().0.iter().map(read).collect()
}

/// What a key owes by period; time that goes back stands still for what is owed.
#[derive(Default)]
struct Model {
    written: i64,
    owed: HashMap<i64, i64>,
}

impl Model {
    fn ask(&mut self, plan: &Plan, cost: u32, most: u32, now: i64) -> (i64, Vec<i64>) {
        let passed = (now - self.written).max(0);
        let mut owed: HashMap<i64, i64> =
            self.owed.iter().map(|(period, debt)| (*period, (debt - passed).max(0))).collect();
        let (cost, rates) = (i64::from(cost), rates(plan));
        let fits = |owed: &HashMap<i64, i64>| {
            let fits = |(period, interval, capacity): &(i64, i64, i64)| {
                owed.get(period).unwrap_or(&0) + interval * cost <= *capacity
            };
            rates.iter().all(fits)
        };
        let mut admitted = 0;
        while admitted < i64::from(most) && fits(&owed) {
            for (period, interval, _) in &rates {
                *owed.entry(*period).or_default() += interval * cost;
            }
            admitted += 1;
        }
        let debts = rates.iter().map(|(period, ..)| owed.get(period).copied().unwrap_or(0)).collect();
        // A refusal is written only to follow a clock that went back.
        if admitted > 0 || now < self.written {
            *self = Self { written: now, owed };
        }
        (admitted, debts)
    }
}

fn run(server: &RedisServer, trace: &[Step], plans: &[Plan]) {
    let (mut asked, mut model) = (Asked::new(server, "differential"), Model::default());
    let mut now = START;
    for step in trace {
        now += step.jump;
        let plan = &plans[step.plan % plans.len()];
        let before = (asked.state(), model.written);
        let answer = asked.ask(plan, step.cost, step.most, now);
        assert_eq!(answer, model.ask(plan, step.cost, step.most, now), "{step:?} at {now}");
        if answer.0 == 0 && now >= before.1 {
            assert_eq!(asked.state(), before.0, "a refusal writes nothing");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_script_decides_as_the_model_does(traces in prop::collection::vec(steps(), 4)) {
        let server = &server();
        run(server, &traces[0], &shipped());
        run(server, &traces[1], &odd());
        run(server, &traces[2], &[shipped().as_slice(), odd().as_slice()].concat());
        run(server, &traces[3], &odd()[..1]);
    }

    #[test]
    fn the_script_decides_as_a_limiter_in_this_process_does(trace in steps()) {
        let mut asked = Asked::new(&server(), "both");
        let (limiter, plans) = (Limiter::exact(4), shipped());
        let mut now = 0_u64;
        for step in trace {
            now += step.jump.unsigned_abs() / 1_000;
            let (plan, micros) = (&plans[step.plan % 3], START + i64::try_from(now * 1_000).unwrap());
            let here = limiter.check_at(&Key::tenant("iss", "acme"), plan, step.cost, Tick::from_millis(now));
            let (admitted, debts) = asked.ask(plan, step.cost, 1, micros);
            assert_eq!((admitted == 1, debts), (here.is_allowed(), owed(&here, plan)), "{step:?} at {now}");
        }
    }

    #[test]
    fn no_key_passes_its_envelope(trace in steps(), plan in 0..7_usize) {
        let plan = &[shipped().as_slice(), odd().as_slice()].concat()[plan];
        let mut asked = Asked::new(&server(), "envelope");
        let mut now = START;
        let mut admissions: Vec<(i64, i64)> = Vec::new();
        for step in trace {
            now += step.jump.abs();
            let (admitted, _) = asked.ask(plan, step.cost, step.most, now);
            admissions.push((now, admitted * i64::from(step.cost)));
        }
        hold_envelope(plan, &admissions);
    }
}

/// One server for all cases of a law, ended with the test's thread.
fn server() -> Rc<RedisServer> {
    thread_local! {
        static SERVER: Rc<RedisServer> = Rc::new(RedisServer::start(&[]));
    }
    SERVER.with(Rc::clone)
}

fn owed(decision: &Decision, plan: &Plan) -> Vec<i64> {
    decision.windows(plan).map(|window| i64::try_from(window.reset().as_micros()).unwrap()).collect()
}

/// In any time t no window lets more through than limit + limit × t ÷ period; times in microseconds, exact.
fn hold_envelope(plan: &Plan, admissions: &[(i64, i64)]) {
    for window in plan.windows() {
        let (limit, period) =
            (i128::from(window.limit()), i128::try_from(window.period().as_micros()).unwrap());
        for (first, (start, _)) in admissions.iter().enumerate() {
            let mut sum = 0;
            for (end, admitted) in &admissions[first..] {
                sum += i128::from(*admitted);
                let most = limit * period + limit * i128::from(end - start);
                assert!(sum * period <= most, "{} from {start} to {end}: {sum}", window.name());
            }
        }
    }
}

#[test]
fn a_request_is_admitted_at_the_microsecond_its_wait_ends_and_not_one_before() {
    for (case, plan) in shipped().into_iter().chain(odd()).enumerate() {
        let mut asked = Asked::new(&server(), "edge");
        let tightest = plan.windows().map(Window::limit).min().unwrap();
        assert_eq!(asked.ask(&plan, 1, u32::MAX, START).0, i64::from(tightest), "plan {case}");
        for cost in [1, tightest / 2 + 1, tightest] {
            let (none, debts) = asked.ask(&plan, cost, 1, START);
            let waits = rates(&plan).into_iter().zip(debts);
            let wait =
                waits.map(|((_, interval, holds), debt)| debt + interval * i64::from(cost) - holds).max();
            assert_eq!(none, 0);
            assert_eq!(asked.ask(&plan, cost, 1, START + wait.unwrap() - 1).0, 0, "plan {case}, cost {cost}");
            let before = asked.state();
            assert_eq!(asked.ask(&plan, cost, 1, START + wait.unwrap()).0, 1, "plan {case}, cost {cost}");
            redis::cmd("SET").arg("edge").arg(before).exec(&mut asked.link).unwrap();
        }
    }
}

#[test]
fn a_clock_that_goes_back_gives_nothing_and_keeps_nobody_out() {
    let hour = 3_600_000_000;
    let (free, year) = (Plan::free(), 8_760 * hour);
    for back in [1, 1_000_000, 59_000_000, hour, year] {
        let mut asked = Asked::new(&server(), "back");
        assert_eq!(asked.ask(&free, 1, 100, START).0, 60);
        let then = START - back;
        assert_eq!(asked.ask(&free, 1, 1, then), (0, vec![60_000_000, 216_000_000]), "back by {back}");
        assert_eq!(asked.ask(&free, 1, 1, then + 999_999).0, 0, "back by {back}");
        assert_eq!(asked.ask(&free, 1, 9, then + 1_000_000).0, 1, "back by {back}");
        assert_eq!(asked.ask(&free, 1, 100, then + 61_000_000).0, 60, "back by {back}");
    }
}

#[test]
fn a_key_lasts_until_its_last_window_is_full() {
    for (plan, most, full) in
        [(Plan::free(), 1, 3_600), (Plan::free(), 60, 216_000), (odd()[1].clone(), 3, 19)]
    {
        let mut asked = Asked::new(&server(), "lasting");
        assert_eq!(asked.ask_to_last(&plan, 1, most, START).0, i64::from(most));
        let left = asked.left();
        // At least until then; what the server counts in whole milliseconds may be one more.
        assert!((full - 1_000..=full + 1).contains(&left), "{left} of {full}");
    }
}

#[test]
fn the_largest_plans_lose_no_digit_in_the_scripts_doubles() {
    let window = |name, limit, period| Window::new(name, limit, period).unwrap();
    let year = Duration::from_secs(365 * 86_400);
    let plan = Plan::new(
        "wide",
        [window("second", 1_000_000, Duration::from_secs(1)), window("century", 7, 100 * year)],
    );
    let mut asked = Asked::new(&server(), "wide");
    let plan = plan.unwrap();
    assert_eq!(asked.ask(&plan, 1, 9, START), (7, vec![7, 3_153_600_000_000_000 + 2]));
    assert_eq!(numbers(&asked.state())[0], START);
}
