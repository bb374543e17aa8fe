//! What was decided, about whom, and when: events, and a log of them as JSON lines.
//!
//! 1. One [`Event`] per decision; its members have a fixed order, and absent ones are left out.
//! 2. A [`Sink`] takes events. [`JsonLines`] writes them to a [`LogFolder`], in files `00000001.jsonl`,
//!    `00000002.jsonl`, …, one JSON object a line, each line ended by `\n`.
//! 3. Nothing is dropped while the disk takes it: a full queue makes [`Sink::record`] wait.
//! 4. The first write that fails ends the log: it is reported once, [`JsonLines::failure`] tells of it from then on,
//!    and later events are not kept. A host that must not serve unrecorded asks there.
//! 5. [`LogFolder::page`] reads the log back, newest first, in bounded memory.
//!
//! # Examples
//!
//! ```
//! use aetherflow_auth::audit::{Action, Event, JsonLines, LogFolder, Sink};
//! use chrono::DateTime;
//!
//! # let path = std::env::temp_dir().join(format!("aetherflow-audit-example-{}", std::process::id()));
//! # let _ = std::fs::remove_dir_all(&path);
//! let folder = LogFolder::new(&path);
//! let log = JsonLines::open(folder.clone(), |failure| eprintln!("audit log ended: {failure}"))?;
//! log.record(Event::new(Action::Refused, DateTime::UNIX_EPOCH).with_reason("the token is expired"));
//! log.flush()?;
//!
//! let page = folder.page(None, 10, |_| true)?;
//! assert_eq!(page.events()[0].reason(), Some("the token is expired"));
//! # drop(log);
//! # std::fs::remove_dir_all(&path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;

pub use self::event::{Action, Event};
pub use self::folder::{LogError, LogFolder};
pub use self::json_lines::JsonLines;
pub use self::page::{Cursor, Page};

mod event;
mod folder;
mod json_lines;
mod lines;
mod page;
mod writer;

/// Takes audit events.
pub trait Sink: fmt::Debug + Send + Sync {
    /// Takes one event; what it does when it cannot keep up or cannot write is the sink's to say.
    fn record(&self, event: Event);
}
