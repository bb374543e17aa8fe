//! What the operator is told while the server runs.

use std::error::Error;
use std::fmt::Display;
use std::io::Write;

/// Writes one line to standard error; nobody listening is no reason to stop serving.
pub(crate) fn tell(line: impl Display) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// Writes text to standard output, and the same for nobody listening.
pub(crate) fn print(text: impl Display) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{text}").and_then(|()| out.flush()));
}

/// An error with what caused it.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
