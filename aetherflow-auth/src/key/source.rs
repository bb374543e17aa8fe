use std::error::Error;
use std::fmt;
use std::pin::Pin;

/// Where a JWKS is fetched from: the host's HTTP client, a file, a database.
///
/// # Security
///
/// Whoever can answer in the source's place signs tokens in the issuer's name. A source over a network speaks HTTPS
/// with its certificates checked, follows no redirect, and asks an address from the configuration, never one out of
/// a token.
pub trait JwksSource: fmt::Debug + Send + Sync {
    /// Reads the JWKS as it is now, at most `most_bytes` of it.
    ///
    /// A longer text ends as [`SourceError::TooLarge`] without having been read to its end. The future bounds its own
    /// time; dropped half way, it leaves nothing behind.
    fn fetch(&self, most_bytes: usize) -> Fetch<'_>;
}

/// A fetch under way.
pub type Fetch<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, SourceError>> + Send + 'a>>;

/// Why a source gave no JWKS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It could not be asked, or did not answer as it should.
    #[error("the source of the JWKS gave no answer")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The text is longer than the limit.
    #[error("the JWKS is longer than the limit")]
    TooLarge,
}

impl SourceError {
    /// Wraps what the host's client says.
    #[must_use]
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into())
    }
}
