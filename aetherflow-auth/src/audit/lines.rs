//! A file's lines, last one first, a block at a time.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Reads a file's lines backwards.
#[derive(Debug)]
// Invariant: `buffer` is the file's bytes from `start` on, up to what was yielded last, and empty or ended by a line end.
pub(super) struct Backwards {
    file: File,
    start: u64,
    buffer: Vec<u8>,
}

impl Backwards {
    /// Begins behind the last line that is complete.
    pub(super) fn from_end(file: File) -> io::Result<Self> {
        let start = complete_length(&file)?;
        Ok(Self { file, start, buffer: Vec::new() })
    }

    /// Begins with the line that ends at `offset`; none if no line does.
    pub(super) fn before(file: File, offset: u64) -> io::Result<Option<Self>> {
        if offset > file.metadata()?.len() {
            return Ok(None);
        }
        let begins_line = match offset.checked_sub(1) {
            Some(last) => block(&file, last, offset)? == b"\n",
            None => true,
        };
        Ok(begins_line.then_some(Self { file, start: offset, buffer: Vec::new() }))
    }

    /// The line before those already read, without its end, and where it begins.
    pub(super) fn next_line(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        loop {
            if let Some(body) = self.buffer.strip_suffix(b"\n") {
                let previous_end = body.iter().rposition(|byte| *byte == b'\n');
                if previous_end.is_some() || self.start == 0 {
                    return Ok(Some(self.take_from(previous_end.map_or(0, |at| at + 1))));
                }
            }
            if self.start == 0 {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    fn take_from(&mut self, at: usize) -> (u64, Vec<u8>) {
        let mut line = self.buffer.split_off(at);
        line.pop();
        (self.start + at as u64, line)
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.buffer.len() > LONGEST_LINE {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line of the audit log does not end"));
        }
        let from = self.start.saturating_sub(BLOCK);
        let mut read = block(&self.file, from, self.start)?;
        read.append(&mut self.buffer);
        self.buffer = read;
        self.start = from;
        Ok(())
    }
}

/// The bytes of a file up to and with its last line end.
///
/// What follows is a line whose writing was cut short.
pub(super) fn complete_length(file: &File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    while end > 0 {
        let from = end.saturating_sub(BLOCK);
        if let Some(at) = block(file, from, end)?.iter().rposition(|byte| *byte == b'\n') {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}

fn block(mut file: &File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(to - from).read_to_end(&mut bytes)?;
    Ok(bytes)
}

const BLOCK: u64 = 64 << 10;
const LONGEST_LINE: usize = 1 << 20;
