//! An admitted request that may be given back.

use crate::decision::Decision;
use crate::tick::Tick;

/// Proves that one request was admitted, and gives it back at most once.
///
/// [`Limiter::permit_at`](crate::Limiter::permit_at) makes it, [`Limiter::refund_at`](crate::Limiter::refund_at) takes
/// it. Dropped, the request stays charged.
#[derive(Debug)]
#[must_use = "the request is admitted, and stays charged when this is dropped"]
pub struct Permit {
    pub(crate) decision: Decision,
    /// Of the key it was admitted for.
    pub(crate) fingerprint: u64,
    pub(crate) at: Tick,
}

impl Permit {
    /// Returns the decision that admitted the request.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }
}
