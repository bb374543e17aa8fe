//! `credentials.json`: the credentials a new data folder begins with, for its owner to use and to hand out.
//!
//! A member stays as it is while it works, and is replaced when it soon expires. One that was revoked stays so, except
//! the owner's, which is the only way back in.

use std::sync::Arc;

use aetherflow_auth::api_key::{ApiKeyStore, Lookup, Peppers};
use aetherflow_auth::jwt::Verifier;
use aetherflow_auth::{Identity, Principal, Scope, ScopeSet};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::authority::Granted;
use crate::credential::{Kind, PlanName};
use crate::credentials::Credentials;
use crate::data::DataFolder;
use crate::fault::Fault;

/// Where they are, within the data folder.
pub(crate) const FILE: &str = "credentials.json";

/// Issues and verifies the first credentials.
#[derive(Debug)]
pub(crate) struct FirstCredentials<'a> {
    pub(crate) data: &'a DataFolder,
    pub(crate) credentials: &'a Credentials,
    pub(crate) verifier: &'a Verifier,
    pub(crate) peppers: &'a Peppers,
    pub(crate) issuer: Arc<str>,
}

impl FirstCredentials<'_> {
    /// Writes the file if it is absent, or if a member of it has to be replaced at `now`.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the file cannot be read or written, or the database keeps nothing.
    pub(crate) fn write(&self, now: DateTime<Utc>) -> Result<(), Fault> {
        let old = self.data.read(FILE)?;
        let old: Map<String, Value> = match &old {
            Some(text) => serde_json::from_slice(text).map_err(unusable)?,
            None => Map::new(),
        };
        let mut new = Map::new();
        for member in &MEMBERS {
            let kept =
                old.get(member.name).and_then(Value::as_str).filter(|text| self.is_kept(member, text, now));
            let text =
                kept.map_or_else(|| self.issue(member, now), |text| Ok(Zeroizing::new(text.to_owned())))?;
            new.insert(member.name.to_owned(), Value::from(text.as_str()));
        }
        if new == old {
            return Ok(());
        }
        let text = serde_json::to_vec_pretty(&new).map(Zeroizing::new).map_err(unusable)?;
        self.data.write(FILE, &text)
    }

    fn is_kept(&self, member: &Member, text: &str, now: DateTime<Utc>) -> bool {
        match self.standing(member.kind, text, now) {
            Standing::Good(expires_at) => expires_at - now > RENEWED_BEFORE,
            Standing::Ended => member.name != OWNER,
            Standing::Unusable => false,
        }
    }

    fn standing(&self, kind: Kind, text: &str, now: DateTime<Utc>) -> Standing {
        use aetherflow_auth::TokenError;
        use aetherflow_auth::api_key::ApiKeyError;
        let good = |principal: &Principal| Standing::Good(principal.expires_at());
        match kind {
            Kind::Token => match self.verifier.verify_at(text, now) {
                Ok(verified) => good(verified.principal()),
                Err(TokenError::Revoked) => Standing::Ended,
                Err(_) => Standing::Unusable,
            },
            Kind::ApiKey => {
                let Ok(key) = self.peppers.read(text) else { return Standing::Unusable };
                let Lookup::Ready(Ok(record)) = self.credentials.records().find(key.id()) else {
                    return Standing::Unusable;
                };
                match self.peppers.verify_at(&key, record.as_deref(), now) {
                    Ok(principal) => good(&principal),
                    Err(ApiKeyError::Expired) => match self.credentials.was_ended(key.id().as_str(), now) {
                        Ok(true) => Standing::Ended,
                        Ok(false) | Err(_) => Standing::Unusable,
                    },
                    Err(_) => Standing::Unusable,
                }
            }
        }
    }

    fn issue(&self, member: &Member, now: DateTime<Utc>) -> Result<Zeroizing<String>, Fault> {
        let scopes = member.scopes.iter().map(|text| Scope::parse(text)).collect::<Result<ScopeSet, _>>();
        let granted = Granted {
            owner: Identity::new(Arc::clone(&self.issuer), None, member.name),
            scopes: scopes.map_err(unusable)?,
            plan: member.plan,
            allowlist: None,
        };
        let issued = self.credentials.found(member.kind, granted, LIFETIME, now).map_err(unusable)?;
        Ok(issued.secret)
    }
}

enum Standing {
    Good(DateTime<Utc>),
    Ended,
    Unusable,
}

struct Member {
    name: &'static str,
    kind: Kind,
    scopes: &'static [&'static str],
    plan: PlanName,
}

const OWNER: &str = "owner";
const EVERYTHING: &[&str] = &[
    "read:workflows",
    "write:workflows",
    "execute:workflows",
    "delete:workflows",
    "manage:credentials",
    "manage:accounts",
    "read:audit",
];
const USER: &[&str] = &["read:workflows", "write:workflows", "execute:workflows"];
const READER: &[&str] = &["read:workflows"];
const MEMBERS: [Member; 6] = [
    Member { name: OWNER, kind: Kind::Token, scopes: EVERYTHING, plan: PlanName::Enterprise },
    Member { name: "free", kind: Kind::Token, scopes: USER, plan: PlanName::Free },
    Member { name: "pro", kind: Kind::Token, scopes: USER, plan: PlanName::Pro },
    Member { name: "enterprise", kind: Kind::Token, scopes: USER, plan: PlanName::Enterprise },
    Member { name: "readonly", kind: Kind::Token, scopes: READER, plan: PlanName::Pro },
    Member { name: "api_key", kind: Kind::ApiKey, scopes: READER, plan: PlanName::Pro },
];
const LIFETIME: TimeDelta = TimeDelta::days(90);
const RENEWED_BEFORE: TimeDelta = TimeDelta::days(30);

fn unusable(error: impl std::fmt::Display) -> Fault {
    Fault::Part { what: FILE, reason: error.to_string() }
}

#[cfg(test)]
mod tests;
