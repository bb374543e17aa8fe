//! What a key owes in two windows, in one word.
//!
//! From the top: 36 bits, the moment at which the shorter window owes nothing, in milliseconds since the table began (2.1
//! years); 24 bits, by how much the longer one's moment is later, plus [`OFFSET`]; 4 bits, the slot's owner. Both
//! moments are set at the same admission, and none lies further ahead than its window is long, so that their distance
//! fits.

/// The moments at which the shorter and the longer window owe nothing, in milliseconds since the table began.
pub(crate) type Moments = [u64; 2];

/// A slot's word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct State(u64);

impl State {
    /// A slot nobody ever owned.
    pub(crate) const EMPTY: Self = Self(0);

    /// The state of an owner, whom `generation` tells from the slot's owners before and after.
    pub(crate) fn new([short, long]: Moments, generation: u64) -> Self {
        let gap = (long + OFFSET).saturating_sub(short).min(MAX_GAP);
        Self(short.min(MAX_MOMENT) << 28 | gap << 4 | generation & 0xf)
    }

    /// The state of a slot between two owners.
    pub(crate) fn claimed(generation: u64) -> Self {
        Self(u64::MAX << 4 | generation & 0xf)
    }

    pub(crate) fn from_word(word: u64) -> Self {
        Self(word)
    }

    pub(crate) fn word(self) -> u64 {
        self.0
    }

    /// Whether the slot is between two owners.
    pub(crate) fn is_claimed(self) -> bool {
        self.0 >> 4 == u64::MAX >> 4
    }

    pub(crate) fn generation(self) -> u64 {
        self.0 & 0xf
    }

    /// The moment at which nothing is owed.
    pub(crate) fn full_at(self) -> u64 {
        let [short, long] = self.moments();
        short.max(long)
    }

    pub(crate) fn moments(self) -> Moments {
        let (short, gap) = (self.0 >> 28, self.0 >> 4 & MAX_GAP);
        [short, (short + gap).saturating_sub(OFFSET)]
    }
}

/// The later of each.
pub(crate) fn later(one: Moments, other: Moments) -> Moments {
    [one[0].max(other[0]), one[1].max(other[1])]
}

/// The longest that a shorter window may take to refill, in milliseconds (70 minutes).
pub(crate) const OFFSET: u64 = 1 << 22;
/// The longest that a longer window may take to refill, in milliseconds (3.5 hours).
pub(crate) const MOST_LONG: u64 = MAX_GAP - 1 - OFFSET;
/// The last moment the clock of a table shows; there it stands still, and what is owed then is owed for ever.
pub(crate) const LAST: u64 = MAX_MOMENT - 2 * OFFSET;
const MAX_MOMENT: u64 = (1 << 36) - 1;
const MAX_GAP: u64 = (1 << 24) - 1;

#[cfg(test)]
mod tests;
