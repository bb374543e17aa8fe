use std::convert::Infallible;
use std::ops::Deref;
use std::sync::Arc;

use ::axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use crate::access::Access;
use crate::rejection::Problem;

/// The verified caller, as an extractor.
///
/// It demands nothing of its own: the route's policy has let the caller in. On a route that lets in callers without a
/// credential, take `Option<Principal>`.
#[derive(Clone, Debug)]
pub struct Principal(Arc<aetherflow_auth::Principal>);

impl Principal {
    /// The caller, for keeping.
    #[must_use]
    pub fn into_inner(self) -> Arc<aetherflow_auth::Principal> {
        self.0
    }

    fn of(parts: &Parts) -> Option<Self> {
        parts.extensions.get::<Access>()?.principal().cloned().map(Self)
    }
}

impl Deref for Principal {
    type Target = aetherflow_auth::Principal;

    fn deref(&self) -> &aetherflow_auth::Principal {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    /// Gives the caller; 500 where the policy of the route lets in callers that are none.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::of(parts).ok_or(Problem::MISCONFIGURED)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Infallible> {
        Ok(Self::of(parts))
    }
}
