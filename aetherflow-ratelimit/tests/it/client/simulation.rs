//! A hundred clients, one quota, virtual time.
//!
//! The clients know nothing of each other. Each always has a next request, and one on its way at a time; a request takes
//! 10 to 100 ms to the server and its answer as long back, drawn anew each time. The server is a [`Limiter`], and what
//! the clients learn is the text of its fields. All begin in the same millisecond.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::time::Duration;

use aetherflow_ratelimit::client::{Backoff, Feedback, Pacer, Turn};
use aetherflow_ratelimit::{Key, Limiter, Plan, Tick, fields};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// What a client does with an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Manner {
    /// A pacer, and a backoff for what is refused.
    Paced,
    /// Waits exactly as long as `Retry-After` says.
    Obedient,
    /// Sends again at once.
    Impatient,
}

/// What is played, in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    plan: Plan,
    outage: Range<u64>,
    end: u64,
}

impl Scene {
    /// So many minutes without trouble.
    pub(crate) fn calm(plan: Plan, minutes: u64) -> Self {
        Self { plan, outage: 0..0, end: minutes * MINUTE }
    }

    /// Ten minutes, then five in which the server is away and tells everyone when it will be back; then it begins anew,
    /// all buckets full, and so many minutes more.
    pub(crate) fn outage(plan: Plan, minutes: u64) -> Self {
        let outage = 10 * MINUTE..15 * MINUTE;
        Self { plan, end: outage.end + minutes * MINUTE, outage }
    }

    /// What the buckets let through from the last start to the end: the window that gives least.
    fn envelope(&self) -> u64 {
        let time = self.end - self.outage.end;
        let most = self.plan.windows().map(|window| {
            let (limit, period) =
                (u64::from(window.limit()), u64::try_from(window.period().as_millis()).unwrap());
            limit + limit * time / period
        });
        most.min().unwrap()
    }

    /// From when a second full of requests is a burst: from the restart; without one, when clients had a minute to find
    /// out about each other.
    fn settled(&self) -> u64 {
        self.outage.end.max(MINUTE)
    }
}

/// What reached the server, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) sent: u64,
    /// The part of all requests that was refused.
    pub(crate) refused: f64,
    /// The part of the envelope that was used.
    pub(crate) used: f64,
    /// The most requests in one second, once settled.
    pub(crate) busiest: u32,
    /// Requests a second, on average, if all of the envelope is used.
    pub(crate) mean: f64,
    /// The least and the most that one client got, as multiples of an equal part.
    pub(crate) parts: [f64; 2],
}

pub(crate) fn play(scene: &Scene, manner: Manner, seed: u64) -> Outcome {
    let mut world = World::new(scene, manner, seed);
    while let Some(Reverse((now, _, client, event))) =
        world.events.pop().filter(|Reverse(next)| next.0 < scene.end)
    {
        match event {
            Event::Wake => world.wake(now, client),
            Event::Arrive => world.arrive(now, client),
            Event::Answer(answer) => world.hear(now, client, &answer),
        }
    }
    world.outcome()
}

#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Event {
    Wake,
    Arrive,
    Answer(Answer),
}

#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Answer {
    is_admitted: bool,
    fields: Vec<(&'static str, String)>,
}

struct World<'a> {
    scene: &'a Scene,
    manner: Manner,
    random: StdRng,
    limiter: Limiter,
    clients: Vec<Client>,
    /// In order of time; at one time, in the order in which they were planned.
    events: BinaryHeap<Reverse<(u64, u64, usize, Event)>>,
    planned: u64,
    admitted: u64,
    seconds: Vec<u32>,
}

impl<'a> World<'a> {
    fn new(scene: &'a Scene, manner: Manner, seed: u64) -> Self {
        let mut world = Self {
            scene,
            manner,
            random: StdRng::seed_from_u64(seed),
            limiter: Limiter::new(8),
            clients: (0..CLIENTS).map(|_| Client::new()).collect(),
            events: BinaryHeap::new(),
            planned: 0,
            admitted: 0,
            seconds: vec![0; second(scene.end) + 1],
        };
        (0..world.clients.len()).for_each(|client| world.plan(0, client, Event::Wake));
        world
    }

    fn plan(&mut self, at: u64, client: usize, event: Event) {
        self.planned += 1;
        self.events.push(Reverse((at, self.planned, client, event)));
    }

    fn travel(&mut self, now: u64, client: usize, event: Event) {
        let at = now + self.random.random_range(10..=100);
        self.plan(at, client, event);
    }

