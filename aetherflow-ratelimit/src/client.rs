//! The client's side: keeping to a limit that others share, and coming back after a refusal.
//!
//! 1. [`Feedback`] is what an answer says of the limits: `RateLimit`, `RateLimit-Policy`, `Retry-After`, or the older
//!    `X-RateLimit-*`.
//! 2. A [`Pacer`] says when to send: first come, first served, at the pace that feedback leaves to this client.
//! 3. A [`Backoff`] says when to send a failed request again, and when to give up.
//! 4. A [`RetryBudget`] bounds what all retries together add to the load.
//!
//! Nothing here reads a clock, sleeps, or knows a runtime: time and randomness are arguments, fields are text.
//!
//! ```
//! use aetherflow_ratelimit::Tick;
//! use aetherflow_ratelimit::client::{Feedback, Pacer};
//!
//! let (pacer, now) = (Pacer::new(), Tick::from_millis(0));
//! let refusal = Feedback::of([("Retry-After", "2")]);
//! pacer.learn_at(&refusal, now, &mut rand::rng());
//! let turn = pacer.enter_at(now);
//! assert!(pacer.due_at(turn, now) >= Tick::from_millis(2_000));
//! ```

mod backoff;
mod budget;
mod feedback;
mod pace;

pub use self::backoff::Backoff;
pub use self::budget::RetryBudget;
pub use self::feedback::{Feedback, Quota};
pub use self::pace::{Pacer, Turn};
