use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// The heartbeats of one connection that have not come back yet.
///
/// Only our own prove anything: one that returns has passed the server after everything published before it was sent.
#[derive(Debug)]
pub(super) struct Beats {
    session: Box<str>,
    sent: VecDeque<Beat>,
    next: u64,
    started: Duration,
    proven: Option<Duration>,
}

/// One heartbeat, and when it was sent: by the calendar, and by a clock that is never set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Beat {
    pub(super) number: u64,
    pub(super) time: DateTime<Utc>,
    pub(super) tick: Duration,
}

impl Beats {
    /// Begins a connection; `session` is a name no other connection of any node has.
    pub(super) fn new(session: Box<str>, tick: Duration) -> Self {
        Self { session, sent: VecDeque::new(), next: 0, started: tick, proven: None }
    }

    pub(super) fn session(&self) -> &str {
        &self.session
    }

    /// Notes a heartbeat that is about to be sent.
    pub(super) fn send(&mut self, time: DateTime<Utc>, tick: Duration) -> Beat {
        let beat = Beat { number: self.next, time, tick };
        self.next += 1;
        self.sent.push_back(beat);
        beat
    }

    /// The heartbeat that came back, if it is one of ours, and whether it is the first.
    pub(super) fn hear(&mut self, session: &str, number: u64) -> Option<(Beat, bool)> {
        if session != &*self.session {
            return None;
        }
        let at = self.sent.iter().position(|beat| beat.number == number)?;
        let beat = self.sent.drain(..=at).next_back()?;
        let is_first = self.proven.replace(beat.tick).is_none();
        Some((beat, is_first))
    }

    /// When the feed is lost unless a heartbeat comes back that was sent after now.
    pub(super) fn deadline(&self) -> Duration {
        self.proven.unwrap_or(self.started) + LOST_AFTER
    }
}

/// How often a node proves the feed.
pub(super) const INTERVAL: Duration = Duration::from_millis(250);
pub(super) const LOST_AFTER: Duration = Duration::from_millis(750);

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const START: Duration = Duration::from_secs(60);

    fn time(milliseconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds)
    }

    fn later(milliseconds: u64) -> Duration {
        START + Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_beat_proves_the_feed_up_to_its_sending_not_its_return() {
        let mut beats = Beats::new("here".into(), START);
        assert_eq!(beats.deadline(), later(750));
        let first = beats.send(time(250), later(250));
        let second = beats.send(time(500), later(500));
        assert_eq!(beats.hear("here", 0), Some((first, true)));
        assert_eq!(beats.deadline(), later(1_000));
        assert_eq!(beats.hear("here", 1), Some((second, false)));
        assert_eq!(beats.deadline(), later(1_250));
    }

    #[test]
    fn what_is_not_our_own_beat_proves_nothing() {
        let mut beats = Beats::new("here".into(), START);
        beats.send(time(0), later(0));
        let second = beats.send(time(250), later(250));
        assert_eq!(beats.hear("elsewhere", 1), None);
        assert_eq!(beats.hear("here", 2), None);
        assert_eq!(beats.deadline(), later(750));
        assert_eq!(beats.hear("here", 1), Some((second, true)));
        assert_eq!(beats.hear("here", 1), None, "heard twice");
        assert_eq!(beats.hear("here", 0), None, "overtaken");
        assert_eq!(beats.deadline(), later(1_000));
    }
}
