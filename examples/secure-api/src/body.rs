//! JSON bodies: read within a size and a time, and exactly of their form.
//!
//! 1. More than [`MOST_BYTES`] is 413. What is left of it is read and dropped, within reason, so that a client that
//!    sends before it listens gets to see the answer.
//! 2. Another media type than `application/json` is 415; a body that has no bytes needs none.
//! 3. A body that is no JSON object of the form the route asks for (unknown or repeated members included) is 422.

use std::time::Duration;

use aetherflow_tower::rejection::Problem;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::answer::REQUEST_TIMEOUT;

/// A JSON body of the form `T`.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (head, body) = request.into_parts();
        let bytes = read(body).await?;
        if !is_json(&head.headers) {
            return Err(Problem::UNSUPPORTED_MEDIA_TYPE);
        }
        parse(&bytes).map(Self)
    }
}

/// A JSON body of the form `T`, or none, which is `T::default()`.
#[derive(Debug)]
pub(crate) struct JsonOrNone<T>(pub(crate) T);

impl<T: DeserializeOwned + Default, S: Sync> FromRequest<S> for JsonOrNone<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (head, body) = request.into_parts();
        let bytes = read(body).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !is_json(&head.headers) {
            return Err(Problem::UNSUPPORTED_MEDIA_TYPE);
        }
        parse(&bytes).map(Self)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // To serde an array is a struct as well, its members by position.
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    if !is_object {
        return Err(Problem::INVALID_PARAMETERS);
    }
    serde_json::from_slice(bytes).map_err(|_| Problem::INVALID_PARAMETERS)
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    timeout(TIME, collect(body)).await.unwrap_or(Err(REQUEST_TIMEOUT))
}

async fn collect(mut body: Body) -> Result<Bytes, Problem> {
    let (mut bytes, mut length) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Problem::INVALID_REQUEST)?.into_data() else { continue };
        length = length.saturating_add(data.len());
        if length <= MOST_BYTES {
            bytes.extend_from_slice(&data);
        } else if length > MOST_DROPPED {
            break;
        }
    }
    if length > MOST_BYTES { Err(Problem::CONTENT_TOO_LARGE) } else { Ok(bytes.into()) }
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

const MOST_BYTES: usize = 1024 * 1024;
const MOST_DROPPED: usize = 16 * 1024 * 1024;
const TIME: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn fields(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (header::CONTENT_TYPE, value.parse().unwrap())).collect()
    }

    #[test]
    fn only_one_field_of_the_json_type_is_json() {
        for (name, values, want) in [
            ("plain", &["application/json"][..], true),
            ("with a parameter, in capitals", &["Application/JSON; charset=utf-8"], true),
            ("none", &[], false),
            ("another type", &["text/json"], false),
            ("a longer name", &["application/json5"], false),
            ("two fields", &["application/json", "application/json"], false),
        ] {
            assert_eq!(is_json(&fields(values)), want, "{name}");
        }
    }

    #[tokio::test]
    async fn a_body_of_the_greatest_size_is_read_and_one_byte_more_is_not() {
        let body = |length| Body::from(vec![b'x'; length]);
        assert_eq!(read(body(MOST_BYTES)).await.map(|bytes| bytes.len()).ok(), Some(MOST_BYTES));
        let refused = read(body(MOST_BYTES + 1)).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}
