//! A window that never lets more than its limit through, wherever it is laid.
//!
//! 1. Admitted requests are counted by slices of a 64th of the period. A request is allowed if the slices that reach into
//!    the last period, and the one under way, hold no more than the limit with it.
//! 2. So any period, wherever it begins, lies within the slices that were counted when its last request came.
//! 3. The price is time: a request counts until its slice has left the period, up to a slice longer than it need.
//!
//! This is the sliding-window counter of whole slices: none is taken for a part of itself, as the usual one does.

/// The requests of the last period, by slices.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Log {
    limit: u32,
    /// Milliseconds.
    period: u64,
    /// Milliseconds since the clock's start.
    now: u64,
    /// How many were admitted in each slice, at the slice's number modulo their count.
    counts: Box<[u32]>,
}

impl Log {
    /// `period` is at least 1.
    pub(crate) fn new(limit: u32, period: u64) -> Self {
        // As many as reach into a period that ends within the last of them.
        let slices = period.div_ceil(slice(period)) + 1;
        Self { limit, period, now: 0, counts: (0..slices).map(|_| 0).collect() }
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    pub(crate) fn period(&self) -> u64 {
        self.period
    }

    /// The same requests at a later moment, or at the same, under another limit.
    pub(crate) fn at(mut self, limit: u32, now: u64) -> Self {
        self.limit = limit;
        self.advance(now);
        self
    }

    pub(crate) fn advance(&mut self, now: u64) {
        let first = self.newest().saturating_add(1);
        self.now = self.now.max(now);
        // A turn of the ring empties it.
        let last = self.newest().min(first.saturating_add(self.len()));
        for number in first..=last {
            *self.count_mut(number) = 0;
        }
    }

    /// How many count now.
    pub(crate) fn used(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    pub(crate) fn charge(&mut self, cost: u32) {
        let count = self.count_mut(self.newest());
        *count = count.saturating_add(cost);
    }

    /// Takes back what was admitted at `then`, as far as it still counts.
    pub(crate) fn refund(&mut self, cost: u32, then: u64) {
        let number = then / slice(self.period);
        if number.saturating_add(self.len()) > self.newest() {
            let count = self.count_mut(number);
            *count = count.saturating_sub(cost);
        }
    }

    /// Milliseconds until a request of `cost` fits; `None` if it never does.
    pub(crate) fn wait(&self, cost: u32) -> Option<u64> {
        let mut room = u64::from(self.limit.checked_sub(cost)?);
        if self.used() <= room {
            return Some(0);
        }
        for number in self.oldest()..=self.newest() {
            room += u64::from(self.count(number));
            if self.used() <= room {
                return Some(self.end(number).saturating_sub(self.now));
            }
        }
        None
    }

    /// The first moment at which nothing counts.
    pub(crate) fn empty_at(&self) -> u64 {
        let last = (self.oldest()..=self.newest()).rev().find(|number| self.count(*number) > 0);
        last.map_or(self.now, |number| self.end(number))
    }

    /// Milliseconds until nothing counts.
    pub(crate) fn reset(&self) -> u64 {
        self.empty_at() - self.now
    }

    /// Takes over what `other`, of the same period, holds of each slice wherever that is more.
    pub(crate) fn raise(&mut self, other: &Self) {
        self.advance(other.now);
        for number in other.oldest().max(self.oldest())..=other.newest() {
            let count = self.count_mut(number);
            *count = (*count).max(other.count(number));
        }
    }

    /// When the slice has left every period there will be.
    fn end(&self, number: u64) -> u64 {
        number.saturating_add(self.len()).saturating_mul(slice(self.period))
    }

    fn newest(&self) -> u64 {
        self.now / slice(self.period)
    }

    fn oldest(&self) -> u64 {
        self.newest().saturating_sub(self.len() - 1)
    }

    fn len(&self) -> u64 {
        self.counts.len() as u64
    }

    fn count(&self, number: u64) -> u32 {
        self.counts[self.place(number)]
    }

    fn count_mut(&mut self, number: u64) -> &mut u32 {
        &mut self.counts[self.place(number)]
    }

    fn place(&self, number: u64) -> usize {
        usize::try_from(number % self.len()).unwrap_or(0)
    }
}

/// Milliseconds.
fn slice(period: u64) -> u64 {
    period.div_ceil(SLICES)
}

const SLICES: u64 = 64;

#[cfg(test)]
mod tests;
