//! A table of keys that neither grows nor locks on a hit.
//!
//! 1. A line of 64 bytes has four slots, each a fingerprint and a [`State`]. A key has two candidate lines.
//! 2. A hit finds the fingerprint, loads the state, loads the fingerprint again, and swaps the state from what it was.
//! 3. A key that is not there takes the locks of both lines, looks again, and claims a slot: one nobody owns or whose
//!    bucket is full again, on the line that has more of them; if all eight are live, the one nearest to full.
//! 4. A claim swaps the state to claimed under the next generation, stores the fingerprint, stores the state. A hit that
//!    meets a claimed state, another fingerprint or another generation goes the way of a miss.
//! 5. What a replaced key owed raises the floor of its line, and every newcomer, also in a free slot, starts with the
//!    higher floor of its two lines: a flood can make the limiter stricter, never laxer.

use std::array;

use crate::pair::Pair;
use crate::state::{Moments, State, later};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard};

#[derive(Debug)]
pub(crate) struct Table {
    lines: Box<[Line]>,
    /// Of each line, the latest moments of the keys that gave way there.
    floors: Box<[AtomicU64]>,
    locks: Box<[Mutex<()>]>,
    replaced: AtomicU64,
}

/// What the table says of one request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Ruling {
    pub(crate) is_allowed: bool,
    /// After the request, if it is allowed.
    pub(crate) moments: Moments,
}

impl Table {
    /// Makes room for at least so many keys, and for eight at the least.
    pub(crate) fn new(slots: usize) -> Self {
        let lines = slots.div_ceil(IN_LINE).max(2);
        Self {
            lines: (0..lines).map(|_| Line::default()).collect(),
            floors: (0..lines).map(|_| AtomicU64::new(State::EMPTY.word())).collect(),
            locks: (0..LOCKS.min(lines)).map(|_| Mutex::new(())).collect(),
            replaced: AtomicU64::new(0),
        }
    }

    /// Decides a request of `cost` at `now`, at most [`LAST`](crate::state::LAST), and charges both windows or neither.
    pub(crate) fn check(&self, key: u64, pair: Pair, cost: u32, now: u64) -> Ruling {
        let key = print(key);
        match self.find(key).and_then(|slot| slot.hit(key, pair, cost, now)) {
            Some(ruling) => ruling,
            None => self.miss(key, pair, cost, now),
        }
    }

    /// What [`check`](Self::check) would say.
    pub(crate) fn peek(&self, key: u64, pair: Pair, cost: u32, now: u64) -> Ruling {
        let key = print(key);
        let moments = self.find(key).and_then(|slot| slot.moments(key));
        rule(pair, moments.unwrap_or_else(|| self.floor(self.lines_of(key))), cost, now)
    }

    /// Gives a request of `cost` back, if the key is still there and its share of refunds has room.
    pub(crate) fn refund(&self, key: u64, pair: Pair, cost: u32, now: u64) -> bool {
        let key = print(key);
        let share = key.wrapping_mul(SHARE);
        self.find(key).is_some_and(|slot| {
            slot.state().full_at() > now
                && self.check(share, pair.tenth(), cost, now).is_allowed
                && slot.give_back(key, pair, cost, now)
        })
    }

    /// How many slots have an owner.
    pub(crate) fn kept(&self) -> usize {
        let slots = self.lines.iter().flat_map(|line| &line.0);
        slots.filter(|slot| slot.key.load(Ordering::Relaxed) != NOBODY).count()
    }

    /// How many keys gave way while they still owed something.
    pub(crate) fn replaced(&self) -> u64 {
        self.replaced.load(Ordering::Relaxed)
    }

    /// Looks at all eight slots before it decides, so that neither line waits for the other to come from memory.
    fn find(&self, key: u64) -> Option<&Slot> {
        let [first, second] = self.lines_of(key).map(|line| &self.lines[line]);
        // Asked for before it is needed, so that neither line waits for the other to come from memory.
        second.touch();
        first.slot_of(key).or_else(|| second.slot_of(key))
    }

    #[cold]
    fn miss(&self, key: u64, pair: Pair, cost: u32, now: u64) -> Ruling {
        let lines = self.lines_of(key);
        let _locks = self.lock(lines);
        loop {
            // Somebody may have claimed a slot for the key meanwhile; nobody can while the locks are held.
            if let Some(slot) = self.find(key) {
                return slot.hit(key, pair, cost, now).expect("no slot of a locked line changes its owner");
            }
            let ruling = rule(pair, self.floor(lines), cost, now);
            if !ruling.is_allowed || cost == 0 {
                return ruling;
            }
            let (line, slot) = self.place(lines, now);
            if let Some(old) = slot.claim(key, ruling.moments) {
                if old.full_at() > now {
                    self.raise(line, old.moments());
                }
                return ruling;
            }
        }
    }

    /// The slot for a newcomer, and its line.
    fn place(&self, lines: [usize; 2], now: u64) -> (usize, &Slot) {
        let vacant = |line: usize| self.lines[line].0.iter().filter(|slot| slot.is_vacant(now)).count();
        let line = if vacant(lines[1]) > vacant(lines[0]) { lines[1] } else { lines[0] };
        if let Some(slot) = self.lines[line].0.iter().find(|slot| slot.is_vacant(now)) {
            return (line, slot);
        }
        let all = lines.into_iter().flat_map(|line| self.lines[line].0.iter().map(move |slot| (line, slot)));
        all.min_by_key(|(_, slot)| slot.state().full_at()).expect("two lines have slots")
    }

