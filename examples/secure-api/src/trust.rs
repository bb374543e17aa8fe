//! The issuer's further keys, `--trust-jwks`: from a file once, or from a URL again and again.

mod file;
mod refresh;
#[cfg(test)]
mod tests;
mod url;

use std::path::Path;

use aetherflow_auth::key::VerifyingKey;

use crate::fault::Fault;
use crate::operator;

pub(crate) use refresh::Refresh;
pub(crate) use url::JwksUrl;

/// Where the keys beside the server's own come from.
#[derive(Debug)]
pub(crate) enum Trust {
    Keys(Vec<VerifyingKey>),
    Url(JwksUrl),
}

impl Trust {
    /// Reads the option, and tells of the keys it ignores; a URL's certificates are checked by the authorities in a file,
    /// else by the system's.
    pub(crate) fn read(source: Option<&str>, authorities: Option<&Path>) -> Result<Self, Fault> {
        match source {
            Some(url) if url.contains("://") => JwksUrl::read(url, authorities).map(Self::Url),
            _ if authorities.is_some() => Err(Fault::AuthorityUnused),
            Some(path) => keys_of_file(path).map(Self::Keys),
            None => Ok(Self::default()),
        }
    }

    /// The keys that are there at the start, and where others are fetched.
    pub(crate) fn split(self) -> (Vec<VerifyingKey>, Option<JwksUrl>) {
        match self {
            Self::Keys(keys) => (keys, None),
            Self::Url(url) => (Vec::new(), Some(url)),
        }
    }
}

impl Default for Trust {
    fn default() -> Self {
        Self::Keys(Vec::new())
    }
}

fn keys_of_file(path: &str) -> Result<Vec<VerifyingKey>, Fault> {
    let (keys, ignored) = file::read(path)?;
    ignored.iter().for_each(|line| operator::tell(format_args!("--trust-jwks {path}: {line}")));
    Ok(keys)
}

fn refused(value: &str, reason: String) -> Fault {
    Fault::Value { option: "--trust-jwks", value: value.to_owned(), reason }
}
