//! Who changes credentials: let in at the head of the request, and looked at once more when the change is made.

use std::sync::Arc;

use aetherflow_auth::Principal;
use aetherflow_auth::audit::{Action, Event, Sink};
use aetherflow_auth::revocation::Revocations;
use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::Refusal;
use crate::authority::Authority;
use crate::history::History;
use crate::store::credentials;

/// A verified caller, and where what it changes is recorded.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    principal: Arc<Principal>,
    history: Arc<History>,
}

impl Caller {
    /// The caller of one request.
    pub(crate) fn new(principal: Arc<Principal>, history: &Arc<History>) -> Self {
        Self { principal, history: Arc::clone(history) }
    }

    /// What it may give to others.
    pub(crate) fn authority(&self) -> Authority {
        Authority::of(&self.principal)
    }

    /// Refuses a caller whose credential is over at `now`: a body may come long after the head that let it in.
    ///
    /// The database knows those of this server by the calendar, `revocations` those of other issuers as well.
    ///
    /// # Security
    ///
    /// Without this a stolen credential outlives its revocation: a request begun before would issue one after.
    ///
    /// # Errors
    ///
    /// [`Refusal::Ended`], and [`Refusal::Store`] when that cannot be told.
    pub(super) fn check(
        &self,
        connection: &Connection,
        revocations: &Revocations,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let principal = &self.principal;
        let is_over = principal.expires_at() <= now
            || revocations.contains(principal, NO_KEY)
            || credentials::has_ended(connection, principal.identity(), principal.credential_id(), now)?;
        if is_over { Err(Refusal::Ended) } else { Ok(()) }
    }

    /// Records what the caller did to the credential `target`.
    pub(super) fn record(&self, action: Action, target: &str, now: DateTime<Utc>) {
        self.history.record(Event::new(action, now).with_principal(&self.principal).with_target(target));
    }
}

// Of the signing keys this server revokes none, and those of a URL go at a refresh.
const NO_KEY: &str = "";
