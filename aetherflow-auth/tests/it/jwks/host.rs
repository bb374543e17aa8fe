//! A host in virtual time: it drives one refresh, and a source that follows a script.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use aetherflow_auth::key::{Fetch, JwksRefresh, JwksSource, SourceError, Timer};
use chrono::{DateTime, TimeDelta, Utc};

/// What the source does at its next fetch.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Text(String),
    Down,
    TooLarge,
    Hang,
}

/// The clock, the script, and what was seen of both.
#[derive(Clone, Debug, Default)]
pub(super) struct World(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    now: DateTime<Utc>,
    deadlines: Vec<DateTime<Utc>>,
    answer: Option<Answer>,
    latency: TimeDelta,
    begins: Vec<DateTime<Utc>>,
    reports: Vec<String>,
    in_flight: usize,
    most_in_flight: usize,
}

impl World {
    pub(super) fn at(now: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(Seen { now, ..Seen::default() })))
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.0.lock().unwrap().now
    }

    /// Moves the clock without letting anything run.
    pub(super) fn set_clock(&self, now: DateTime<Utc>) {
        self.0.lock().unwrap().now = now;
    }

    pub(super) fn script(&self, answer: Answer, latency: TimeDelta) {
        let mut seen = self.0.lock().unwrap();
        (seen.answer, seen.latency) = (Some(answer), latency);
    }

    /// When each fetch began.
    pub(super) fn begins(&self) -> Vec<DateTime<Utc>> {
        self.0.lock().unwrap().begins.clone()
    }

    /// How each attempt ended.
    pub(super) fn reports(&self) -> Vec<String> {
        self.0.lock().unwrap().reports.clone()
    }

    pub(super) fn most_in_flight(&self) -> usize {
        self.0.lock().unwrap().most_in_flight
    }

    fn until(&self, deadline: DateTime<Utc>) -> impl Future<Output = ()> + Send + '_ {
        self.0.lock().unwrap().deadlines.push(deadline);
        std::future::poll_fn(move |_| if self.now() >= deadline { Poll::Ready(()) } else { Poll::Pending })
    }
}

impl Timer for World {
    fn now(&self) -> DateTime<Utc> {
        Self::now(self)
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.until(self.now() + time))
    }
}

impl JwksSource for World {
    fn fetch(&self, _most_bytes: usize) -> Fetch<'_> {
        Box::pin(async {
            let flight = Flight::begin(self);
            let (answer, latency) = flight.script();
            self.until(self.now() + latency).await;
            match answer {
                Some(Answer::Text(text)) => Ok(text.into_bytes()),
                Some(Answer::TooLarge) => Err(SourceError::TooLarge),
                Some(Answer::Hang) => std::future::pending().await,
                Some(Answer::Down) | None => Err(SourceError::unavailable("down")),
            }
        })
    }
}

/// One fetch, counted for as long as it is under way.
struct Flight<'w>(&'w World);

impl<'w> Flight<'w> {
    fn begin(world: &'w World) -> Self {
        let mut seen = world.0.lock().unwrap();
        let now = seen.now;
        seen.begins.push(now);
        seen.in_flight += 1;
        seen.most_in_flight = seen.most_in_flight.max(seen.in_flight);
        Self(world)
    }

    fn script(&self) -> (Option<Answer>, TimeDelta) {
        let seen = self.0.0.lock().unwrap();
        (seen.answer.clone(), seen.latency)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().in_flight -= 1;
    }
}

/// A runtime of one task, which runs it when it was woken or a deadline has come.
pub(super) struct Host {
    world: World,
    run: Pin<Box<dyn Future<Output = ()>>>,
    wakes: Arc<Wakes>,
}

impl Host {
    /// Begins to drive the refresh; what is due at once is done.
    pub(super) fn driving(world: &World, refresh: JwksRefresh) -> Self {
        let (timer, seen) = (world.clone(), world.clone());
        let run = async move {
            let report = |ended: &Result<_, _>| {
                let line = ended.as_ref().map_or_else(ToString::to_string, |_| "good".to_owned());
                seen.0.lock().unwrap().reports.push(line);
            };
            match refresh.run(&timer, report).await {}
        };
        let mut host = Self { world: world.clone(), run: Box::pin(run), wakes: Arc::default() };
        host.poll();
        host
    }

    /// Lets time pass; the task runs at each deadline on the way.
    pub(super) fn pass(&mut self, time: TimeDelta) {
        let end = self.world.now() + time;
        while let Some(next) = self.next_deadline(end) {
            self.world.set_clock(next);
            self.poll();
        }
        self.world.set_clock(end);
    }

    /// Runs the task if something woke it, and says whether.
    pub(super) fn settle(&mut self) -> bool {
        let is_woken = self.wakes.0.swap(0, Ordering::SeqCst) > 0;
        if is_woken {
            self.poll();
        }
        is_woken
    }

    fn next_deadline(&self, end: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut seen = self.world.0.lock().unwrap();
        let now = seen.now;
        seen.deadlines.retain(|deadline| *deadline > now);
        seen.deadlines.iter().copied().filter(|deadline| *deadline <= end).min()
    }

    fn poll(&mut self) {
        let waker = Waker::from(Arc::clone(&self.wakes));
        assert_eq!(self.run.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("world", &self.world).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Runs a future that waits for nothing.
pub(super) fn now_or_never<T>(work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the future waits"),
    }
}
