use std::time::{Duration, Instant};

use crate::allocations;

/// Contestants that take turns, so that a noisy second hits all of them.
pub struct Contest<'a> {
    entries: Vec<Entry<'a>>,
}

struct Entry<'a> {
    name: String,
    run: Box<dyn FnMut() + 'a>,
    runs: u64,
    calls_a_run: u64,
    nanoseconds: Vec<f64>,
    allocations: f64,
}

/// One contestant's figures, in nanoseconds a call.
#[derive(Clone, Debug)]
pub struct Measured {
    pub name: String,
    pub median: f64,
    pub least: f64,
    pub most: f64,
    pub allocations: f64,
}

impl<'a> Contest<'a> {
    pub fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Adds one that does its work once a call.
    pub fn add(&mut self, name: &str, run: impl FnMut() + 'a) {
        self.add_batch(name, 1, run);
    }

    /// Adds one that does its work so many times a call.
    pub fn add_batch(&mut self, name: &str, calls_a_run: u64, run: impl FnMut() + 'a) {
        let run = Box::new(run);
        self.entries.push(Entry {
            name: name.into(),
            run,
            runs: 1,
            calls_a_run,
            nanoseconds: Vec::new(),
            allocations: 0.0,
        });
    }

    /// Calibrates each to 50 ms a round, then lets them take turns, and prints the table.
    pub fn measure(mut self) -> Vec<Measured> {
        self.entries.iter_mut().for_each(Entry::calibrate);
        for _ in 0..ROUNDS {
            self.entries.iter_mut().for_each(Entry::round);
        }
        let all: Vec<Measured> = self.entries.iter().map(Entry::measured).collect();
        println!("{:<44} {:>9} {:>9} {:>9} {:>7}", "", "median ns", "min", "max", "allocs");
        for one in &all {
            let Measured { name, median, least, most, allocations } = one;
            println!("{name:<44} {median:>9.1} {least:>9.1} {most:>9.1} {allocations:>7.1}");
        }
        all
    }
}

impl Default for Contest<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl Entry<'_> {
    fn calibrate(&mut self) {
        while self.time() < Duration::from_millis(50) {
            self.runs *= 2;
        }
    }

    fn round(&mut self) {
        let calls = (self.runs * self.calls_a_run) as f64;
        let before = allocations();
        let nanoseconds = self.time().as_nanos() as f64 / calls;
        self.allocations = (allocations() - before) as f64 / calls;
        self.nanoseconds.push(nanoseconds);
    }

    fn time(&mut self) -> Duration {
        let start = Instant::now();
        for _ in 0..self.runs {
            (self.run)();
        }
        start.elapsed()
    }

    fn measured(&self) -> Measured {
        let mut sorted = self.nanoseconds.clone();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
        Measured {
            name: self.name.clone(),
            median: sorted[sorted.len() / 2],
            least,
            most,
            allocations: self.allocations,
        }
    }
}

/// Prints the line that scripts read.
pub fn ratio(what: &str, ours: f64, peer_name: &str, peer: f64) {
    println!("ratio\t{what}\t{ours:.1}\t{peer_name}\t{peer:.1}\t{:.3}", ours / peer);
}

const ROUNDS: usize = 11;
