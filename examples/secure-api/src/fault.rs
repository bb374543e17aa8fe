//! What is wrong with a configuration, all of it at once.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// One mistake in the configuration, for the operator.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    /// An option nobody knows.
    #[error("unknown option {0}")]
    UnknownOption(String),
    /// A word that is neither `serve` nor `tour`.
    #[error("unexpected argument {0}")]
    UnexpectedArgument(String),
    /// An option at the end of the line, or with nothing in its place.
    #[error("{0} needs a value")]
    MissingValue(String),
    /// A value that is not UTF-8.
    #[error("{0} is not text")]
    NotText(String),
    /// Any other mistake of the command line.
    #[error("{0}")]
    CommandLine(lexopt::Error),
    /// An option whose value is refused, and why.
    #[error("{option} {value}: {reason}")]
    Value {
        /// The option's name.
        option: &'static str,
        /// What stood there.
        value: String,
        /// Why it is refused.
        reason: String,
    },
    /// A port for a proxy, and no proxy to trust.
    #[error("--listen-proxied needs at least one --trusted-proxy")]
    ProxyMissing,
    /// Authorities for a URL, and no URL.
    #[error("--trust-jwks-ca needs a --trust-jwks that is a URL")]
    AuthorityUnused,
    /// A file or folder that cannot be used.
    #[error("{}: {source}", path.display())]
    Path {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// State that another configuration made.
    #[error("{}: was made for the {what} {found}", path.display())]
    Foreign {
        /// The data folder.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// What the folder says.
        found: String,
    },
    /// A part of the server that cannot be built.
    #[error("{what}: {reason}")]
    Part {
        /// Which part.
        what: &'static str,
        /// Why not.
        reason: String,
    },
}

/// The faults found so far.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Remembers one more fault.
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// The value, or nothing and what is wrong with it.
    pub(crate) fn keep<T>(&mut self, outcome: Result<T, impl Into<Self>>) -> Option<T> {
        outcome.map_err(|faults| self.0.extend(faults.into())).ok()
    }

    /// Nothing, or all of them.
    ///
    /// # Errors
    ///
    /// The faults, if there is one.
    pub(crate) fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl IntoIterator for Faults {
    type Item = Fault;
    type IntoIter = std::vec::IntoIter<Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {}", self.0.len())?;
        f.write_str(if self.0.len() == 1 { " fault" } else { " faults" })?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for Faults {}
