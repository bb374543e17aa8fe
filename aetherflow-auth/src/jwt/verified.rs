use std::sync::Arc;

use crate::Principal;

/// A token that passed every rule.
///
/// Only a [`Verifier`](super::Verifier) makes one, so code that takes it cannot be reached with an unchecked token.
#[derive(Clone, Debug)]
pub struct Verified<C = ()> {
    principal: Arc<Principal>,
    claims: C,
}

impl<C> Verified<C> {
    pub(super) fn new(principal: Arc<Principal>, claims: C) -> Self {
        Self { principal, claims }
    }

    /// The caller the token speaks for.
    #[must_use]
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// The caller, for keeping.
    #[must_use]
    pub fn into_principal(self) -> Arc<Principal> {
        self.principal
    }

    /// The claims as the type that was asked for.
    #[must_use]
    pub fn claims(&self) -> &C {
        &self.claims
    }
}
