//! How much of a quota is ours.

/// The part of a pace that falls to this client, among clients it knows nothing of.
#[derive(Debug)]
pub(super) struct Share {
    part: f64,
    is_guess: bool,
}

impl Share {
    /// What a client starts with: enough to double up to the whole within a minute or so, if it is alone.
    pub(super) fn guess() -> Self {
        Self { part: 1.0 / 16.0, is_guess: true }
    }

    pub(super) fn part(&self) -> f64 {
        self.part
    }

    /// Moves half the way to what was measured, from a guess the whole; at most to twice the part, or to a quarter.
    ///
    /// The parts of all clients keep adding up to one, since what they measure does. The little that each adds to its
    /// own is taken from those with more: so they become equal.
    pub(super) fn measured(&mut self, part: f64) {
        let part = part.clamp(self.part / 4.0, self.part * 2.0) + LEVELLING.min(self.part / 50.0);
        let weight = if self.is_guess { 1.0 } else { 0.5 };
        self.is_guess = false;
        self.set(self.part + weight * (part - self.part));
    }

    /// Takes back half; of a guess that met an empty bucket nearly all, for then it is a crowd that guesses.
    pub(super) fn refused(&mut self) {
        self.set(self.part / if self.is_guess { 16.0 } else { 2.0 });
    }

    fn set(&mut self, part: f64) {
        self.part = part.clamp(LEAST, 1.0);
    }
}

const LEVELLING: f64 = 1e-4;

/// From which doubling still leads back.
const LEAST: f64 = 1e-6;
