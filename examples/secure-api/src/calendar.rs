//! When it is safe to forget: a clock that jumps forward must not bring revoked credentials back.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

/// The time since the server's start, by which it forgets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar {
    start: DateTime<Utc>,
    since: Instant,
}

impl Calendar {
    /// Begins at `start`, when the clock that never jumps said `since`.
    pub(crate) fn begin(start: DateTime<Utc>, since: Instant) -> Self {
        Self { start, since }
    }

    /// What has expired by the answer can be forgotten, when the two clocks say `wall` and `now`.
    ///
    /// It is the earlier of the two, less [`MARGIN`]. Were the wall clock alone believed, one that jumps ahead and is
    /// set back would leave tokens that are good again and no longer known to be revoked; a clock that was behind at
    /// the start only has more remembered.
    pub(crate) fn forgettable(&self, wall: DateTime<Utc>, now: Instant) -> DateTime<Utc> {
        let passed = TimeDelta::from_std(now - self.since).unwrap_or(TimeDelta::MAX);
        let steady = self.start.checked_add_signed(passed).unwrap_or(wall);
        wall.min(steady) - MARGIN
    }
}

const MARGIN: TimeDelta = TimeDelta::days(1);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn nothing_is_forgotten_before_the_time_has_really_passed() {
        let (start, since) = (DateTime::UNIX_EPOCH + TimeDelta::days(20_000), Instant::now());
        let calendar = Calendar::begin(start, since);
        for (name, wall, passed, want) in [
            ("both clocks agree", 3_600, 3_600, 3_600),
            ("the wall clock jumped ninety days ahead", 90 * 86_400, 60, 60),
            ("and was set back", 120, 120, 120),
            ("the wall clock is behind", -600, 60, -600),
        ] {
            let wall = start + TimeDelta::seconds(wall);
            let forgettable = calendar.forgettable(wall, since + Duration::from_secs(passed));
            assert_eq!(forgettable, start + TimeDelta::seconds(want) - TimeDelta::days(1), "{name}");
        }
    }
}
