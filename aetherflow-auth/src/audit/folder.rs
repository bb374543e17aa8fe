//! The folder an audit log lives in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

/// Where an audit log is kept, and in which measures.
#[derive(Clone, Debug)]
pub struct LogFolder {
    path: PathBuf,
    file_size: u64,
    queue: usize,
}

impl LogFolder {
    /// Names a folder; it is made when the log is opened. Files of 64 MiB, a queue of 65,536 events.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file_size: 64 << 20, queue: 65_536 }
    }

    /// Begins a new file once one has this many bytes; it may be longer by a line.
    #[must_use]
    pub fn with_file_size(self, bytes: u64) -> Self {
        Self { file_size: bytes, ..self }
    }

    /// Lets this many events wait to be written before [`record`](super::Sink::record) waits too.
    #[must_use]
    pub fn with_queue(self, events: usize) -> Self {
        Self { queue: events, ..self }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file_size(&self) -> u64 {
        self.file_size
    }

    pub(super) fn queue(&self) -> usize {
        self.queue
    }

    pub(super) fn file(&self, number: u32) -> PathBuf {
        self.path.join(format!("{number:08}.jsonl"))
    }

    /// The numbers of the log's files, ascending; other files are not the log's.
    pub(super) fn numbers(&self) -> Result<Vec<u32>, LogError> {
        let failed = |source| LogError::io(&self.path, source);
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            numbers.extend(entry.map_err(failed)?.file_name().to_str().and_then(number_of));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }
}

/// Why an audit log cannot be written or read.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// The operating system refused, as when the disk is full.
    #[error("the audit log cannot use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// Another process, or another sink of this one, writes to the folder.
    #[error("the audit log in {} is already being written", .0.display())]
    InUse(PathBuf),
    /// All 99,999,999 file numbers are used up.
    #[error("the audit log has no file number left")]
    Full,
    /// The writing thread ended without a word.
    #[error("the audit log's thread has ended")]
    Stopped,
    /// A cursor that no page of this log gave.
    #[error("the cursor is not one of this audit log")]
    Cursor,
}

impl LogError {
    pub(super) fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { path: path.into(), source: Arc::new(source) }
    }
}

fn number_of(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".jsonl")?;
    let is_numbered = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_numbered { digits.parse().ok() } else { None }
}
