//! What can be wrong with a configuration.
//!
//! A request has no error of its own: its outcome, refusals included, is a [`Decision`](crate::Decision).

/// Says which rule a plan, a window, or the way to Redis breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A window's name is empty, longer than 31 bytes, or holds more than printable ASCII without `"` and `\`.
    #[error("a window's name must be 1 to 31 printable ASCII characters without quote and backslash")]
    WindowName,
    /// A window's limit is zero.
    #[error("a window's limit must be at least 1")]
    ZeroLimit,
    /// A window's period is zero or no whole number of milliseconds.
    #[error("a window's period must be a whole number of milliseconds, at least 1")]
    Period,
    /// A window's limit times its period in milliseconds reaches 2⁶³.
    #[error("a window's limit times its period in milliseconds must stay below 2^63")]
    TooLarge,
    /// A plan's name is empty.
    #[error("a plan's name must not be empty")]
    PlanName,
    /// A plan has no window.
    #[error("a plan needs at least one window")]
    NoWindow,
    /// Two windows of a plan have the same name.
    #[error("the windows of a plan must have different names")]
    SameName,
    /// Two windows of a plan have the same period.
    #[error("the windows of a plan must have different periods")]
    SamePeriod,
    /// A text is no address of a Redis server, or of one over TLS where the TLS of the crate `redis` is not compiled in.
    #[cfg(feature = "redis")]
    #[error("an address must be of the form redis://[user:password@]host[:port][/database]")]
    RedisAddress,
    /// The environment's name in Redis is not 1 to 16 of `a-z` and `0-9`.
    #[cfg(feature = "redis")]
    #[error("an environment's name must be 1 to 16 of a-z and 0-9")]
    Environment,
    /// The secret that names keys in Redis is shorter than 32 bytes.
    #[cfg(feature = "redis")]
    #[error("the secret that names keys must have at least 32 bytes")]
    ShortSecret,
}
