use http::header::{CONTENT_TYPE, TE};
use http::{Method, Version};

use crate::rejection::Form;
use crate::request::RequestView;
use crate::route::Found;

/// In which form a refusal of this request is written: as its route is listed, or else as it asks.
pub(super) fn form_of<V: RequestView>(found: &Found, view: &V) -> Form {
    Form::of(view.method(), found.is_grpc().unwrap_or_else(|| asks_as_grpc(view)))
}

/// Whether a request for a route that is not listed would read an answer in gRPC's form.
fn asks_as_grpc<V: RequestView>(view: &V) -> bool {
    view.method() == Method::POST
        && view.version() == Version::HTTP_2
        && view.header(&TE).any(|te| te.eq_ignore_ascii_case(b"trailers"))
        && view.header(&CONTENT_TYPE).any(is_grpc_type)
}

/// `application/grpc`, alone or with a message format or parameters; `application/grpc-web` is another protocol.
fn is_grpc_type(value: &[u8]) -> bool {
    let Some((kind, rest)) = value.split_at_checked(GRPC_TYPE.len()) else { return false };
    kind.eq_ignore_ascii_case(GRPC_TYPE) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}

const GRPC_TYPE: &[u8] = b"application/grpc";
