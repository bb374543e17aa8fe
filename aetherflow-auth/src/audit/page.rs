//! The log read back, newest event first.

use std::fmt;
use std::fs::File;
use std::io;
use std::str::FromStr;

use super::lines::Backwards;
use super::{Event, LogError, LogFolder};

impl LogFolder {
    /// Reads the newest events that are `wanted`, or those older than `after`.
    ///
    /// A page has at most `limit` events, 1 to 1,000. It may have fewer though older ones exist, since a call looks
    /// through about 16 MiB of log at most; [`Page::next`] tells. Reads blocking, in memory bounded by the page, and
    /// sees what has been written: [`flush`](super::JsonLines::flush) first to see all that was recorded.
    ///
    /// # Errors
    ///
    /// [`LogError::Cursor`] for a cursor that no page of this log gave, [`LogError::Io`] when the folder or a file
    /// cannot be read.
    pub fn page(
        &self,
        after: Option<Cursor>,
        limit: usize,
        mut wanted: impl FnMut(&Event) -> bool,
    ) -> Result<Page, LogError> {
        let limit = limit.clamp(1, MOST_EVENTS);
        let mut page = Page { events: Vec::new(), next: None, unreadable: 0 };
        let mut log = Backlog::open(self, after)?;
        let (mut last, mut looked_through) = (after, 0);
        while let Some((place, line)) = log.next_line()? {
            looked_through += line.len() + 1;
            if let Some(event) = page.event_of(&line).filter(&mut wanted) {
                if page.events.len() == limit {
                    page.next = last;
                    break;
                }
                page.events.push(event);
                last = Some(place);
            }
            if looked_through >= MOST_BYTES {
                page.next = Some(place);
                break;
            }
        }
        Ok(page)
    }
}

/// Some events of the log, newest first, and where the older ones begin.
#[derive(Clone, Debug)]
pub struct Page {
    events: Vec<Event>,
    next: Option<Cursor>,
    unreadable: usize,
}

impl Page {
    /// The events, newest first.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Where the next page begins; none when the log has been read to its beginning.
    #[must_use]
    pub fn next(&self) -> Option<Cursor> {
        self.next
    }

    /// How many lines on the way were no events: damage, or a later version's.
    #[must_use]
    pub fn unreadable(&self) -> usize {
        self.unreadable
    }

    fn event_of(&mut self, line: &[u8]) -> Option<Event> {
        let event = serde_json::from_slice(line);
        self.unreadable += usize::from(event.is_err());
        event.ok()
    }
}

/// A place in the log that stays where it is while events are added.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cursor {
    file: u32,
    offset: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.file, self.offset)
    }
}

impl FromStr for Cursor {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        let (file, offset) = text.split_once('.').ok_or(LogError::Cursor)?;
        let is_plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_plain(file) || !is_plain(offset) {
            return Err(LogError::Cursor);
        }
        Ok(Self {
            file: file.parse().map_err(|_| LogError::Cursor)?,
            offset: offset.parse().map_err(|_| LogError::Cursor)?,
        })
    }
}

/// The lines of all files, newest first.
struct Backlog<'a> {
    folder: &'a LogFolder,
    // Ascending; the file being read is not among them.
    older: Vec<u32>,
    current: Option<(u32, Backwards)>,
}

impl<'a> Backlog<'a> {
    fn open(folder: &'a LogFolder, after: Option<Cursor>) -> Result<Self, LogError> {
        let mut older = folder.numbers()?;
        let mut current = None;
        if let Some(Cursor { file, offset }) = after {
            if older.last().is_none_or(|newest| file > *newest) {
                return Err(LogError::Cursor);
            }
            // A file that was archived away since leaves only those before it.
            if older.contains(&file) {
                let lines = read(folder, file, |opened| Backwards::before(opened, offset))?;
                current = Some((file, lines.ok_or(LogError::Cursor)?));
            }
            older.retain(|number| *number < file);
        }
        Ok(Self { folder, older, current })
    }

    fn next_line(&mut self) -> Result<Option<(Cursor, Vec<u8>)>, LogError> {
        loop {
            if let Some((file, lines)) = &mut self.current {
                let failed = |source| LogError::io(self.folder.file(*file), source);
                if let Some((offset, line)) = lines.next_line().map_err(failed)? {
                    return Ok(Some((Cursor { file: *file, offset }, line)));
                }
            }
            let Some(file) = self.older.pop() else { return Ok(None) };
            self.current = Some((file, read(self.folder, file, Backwards::from_end)?));
        }
    }
}

fn read<T>(
    folder: &LogFolder,
    number: u32,
    begin: impl FnOnce(File) -> io::Result<T>,
) -> Result<T, LogError> {
    let path = folder.file(number);
    File::open(&path).and_then(begin).map_err(|source| LogError::io(path, source))
}

const MOST_EVENTS: usize = 1_000;
const MOST_BYTES: usize = 16 << 20;