    fn wake(&mut self, now: u64, client: usize) {
        let due = match self.manner {
            Manner::Paced => self.clients[client].due(Tick::from_millis(now)),
            Manner::Obedient | Manner::Impatient => now,
        };
        if due > now {
            return self.plan(due, client, Event::Wake);
        }
        self.clients[client].turn = None;
        self.travel(now, client, Event::Arrive);
    }

    fn arrive(&mut self, now: u64, client: usize) {
        self.seconds[second(now)] += 1;
        let answer =
            if self.scene.outage.contains(&now) { self.refuse(now) } else { self.serve(now, client) };
        self.travel(now, client, Event::Answer(answer));
    }

    fn refuse(&self, now: u64) -> Answer {
        let wait = (self.scene.outage.end - now).div_ceil(1_000);
        Answer { is_admitted: false, fields: vec![("retry-after", wait.to_string())] }
    }

    fn serve(&mut self, now: u64, client: usize) -> Answer {
        let (plan, is_anew) = (&self.scene.plan, now >= self.scene.outage.end);
        let key = Key::tenant("iss", if is_anew { "acme" } else { "acme, before the outage" });
        let decision = self.limiter.check_at(&key, plan, 1, Tick::from_millis(now));
        let mut policy = String::new();
        fields::write_policy(plan, &decision, &mut policy);
        let mut fields = vec![("ratelimit-policy", policy), ("ratelimit", fields::limit(plan, &decision))];
        fields.extend(fields::retry_after(&decision).map(|wait| ("retry-after", wait.to_string())));
        let is_admitted = decision.is_allowed();
        self.admitted += u64::from(is_admitted);
        self.clients[client].served += u64::from(is_admitted && is_anew);
        Answer { is_admitted, fields }
    }

    fn hear(&mut self, now: u64, client: usize, answer: &Answer) {
        let wait = match self.manner {
            Manner::Paced => self.clients[client].hear(answer, Tick::from_millis(now), &mut self.random),
            Manner::Obedient => answer.retry_after(),
            Manner::Impatient => 0,
        };
        self.plan(now + wait, client, Event::Wake);
    }

    fn outcome(&self) -> Outcome {
        let sent = self.seconds.iter().copied().map(u64::from).sum();
        let served = || self.clients.iter().map(|client| client.served);
        let part = |served: Option<u64>| ratio(served.unwrap() * CLIENTS, self.scene.envelope());
        let settled = &self.seconds[second(self.scene.settled())..];
        Outcome {
            sent,
            refused: ratio(sent - self.admitted, sent),
            used: ratio(served().sum(), self.scene.envelope()),
            busiest: *settled.iter().max().unwrap(),
            mean: ratio(self.scene.envelope() * 1_000, self.scene.end - self.scene.outage.end),
            parts: [part(served().min()), part(served().max())],
        }
    }
}

impl Answer {
    fn retry_after(&self) -> u64 {
        let told = self.fields.iter().find(|(name, _)| *name == "retry-after");
        told.map_or(0, |(_, seconds)| seconds.parse::<u64>().unwrap() * 1_000)
    }
}

struct Client {
    pacer: Pacer,
    turn: Option<Turn>,
    backoff: Backoff,
    served: u64,
}

impl Client {
    fn new() -> Self {
        Self { pacer: Pacer::new(), turn: None, backoff: BACKOFF, served: 0 }
    }

    fn due(&mut self, now: Tick) -> u64 {
        let turn = *self.turn.get_or_insert_with(|| self.pacer.enter_at(now));
        self.pacer.due_at(turn, now).as_millis()
    }

    /// How long until the next request, or the same one again, takes its turn.
    fn hear(&mut self, answer: &Answer, now: Tick, random: &mut StdRng) -> u64 {
        let feedback = Feedback::of(answer.fields.iter().map(|(name, value)| (name, value)));
        self.pacer.learn_at(&feedback, now, random);
        if !answer.is_admitted
            && let Some(wait) = self.backoff.next_wait(feedback.retry_after(), random)
        {
            return u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap();
        }
        self.backoff = BACKOFF;
        0
    }
}

fn second(millis: u64) -> usize {
    usize::try_from(millis / 1_000).unwrap()
}

fn ratio(part: u64, whole: u64) -> f64 {
    f64::from(u32::try_from(part).unwrap()) / f64::from(u32::try_from(whole).unwrap())
}

const CLIENTS: u64 = 100;

const MINUTE: u64 = 60_000;

const BACKOFF: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(30), 8);
