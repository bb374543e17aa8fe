//! The file side of the log: opens, repairs, appends, begins the next file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};

use chrono::{DateTime, Utc};

use super::lines::complete_length;
use super::{Event, LogError, LogFolder};

/// Appends lines to the newest file of a folder that no other writer holds.
#[derive(Debug)]
pub(super) struct Writer {
    folder: LogFolder,
    // Held, not read: two writers would cut each other's half-written lines off at opening.
    _lock: File,
    file: File,
    number: u32,
    length: u64,
    buffer: Vec<u8>,
    /// The time of the last event taken.
    latest: DateTime<Utc>,
}

impl Writer {
    /// Opens the newest file, or the first, and tells how many bytes of a line cut short were taken off its end.
    pub(super) fn open(folder: LogFolder) -> Result<(Self, u64), LogError> {
        fs::create_dir_all(folder.path()).map_err(|source| LogError::io(folder.path(), source))?;
        let lock = lock(&folder)?;
        let number = folder.numbers()?.last().copied().unwrap_or(1);
        let file = append_to(&folder, number)?;
        let (length, torn) = repair(&file).map_err(|source| LogError::io(folder.file(number), source))?;
        let writer = Self {
            folder,
            _lock: lock,
            file,
            number,
            length,
            buffer: Vec::new(),
            latest: DateTime::<Utc>::MIN_UTC,
        };
        writer.sync_folder()?;
        Ok((writer, torn))
    }

    /// Takes one event; it is in the file after [`Writer::write`] at the latest.
    ///
    /// Its time becomes that of the event before it, if it were earlier: of two requests at once the one decided first
    /// may end last, and a log read by its times must be the log as it was written.
    pub(super) fn append(&mut self, event: Event) -> Result<(), LogError> {
        if self.length + self.buffer.len() as u64 >= self.folder.file_size() {
            self.begin_next_file()?;
        }
        let event = event.not_before(self.latest);
        self.latest = event.time();
        serde_json::to_writer(&mut self.buffer, &event).map_err(|fault| self.failed(fault.into()))?;
        self.buffer.push(b'\n');
        if self.buffer.len() >= BUFFER { self.write() } else { Ok(()) }
    }

    /// Hands all that was taken to the operating system.
    pub(super) fn write(&mut self) -> Result<(), LogError> {
        self.file.write_all(&self.buffer).map_err(|source| self.failed(source))?;
        self.length += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Writes, and waits until the disk has it.
    pub(super) fn sync(&mut self) -> Result<(), LogError> {
        self.write()?;
        self.file.sync_data().map_err(|source| self.failed(source))
    }

    fn begin_next_file(&mut self) -> Result<(), LogError> {
        self.sync()?;
        if self.length == 0 {
            return Ok(());
        }
        let number = self.number + 1;
        if number > LAST_NUMBER {
            return Err(LogError::Full);
        }
        self.file = append_to(&self.folder, number)?;
        (self.number, self.length) = (number, 0);
        self.sync_folder()
    }

    /// Makes the name of a new file as durable as its bytes; elsewhere than on Unix the file's own sync does it.
    fn sync_folder(&self) -> Result<(), LogError> {
        if cfg!(unix) {
            let folder = self.folder.path();
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(|source| LogError::io(folder, source))?;
        }
        Ok(())
    }

    fn failed(&self, source: io::Error) -> LogError {
        LogError::io(self.folder.file(self.number), source)
    }
}

fn lock(folder: &LogFolder) -> Result<File, LogError> {
    let path = folder.path().join("lock");
    let lock = options().write(true).open(&path).map_err(|source| LogError::io(&path, source))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(LogError::InUse(folder.path().into())),
        Err(TryLockError::Error(source)) => Err(LogError::io(path, source)),
    }
}

fn append_to(folder: &LogFolder, number: u32) -> Result<File, LogError> {
    let path = folder.file(number);
    options().read(true).append(true).open(&path).map_err(|source| LogError::io(path, source))
}

/// Made if absent, and not for the world to read: events name people and their addresses.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    options
}

fn repair(file: &File) -> io::Result<(u64, u64)> {
    let (length, complete) = (file.metadata()?.len(), complete_length(file)?);
    if complete < length {
        file.set_len(complete)?;
        file.sync_all()?;
    }
    Ok((complete, length - complete))
}

const BUFFER: usize = 64 << 10;
const LAST_NUMBER: u32 = 99_999_999;
