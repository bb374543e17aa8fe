use std::error::Error;

/// Why there is no feed.
///
/// For the operator. What Redis or the network said is the [source](Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The text is no address of a Redis server, or of one over TLS where the TLS of the crate `redis` is not compiled in.
    #[error("the address is not one of a Redis server")]
    Address(#[source] Box<dyn Error + Send + Sync>),
    /// The server refused a command, could not be reached, or did not answer within a second.
    #[error("the Redis server did not do as it was asked")]
    Server(#[source] Box<dyn Error + Send + Sync>),
    /// The connection ended.
    #[error("the connection to the Redis server ended")]
    Closed,
    /// No heartbeat came back that was sent within the last three quarters of a second.
    #[error("no heartbeat came back in time")]
    Silent,
    /// The channel or the record holds something of no known form, perhaps of a newer version.
    #[error("the channel or the record holds something that cannot be read")]
    Unreadable,
    /// The record was emptied by another hand than ours; it is filled again at once.
    #[error("the record was emptied")]
    Emptied,
    /// More was revoked at once than is told one by one; it is told by comparison.
    #[error("too much was revoked at once")]
    Overflow,
}

impl From<redis::RedisError> for FeedError {
    fn from(error: redis::RedisError) -> Self {
        Self::Server(Box::new(error))
    }
}
