//! What holds over any order of requests, answers and time.

use aetherflow_auth::jwt::Verifier;
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::host::{Answer, Host, World};
use super::{SIGNERS, fixture, jwks_of};
use crate::forge::now;

#[derive(Clone, Debug)]
enum Step {
    /// Time passes.
    Pass(TimeDelta),
    /// From now on the source publishes these keys, after so long.
    Publish(Vec<usize>, TimeDelta),
    /// From now on the source is of no use.
    Fail(Answer),
    /// A request with the token of this signer.
    Request(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let seconds = |most: i64| (0..most).prop_map(TimeDelta::seconds);
    let published = proptest::sample::subsequence((1..SIGNERS.len()).collect::<Vec<_>>(), 1..SIGNERS.len());
    let text = |text: &str| Answer::Text(text.to_owned());
    let useless = [
        Answer::Down,
        Answer::TooLarge,
        Answer::Hang,
        text("{}"),
        text(r#"{"keys":[]}"#),
        text(r#"{"keys":[7]}"#),
    ];
    prop_oneof![
        3 => seconds(100).prop_map(Step::Pass),
        1 => seconds(3_000).prop_map(Step::Pass),
        2 => (published, seconds(40)).prop_map(|(keys, latency)| Step::Publish(keys, latency)),
        1 => proptest::sample::select(useless.to_vec()).prop_map(Step::Fail),
        5 => (0..SIGNERS.len()).prop_map(Step::Request),
    ]
}

/// The keys that an answer brings, and after how long; none if it is of no use.
type Brought = Option<(Vec<usize>, TimeDelta)>;

/// The same in plain words: what each fetch that began will bring, and when.
#[derive(Debug, Default)]
struct Model {
    published: Brought,
    fetches: Vec<(DateTime<Utc>, Brought)>,
    /// The latest time by which an ask must be followed by a fetch.
    promises: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    asked: [Option<DateTime<Utc>>; 5],
}

impl Model {
    /// Takes down the fetches that began since.
    fn observe(&mut self, world: &World) {
        for begin in world.begins().into_iter().skip(self.fetches.len()) {
            self.fetches.push((begin, self.published.clone()));
        }
    }

    /// The keys that serve at `now`.
    fn keys(&self, now: DateTime<Utc>) -> &[usize] {
        let ended = |(begin, brought): &&(DateTime<Utc>, Brought)| {
            brought.as_ref().is_some_and(|(_, latency)| *latency <= LONGEST && *begin + *latency <= now)
        };
        match self.fetches.iter().rfind(ended) {
            Some((begin, Some((keys, _)))) if now < *begin + STALE => keys,
            Some(_) | None => &[],
        }
    }

    /// A request named a key that no one has.
    fn ask(&mut self, at: usize, now: DateTime<Utc>) {
        if self.asked[at].is_some_and(|before| now < before + REST) {
            return;
        }
        self.asked[at] = Some(now);
        let last = self.fetches.last().map_or(now, |(begin, _)| *begin);
        // No attempt lasts longer than the cooldown, so this is the end of both.
        self.promises.push((now, now.max(last + COOLDOWN)));
    }
}

fn request(at: usize, world: &World, verifier: &Verifier, model: &mut Model) -> Result<(), TestCaseError> {
    let now = world.now();
    let is_good = verifier.verify_at(&SIGNERS[at].token, now).is_ok();
    let want = at == 0 || model.keys(now).contains(&at);
    prop_assert_eq!(is_good, want, "signer {} at {}", at, now);
    if !want {
        model.ask(at, now);
    }
    Ok(())
}

fn play(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (world, verifier, _, refresh) = fixture();
    let mut model = Model { published: Some((vec![1], TimeDelta::zero())), ..Model::default() };
    world.script(jwks_of(&[1]), TimeDelta::zero());
    let mut host = Host::driving(&world, refresh);
    for step in steps {
        model.observe(&world);
        match step {
            Step::Pass(time) => host.pass(time),
            Step::Publish(keys, latency) => {
                world.script(jwks_of(&keys), latency);
                model.published = Some((keys, latency));
            }
            Step::Fail(answer) => {
                world.script(answer, TimeDelta::zero());
                model.published = None;
            }
            Step::Request(at) => request(at, &world, &verifier, &mut model)?,
        }
        host.settle();
    }
    host.pass(INTERVAL + LONGEST);
    check(&world, &model)
}

fn check(world: &World, model: &Model) -> Result<(), TestCaseError> {
    let begins = world.begins();
    prop_assert_eq!(world.most_in_flight(), 1);
    for pair in begins.windows(2) {
        let gap = pair[1] - pair[0];
        prop_assert!(gap >= COOLDOWN, "{gap} between two fetches");
        prop_assert!(gap <= INTERVAL, "{gap} without a fetch");
    }
    for (asked, latest) in &model.promises {
        let kept = begins.iter().any(|begin| asked <= begin && begin <= latest);
        prop_assert!(kept, "asked at {asked}, and no fetch until {latest}: {begins:?}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn fetches_are_single_bounded_and_prompt_and_the_keys_are_those_of_the_last_good_one(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        play(steps)?;
    }
}

#[test]
fn a_flood_of_unknown_ids_costs_one_fetch_a_cooldown() {
    let (world, verifier, _, refresh) = fixture();
    world.script(jwks_of(&[1]), TimeDelta::zero());
    let mut host = Host::driving(&world, refresh);
    for id in 0..10_000 {
        let header = format!(r#"{{"alg":"EdDSA","kid":"id {id}"}}"#);
        verifier.verify_at(crate::forge::sign(&header, "{}"), world.now()).unwrap_err();
        host.settle();
        host.pass(TimeDelta::milliseconds(30));
    }
    assert_eq!(world.begins().len(), 1 + 10);
    assert_eq!(world.now(), now() + TimeDelta::seconds(300));
}

const COOLDOWN: TimeDelta = TimeDelta::seconds(30);
const INTERVAL: TimeDelta = TimeDelta::minutes(5);
const STALE: TimeDelta = TimeDelta::hours(1);
const LONGEST: TimeDelta = TimeDelta::seconds(30);
const REST: TimeDelta = TimeDelta::minutes(1);
