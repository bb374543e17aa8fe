//! What the server remembers of a credential it issued: everything but its secret.

use aetherflow_auth::{Allowlist, Identity, ScopeSet};
use chrono::{DateTime, TimeDelta, Utc};

/// An access token or an API key, by its public name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) owner: Identity,
    pub(crate) scopes: ScopeSet,
    pub(crate) plan: PlanName,
    pub(crate) allowlist: Option<Allowlist>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    /// The end of the overlap once it is replaced, else its expiry.
    pub(crate) ends_at: DateTime<Utc>,
    pub(crate) replaced_by: Option<String>,
    pub(crate) last_used_at: Option<DateTime<Utc>>,
}

impl Credential {
    /// How long it was made to live; its replacement lives as long.
    pub(crate) fn lifetime(&self) -> TimeDelta {
        self.expires_at - self.created_at
    }

    /// Where it stands in its rotation at `now`.
    pub(crate) fn rotation(&self, now: DateTime<Utc>) -> &'static str {
        if self.replaced_by.is_some() {
            "replaced"
        } else if self.ends_at - now <= REMINDER.min(self.lifetime() / 4) {
            "due"
        } else {
            "current"
        }
    }
}

/// The two kinds this server issues.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Token,
    ApiKey,
}

impl Kind {
    /// The kind as listings spell it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::ApiKey => "api_key",
        }
    }

    /// The kind spelled so.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Token, Self::ApiKey].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The shipped plans, the smallest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum PlanName {
    Free,
    Pro,
    Enterprise,
}

impl PlanName {
    /// The plan's name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Enterprise => "enterprise",
        }
    }

    /// The plan of this name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Free, Self::Pro, Self::Enterprise].into_iter().find(|plan| plan.as_str() == text)
    }
}

const REMINDER: TimeDelta = TimeDelta::days(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_due_in_its_last_quarter_or_month() {
        let created_at = DateTime::UNIX_EPOCH;
        let made = |lifetime| Credential {
            id: "id".to_owned(),
            kind: Kind::Token,
            owner: Identity::new("https://auth.example", None, "alice"),
            scopes: ScopeSet::default(),
            plan: PlanName::Free,
            allowlist: None,
            created_at,
            expires_at: created_at + lifetime,
            ends_at: created_at + lifetime,
            replaced_by: None,
            last_used_at: None,
        };
        let (short, long) = (made(TimeDelta::hours(4)), made(TimeDelta::days(90)));
        for (name, credential, age, want) in [
            ("an hour and a second before its end", &short, TimeDelta::seconds(3 * 3600 - 1), "current"),
            ("an hour before its end", &short, TimeDelta::hours(3), "due"),
            ("a quarter of ninety days before its end", &long, TimeDelta::hours(1_620), "due"),
            ("a second earlier", &long, TimeDelta::hours(1_620) - TimeDelta::seconds(1), "current"),
        ] {
            assert_eq!(credential.rotation(created_at + age), want, "{name}");
        }
        let replaced = Credential { replaced_by: Some("other".to_owned()), ..short };
        assert_eq!(replaced.rotation(created_at), "replaced");
    }
}
