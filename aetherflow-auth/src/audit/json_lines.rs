//! The sink that writes JSON lines, on a thread of its own.

use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use super::writer::Writer;
use super::{Event, LogError, LogFolder, Sink};

/// Writes events as JSON lines to a folder, on a thread it owns.
///
/// An event is in the file a moment after [`record`](Sink::record), and on the disk after [`JsonLines::flush`], when
/// a file is full, and when the log is dropped, which waits for the thread.
///
/// When the queue is full, `record` waits for room: no event is lost, and a slow disk slows requests down. After a
/// failed write `record` returns at once and keeps nothing.
#[derive(Debug)]
pub struct JsonLines {
    // Taken when dropped, which is what ends the thread.
    queue: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
    failure: Arc<OnceLock<LogError>>,
    torn: u64,
}

impl JsonLines {
    /// Opens the log behind its last complete line; `on_failure` hears of the write that ends it, on the log's thread.
    ///
    /// # Errors
    ///
    /// [`LogError::InUse`] when the folder has another writer, [`LogError::Io`] when the folder or its newest file
    /// cannot be made, read, cut or appended to, or no thread be started.
    pub fn open(
        folder: LogFolder,
        on_failure: impl FnOnce(&LogError) + Send + 'static,
    ) -> Result<Self, LogError> {
        let (queue, inbox) = mpsc::sync_channel(folder.queue());
        let path = folder.path().to_owned();
        let (writer, torn) = Writer::open(folder)?;
        let failure = Arc::new(OnceLock::new());
        let desk = Desk { writer, waiting: Vec::new() };
        let reported = Arc::clone(&failure);
        let thread = thread::Builder::new()
            .name("aetherflow-audit".to_owned())
            .spawn(move || desk.run(&inbox, &reported, on_failure))
            .map_err(|source| LogError::io(path, source))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), failure, torn })
    }

    /// Waits until every event recorded so far is on the disk.
    ///
    /// # Errors
    ///
    /// The failure that ended the log.
    pub fn flush(&self) -> Result<(), LogError> {
        let (written, wait) = mpsc::channel();
        let is_asked = self.send(Message::Flush(written));
        if is_asked && wait.recv().is_ok() {
            return Ok(());
        }
        Err(self.failure.get_or_init(|| LogError::Stopped).clone())
    }

    /// The failure that ended the log, if one has.
    #[must_use]
    pub fn failure(&self) -> Option<&LogError> {
        self.failure.get()
    }

    /// How many bytes of a last line without an end, left by a crash, were cut off when the log was opened.
    #[must_use]
    pub fn torn(&self) -> u64 {
        self.torn
    }

    fn send(&self, message: Message) -> bool {
        self.queue.as_ref().is_some_and(|queue| queue.send(message).is_ok())
    }
}

impl Sink for JsonLines {
    fn record(&self, event: Event) {
        // Fails only once the thread has ended, which `failure` tells.
        self.send(Message::Event(Box::new(event)));
    }
}

impl Drop for JsonLines {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread can only be one of `on_failure`, after the failure was kept.
            let _ended = thread.join();
        }
    }
}

#[derive(Debug)]
enum Message {
    // Boxed, since the queue sets its room aside at once.
    Event(Box<Event>),
    Flush(Sender<()>),
}

/// The thread's side of the log.
struct Desk {
    writer: Writer,
    waiting: Vec<Sender<()>>,
}

impl Desk {
    fn run(
        mut self,
        inbox: &Receiver<Message>,
        failure: &OnceLock<LogError>,
        on_failure: impl FnOnce(&LogError),
    ) {
        if let Err(fault) = self.serve(inbox) {
            // Kept before `self.waiting` is dropped: whoever waits for a flush wakes up to find it.
            on_failure(failure.get_or_init(|| fault));
        }
    }

    fn serve(&mut self, inbox: &Receiver<Message>) -> Result<(), LogError> {
        while let Ok(message) = inbox.recv() {
            self.take(message)?;
            for message in inbox.try_iter().take(BATCH) {
                self.take(message)?;
            }
            self.settle()?;
        }
        self.writer.sync()
    }

    fn take(&mut self, message: Message) -> Result<(), LogError> {
        match message {
            Message::Event(event) => self.writer.append(*event),
            Message::Flush(written) => {
                self.waiting.push(written);
                Ok(())
            }
        }
    }

    fn settle(&mut self) -> Result<(), LogError> {
        if self.waiting.is_empty() {
            return self.writer.write();
        }
        self.writer.sync()?;
        for written in self.waiting.drain(..) {
            // Whoever asked may have stopped waiting.
            let _heard = written.send(());
        }
        Ok(())
    }
}

/// Bounds how long a flush waits behind events recorded after it.
const BATCH: usize = 4_096;
