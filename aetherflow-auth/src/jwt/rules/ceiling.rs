use crate::ScopeSet;
use crate::error::TokenError;

/// The most an issuer may give: none named is no limit.
#[derive(Clone, Debug, Default)]
pub(super) struct Ceiling {
    pub(super) scopes: Option<ScopeSet>,
    pub(super) plans: Option<Box<[Box<str>]>>,
    pub(super) tenants: Option<Box<[Box<str>]>>,
}

impl Ceiling {
    /// The scopes that are both claimed and within the ceiling: who loses a scope can do less, never more.
    pub(super) fn lower(&self, claimed: ScopeSet) -> ScopeSet {
        match &self.scopes {
            Some(most) if !claimed.is_subset_of(most) => claimed.both(most),
            Some(_) | None => claimed,
        }
    }

    /// Refuses a plan or a tenant beyond the ceiling: to drop the name would make the token mean another caller.
    ///
    /// `tenant` is the one the caller acts for, which is the subject where the token names none.
    pub(super) fn admit(&self, plan: Option<&str>, tenant: &str) -> Result<(), TokenError> {
        let is_within = |list: &Option<Box<[Box<str>]>>, name: &str| {
            list.as_ref().is_none_or(|list| list.iter().any(|one| **one == *name))
        };
        if plan.is_none_or(|plan| is_within(&self.plans, plan)) && is_within(&self.tenants, tenant) {
            Ok(())
        } else {
            Err(TokenError::Ceiling)
        }
    }
}