    fn floor(&self, [one, other]: [usize; 2]) -> Moments {
        let floor = |line: usize| State::from_word(self.floors[line].load(Ordering::Acquire)).moments();
        later(floor(one), floor(other))
    }

    /// Called under the line's lock only.
    fn raise(&self, line: usize, moments: Moments) {
        self.replaced.fetch_add(1, Ordering::Relaxed);
        let floor = later(self.floor([line, line]), moments);
        self.floors[line].store(State::new(floor, 0).word(), Ordering::Release);
    }

    /// Both lines' locks, taken in one order by all.
    fn lock(&self, lines: [usize; 2]) -> (MutexGuard<'_, ()>, Option<MutexGuard<'_, ()>>) {
        let [one, other] = lines.map(|line| line % self.locks.len());
        let take = |at: usize| self.locks[at].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let first = take(one.min(other));
        (first, (one != other).then(|| take(one.max(other))))
    }

    /// One in each half of the table, by the halves of the fingerprint.
    ///
    /// Who finds both alike goes to the first: a fifth as many find both full as if either might be any line (B. Vöcking,
    /// "How Asymmetry Helps Load Balancing", 2003).
    fn lines_of(&self, key: u64) -> [usize; 2] {
        let half = self.lines.len() / 2;
        let scaled = |part: u64, count: usize| usize::try_from((part * count as u64) >> 32).unwrap_or(0);
        [scaled(key >> 32, half), half + scaled(key & u64::from(u32::MAX), self.lines.len() - half)]
    }
}

#[derive(Debug)]
#[repr(align(64))]
struct Line([Slot; IN_LINE]);

impl Line {
    /// Without a branch for each slot: a key is in any of them, and none can be guessed.
    fn slot_of(&self, key: u64) -> Option<&Slot> {
        let [a, b, c, d] = self.0.each_ref().map(|slot| u32::from(slot.key.load(Ordering::Acquire) == key));
        let found = a | b << 1 | c << 2 | d << 3;
        self.0.get(found.trailing_zeros() as usize)
    }

    fn touch(&self) {
        self.0[0].key.load(Ordering::Relaxed);
    }
}

impl Default for Line {
    fn default() -> Self {
        Self(array::from_fn(|_| Slot::new()))
    }
}

#[derive(Debug)]
struct Slot {
    key: AtomicU64,
    state: AtomicU64,
}

impl Slot {
    fn new() -> Self {
        Self { key: AtomicU64::new(NOBODY), state: AtomicU64::new(State::EMPTY.word()) }
    }

    fn state(&self) -> State {
        State::from_word(self.state.load(Ordering::Acquire))
    }

    /// The state, if the slot is the key's.
    fn state_of(&self, key: u64) -> Option<State> {
        let state = self.state();
        // Loaded after the state: a state of the next owner is seen only with its fingerprint, or without an owner.
        let is_owner = self.key.load(Ordering::Acquire) == key;
        (is_owner && !state.is_claimed()).then_some(state)
    }

    fn moments(&self, key: u64) -> Option<Moments> {
        Some(self.state_of(key)?.moments())
    }

    /// Decides a request of the slot's owner; nothing, if the slot is not the key's any more.
    fn hit(&self, key: u64, pair: Pair, cost: u32, now: u64) -> Option<Ruling> {
        loop {
            let state = self.state_of(key)?;
            let ruling = rule(pair, state.moments(), cost, now);
            if !ruling.is_allowed || cost == 0 {
                return Some(ruling);
            }
            let next = State::new(ruling.moments, state.generation());
            if self.swap(state, next) {
                return Some(ruling);
            }
        }
    }

    /// Whether the slot is still the key's.
    fn give_back(&self, key: u64, pair: Pair, cost: u32, now: u64) -> bool {
        while let Some(state) = self.state_of(key) {
            let moments = pair.give_back(state.moments(), cost, now);
            if self.swap(state, State::new(moments, state.generation())) {
                return true;
            }
        }
        false
    }

    /// Whether it has no owner, or one that owes nothing.
    fn is_vacant(&self, now: u64) -> bool {
        self.key.load(Ordering::Relaxed) == NOBODY || self.state().full_at() <= now
    }

    /// Makes the slot the key's, under the locks of its lines. Gives what was there; nothing, if its owner came back in
    /// between.
    fn claim(&self, key: u64, moments: Moments) -> Option<State> {
        let old = self.state();
        let generation = old.generation() + 1;
        if !self.swap(old, State::claimed(generation)) {
            return None;
        }
        self.key.store(key, Ordering::Release);
        self.state.store(State::new(moments, generation).word(), Ordering::Release);
        Some(old)
    }

    fn swap(&self, old: State, new: State) -> bool {
        self.state.compare_exchange(old.word(), new.word(), Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

fn rule(pair: Pair, moments: Moments, cost: u32, now: u64) -> Ruling {
    match pair.admit(moments, cost, now) {
        Some(moments) => Ruling { is_allowed: true, moments },
        None => Ruling { is_allowed: false, moments },
    }
}

/// The fingerprint of a key by its hash; no key has nobody's.
fn print(hash: u64) -> u64 {
    if hash == NOBODY { 1 } else { hash }
}

/// Odd, so that no two keys have one share: what a key was given back is counted under its fingerprint times this.
const SHARE: u64 = 0x9e37_79b9_7f4a_7c15;
const NOBODY: u64 = 0;
const IN_LINE: usize = 4;
const LOCKS: usize = 1_024;

#[cfg(test)]
mod tests;
