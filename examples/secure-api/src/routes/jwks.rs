//! The public keys by which anyone can verify this server's tokens.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, header};

use super::App;

/// GET /.well-known/jwks.json
pub(super) async fn read(State(app): State<App>) -> Response {
    let mut response = Response::new(Body::from(app.jwks.to_string()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}
