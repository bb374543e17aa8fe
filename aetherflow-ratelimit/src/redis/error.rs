//! Why there is no decision.

/// Why a request was not decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// Redis did not decide within the deadline, and the limiter is told to [close](crate::Fallback::Closed) then.
    #[error("the limit could not be asked for in time")]
    Unavailable,
    /// The plan cannot be counted in Redis: a window of it is [strict](crate::Window::strict), lets more than a million requests a second through, lasts longer
    /// than 285 years, or has a limit that times its length in microseconds reaches 2⁶³.
    #[error("the plan has a strict window, or one that cannot be counted in whole microseconds")]
    Plan,
}
