//! Answers of this server's own: JSON for what succeeded, problems for what the gate does not know of.

use aetherflow_tower::rejection::Problem;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path};
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// A JSON answer that nobody keeps.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let Ok(text) = serde_json::to_vec(value) else { return Problem::TEMPORARILY_UNAVAILABLE.into_response() };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The same for something new, which is at `path`.
pub(crate) fn created(path: &str, value: &impl Serialize) -> Response {
    let mut response = json(StatusCode::CREATED, value);
    if let Ok(location) = HeaderValue::try_from(path) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// The answer to a deletion.
pub(crate) fn gone() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A time as answers spell it: RFC 3339 in UTC.
pub(crate) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The id in a path; one that is not even text names nothing.
#[derive(Debug)]
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = Path::<String>::from_request_parts(parts, state).await;
        id.map(|Path(id)| Self(id)).map_err(|_| Problem::NOT_FOUND)
    }
}

/// 403: the owner has as much as one may keep.
pub(crate) const QUOTA_REACHED: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "storage-quota",
    "Storage quota",
    "There is no room for more; delete something first.",
);

/// 408: the body came too slowly.
pub(crate) const REQUEST_TIMEOUT: Problem = Problem::new(
    StatusCode::REQUEST_TIMEOUT,
    "request-timeout",
    "Request timeout",
    "The body did not arrive in time.",
);
