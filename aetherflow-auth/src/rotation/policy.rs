use chrono::{DateTime, TimeDelta, Utc};

use crate::error::ConfigError;

/// How old a secret may grow, how long old and new both work, and when to remind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RotationPolicy {
    // Invariant: max_age > overlap >= 0; reminders are positive, the longest first.
    max_age: TimeDelta,
    overlap: TimeDelta,
    reminders: Vec<TimeDelta>,
}

impl RotationPolicy {
    /// Sets a greatest age and an overlap, with reminders 30, 7 and 1 days before the end.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Rotation`] if the age is not longer than the overlap, or the overlap is negative.
    pub fn new(max_age: TimeDelta, overlap: TimeDelta) -> Result<Self, ConfigError> {
        if overlap < TimeDelta::zero() || max_age <= overlap {
            return Err(ConfigError::Rotation);
        }
        Ok(Self { max_age, overlap, reminders: [30, 7, 1].map(TimeDelta::days).to_vec() })
    }

    /// Reminds so long before the end; with none, nothing is due before it is overdue.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Rotation`] if one of them is not positive.
    pub fn with_reminders(self, reminders: impl IntoIterator<Item = TimeDelta>) -> Result<Self, ConfigError> {
        let mut reminders: Vec<TimeDelta> = reminders.into_iter().collect();
        if reminders.iter().any(|reminder| *reminder <= TimeDelta::zero()) {
            return Err(ConfigError::Rotation);
        }
        reminders.sort_by(|a, b| b.cmp(a));
        reminders.dedup();
        Ok(Self { reminders, ..self })
    }

    /// The age at which a secret is to be out of use.
    #[must_use]
    pub fn max_age(&self) -> TimeDelta {
        self.max_age
    }

    /// How long old and new both work.
    #[must_use]
    pub fn overlap(&self) -> TimeDelta {
        self.overlap
    }

    /// Where a secret stands at `now`.
    ///
    /// A reminder is no longer than a third of a life, so that what lives for an hour is not due from its birth.
    #[must_use]
    pub fn status_at(&self, life: &Life, now: DateTime<Utc>) -> RotationStatus {
        if life.expires_at.is_some_and(|end| end <= now) {
            return RotationStatus::Ended;
        }
        if let Some(replaced_at) = life.replaced_at.filter(|time| *time <= now) {
            let works = now < later(replaced_at, self.overlap);
            return if works { RotationStatus::Replaced } else { RotationStatus::Ended };
        }
        let end = self.end(life);
        if end <= now {
            return RotationStatus::Overdue;
        }
        let reached = |reminder: &&TimeDelta| end - now <= **reminder.min(&&longest_reminder(life, end));
        self.reminders.iter().rfind(reached).map_or(RotationStatus::Current, |at| RotationStatus::Due(*at))
    }

    /// When the status is next another than at `now`; a reminder is sent by who remembers the last status it saw.
    #[must_use]
    pub fn changes_at(&self, life: &Life, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let end = self.end(life);
        let replaced = life.replaced_at.into_iter().flat_map(|time| [time, later(time, self.overlap)]);
        let reminders =
            self.reminders.iter().map(|reminder| end - *reminder.min(&longest_reminder(life, end)));
        let mut times: Vec<_> = reminders.chain([end]).chain(life.expires_at).chain(replaced).collect();
        times.sort_unstable();
        let status = self.status_at(life, now);
        times.into_iter().find(|time| *time > now && self.status_at(life, *time) != status)
    }

    /// The end of a life: its greatest age, or its expiry if that comes first.
    #[must_use]
    pub fn end(&self, life: &Life) -> DateTime<Utc> {
        let oldest = later(life.created_at, self.max_age);
        life.expires_at.map_or(oldest, |expiry| expiry.min(oldest))
    }

    /// Lists what is due or overdue at `now`, the most urgent first; what it names stands for itself in the report.
    #[must_use]
    pub fn due_at<T>(&self, lives: impl IntoIterator<Item = (T, Life)>, now: DateTime<Utc>) -> Vec<Due<T>> {
        let standing = lives.into_iter().map(|(item, life)| Due {
            item,
            status: self.status_at(&life, now),
            by: self.end(&life),
        });
        let mut due: Vec<_> = standing.filter(|due| due.status.is_due()).collect();
        due.sort_by_key(Due::by);
        due
    }

    /// The same with an earlier end, for what needs time to take over.
    pub(super) fn ahead_by(&self, lead: TimeDelta) -> Self {
        Self { max_age: self.max_age - lead, ..self.clone() }
    }
}

impl Default for RotationPolicy {
    /// 90 days, 24 hours of overlap, reminders 30, 7 and 1 days before the end.
    fn default() -> Self {
        let reminders = [30, 7, 1].map(TimeDelta::days).to_vec();
        Self { max_age: TimeDelta::days(90), overlap: TimeDelta::hours(24), reminders }
    }
}

/// The dates of a token, an API key, a client secret, a pepper or a signing key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Life {
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    replaced_at: Option<DateTime<Utc>>,
}

impl Life {
    /// Begins a life; without an expiry it works until it is taken out of use.
    #[must_use]
    pub fn new(created_at: DateTime<Utc>) -> Self {
        Self { created_at, expires_at: None, replaced_at: None }
    }

    /// Names the first moment at which it no longer works.
    #[must_use]
    pub fn with_expiry(self, expires_at: DateTime<Utc>) -> Self {
        Self { expires_at: Some(expires_at), ..self }
    }

    /// Names when a new one took its place; it works on for the overlap, but not beyond its expiry.
    #[must_use]
    pub fn with_replacement(self, replaced_at: DateTime<Utc>) -> Self {
        Self { replaced_at: Some(replaced_at), ..self }
    }
}

/// Where a secret stands in its rotation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RotationStatus {
    /// Nothing is to be done.
    Current,
    /// It is to be replaced: the last reminder that was reached.
    Due(TimeDelta),
    /// It is older than the policy allows, and still works.
    Overdue,
    /// A new one has taken its place, and both work.
    Replaced,
    /// It no longer works.
    Ended,
}

impl RotationStatus {
    /// Whether someone is to replace it.
    #[must_use]
    pub fn is_due(self) -> bool {
        match self {
            Self::Due(_) | Self::Overdue => true,
            Self::Current | Self::Replaced | Self::Ended => false,
        }
    }
}

/// One line of a report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Due<T> {
    item: T,
    status: RotationStatus,
    by: DateTime<Utc>,
}

impl<T> Due<T> {
    /// What the caller named it.
    #[must_use]
    pub fn item(&self) -> &T {
        &self.item
    }

    /// Due or overdue.
    #[must_use]
    pub fn status(&self) -> RotationStatus {
        self.status
    }

    /// By when it is to be replaced, past if it is overdue.
    #[must_use]
    pub fn by(&self) -> DateTime<Utc> {
        self.by
    }
}

fn longest_reminder(life: &Life, end: DateTime<Utc>) -> TimeDelta {
    (end - life.created_at) / 3
}

pub(super) fn later(time: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    time.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
