//! What the server remembers of a credential it issued: everything but its secret.

use aetherflow_auth::rotation::{Life, RotationPolicy};
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
    pub(crate) fn rotation(&self, policy: &RotationPolicy, now: DateTime<Utc>) -> &'static str {
        if self.replaced_by.is_some() {
            return "replaced";
        }
        let life = Life::new(self.created_at).with_expiry(self.ends_at);
        if policy.status_at(&life, now).is_due() { "due" } else { "current" }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_due_in_its_last_month_or_third() {
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
        let policy = RotationPolicy::default();
        let (short, long) = (made(TimeDelta::hours(4)), made(TimeDelta::days(90)));
        for (name, credential, age, want) in [
            ("four hours, before their last third", &short, TimeDelta::seconds(160 * 60 - 1), "current"),
            ("four hours, in their last third", &short, TimeDelta::minutes(160), "due"),
            ("ninety days, before their last month", &long, TimeDelta::seconds(60 * 86_400 - 1), "current"),
            ("ninety days, in their last month", &long, TimeDelta::days(60), "due"),
        ] {
            assert_eq!(credential.rotation(&policy, created_at + age), want, "{name}");
        }
        let replaced = Credential { replaced_by: Some("other".to_owned()), ..short };
        assert_eq!(replaced.rotation(&policy, created_at), "replaced");
    }
}
