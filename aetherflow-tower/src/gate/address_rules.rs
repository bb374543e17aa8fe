use aetherflow_auth::Allowlist;

use crate::client_ip::Client;
use crate::error::Fault;
use crate::rejection::{Problem, Reason, Rejection};

/// From where a service may be asked at all.
#[derive(Debug, Default)]
pub(super) struct AddressRules {
    allowed: Option<Allowlist>,
    blocked: Option<Allowlist>,
}

impl AddressRules {
    pub(super) fn read(
        allowed: Option<Vec<String>>,
        blocked: Option<Vec<String>>,
        faults: &mut Vec<Fault>,
    ) -> Self {
        let mut read = |list: Option<Vec<String>>| match Allowlist::parse(list?) {
            Ok(list) => Some(list),
            Err(cause) => {
                faults.push(Fault::AddressRule { cause });
                None
            }
        };
        Self { allowed: read(allowed), blocked: read(blocked) }
    }

    pub(super) fn admit(&self, client: &Client) -> Result<(), Rejection> {
        let is_allowed = self.allowed.as_ref().is_none_or(|list| client.is_on(list));
        let is_blocked = self.blocked.as_ref().is_some_and(|list| list.contains(client.address));
        if is_allowed && !is_blocked {
            return Ok(());
        }
        Err(Rejection::new(Reason::AddressRule, Problem::ADDRESS_NOT_ALLOWED))
    }
}
