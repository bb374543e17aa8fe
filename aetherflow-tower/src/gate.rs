//! The whole model as one value, free of any framework.
//!
//! A request is decided in this order, and the first check that does not hold answers:
//!
//! 1. the accept loop said what connection it came over;
//! 2. it came over TLS;
//! 3. the gate's own address rules;
//! 4. a public route asks no more (nor does a wrong method of a path that is public altogether);
//! 5. the failure budget of its address, unless its token is remembered as good;
//! 6. its path has one reading;
//! 7. its credential: presented once and well, valid, not revoked;
//! 8. the limit of its plan;
//! 9. its route is listed, and takes its method, credential kind, third party, plan, scopes and address.
//!
//! Nothing here reads a body or awaits anything but a store of API keys.

use std::fmt;
use std::pin::Pin;

use http::{HeaderMap, StatusCode};

use crate::access::Access;
use crate::answer::AnswerFields;
use crate::record::Record;
use crate::rejection::Answer;

pub use builder::GateBuilder;
pub use clock::{Clock, Now};
pub(crate) use core::Gate;

mod address_rules;
mod api_keys;
mod budget;
mod builder;
mod clock;
pub(crate) mod core;
mod form;
mod operator;
mod tiers;
mod visit;

/// A decision, or the promise of one.
#[must_use = "a request may only be served if the outcome says so"]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every request is decided at once, and a box is an allocation"
)]
pub enum Check {
    /// The request is decided.
    Done(Outcome),
    /// A store has to be asked first; the future owns all it needs.
    Wait(Pin<Box<dyn Future<Output = Outcome> + Send>>),
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(outcome) => f.debug_tuple("Done").field(outcome).finish(),
            Self::Wait(_) => f.write_str("Wait"),
        }
    }
}

/// What became of a request.
#[derive(Debug)]
#[must_use = "a request may only be served if the outcome says so"]
pub enum Outcome {
    /// It may be served: give the handler the first, and close with the second when the handler has answered.
    Allow(Access, Closing),
    /// It is refused, with this answer.
    Reject(Answer),
}

/// What is left to do when a handler has answered: headers to add, and the audit event.
///
/// Dropped unclosed, it records that the request had no answer.
#[derive(Debug)]
pub struct Closing {
    pub(crate) fields: AnswerFields,
    pub(crate) record: Record,
}

impl Closing {
    /// Adds the gate's headers to the handler's, and records the decision with the answer's status.
    pub fn close(self, status: StatusCode, headers: &mut HeaderMap) {
        self.fields.write(headers);
        self.record.answered(status);
    }
}
