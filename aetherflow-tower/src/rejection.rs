//! Refused requests: one public problem, one private reason.
//!
//! The client is told a fixed text that depends on nothing it could learn from. The operator finds the reason in the
//! audit event, and as a [`Rejection`] in the extensions of the response.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};

use crate::answer::AnswerFields;

mod problem;
mod reason;

pub use problem::Problem;
pub use reason::Reason;

/// A refused request, in the extensions of its response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rejection {
    reason: Reason,
    problem: Problem,
}

impl Rejection {
    pub(crate) fn new(reason: Reason, problem: Problem) -> Self {
        Self { reason, problem }
    }

    /// Why the request was refused; for the operator only.
    ///
    /// # Security
    ///
    /// A client that learns it can tell a credential that never existed from one that was revoked.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// What the client is told.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

/// In which form an answer is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// A problem document.
    Document,
    /// The same headers without the document.
    Head,
    /// Trailers only.
    Grpc,
}

impl Form {
    pub(crate) fn of(method: &Method, is_grpc: bool) -> Self {
        match method {
            _ if is_grpc => Self::Grpc,
            &Method::HEAD => Self::Head,
            _ => Self::Document,
        }
    }
}

/// The whole answer to a refused request, ready to be sent.
#[derive(Debug)]
pub struct Answer {
    rejection: Rejection,
    form: Form,
    fields: AnswerFields,
}

impl Answer {
    pub(crate) fn new(rejection: Rejection, form: Form, fields: AnswerFields) -> Self {
        Self { rejection, form, fields }
    }

    /// The refused request.
    #[must_use]
    pub fn rejection(&self) -> &Rejection {
        &self.rejection
    }

    /// The status the client sees: 200 in a gRPC answer, whose own status is a header.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.form {
            Form::Grpc => StatusCode::OK,
            Form::Document | Form::Head => self.rejection.problem.status(),
        }
    }

    /// Writes the answer with any body that can be empty or hold bytes.
    pub fn into_response<B: Default + From<Bytes>>(self) -> Response<B> {
        let mut response = match self.form {
            Form::Document => self.rejection.problem.clone().into_response(),
            Form::Head => self.rejection.problem.clone().into_response::<B>().map(|_| B::default()),
            Form::Grpc => self.trailers_only(),
        };
        self.fields.write(response.headers_mut());
        response.extensions_mut().insert(self.rejection);
        response
    }

    fn trailers_only<B: Default>(&self) -> Response<B> {
        let problem = &self.rejection.problem;
        let mut response = Response::new(B::default());
        let headers = response.headers_mut();
        problem.write_fields(headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(GRPC_STATUS, problem.grpc_status().into());
        headers.insert(GRPC_MESSAGE, problem.grpc_message());
        headers.remove(CONTENT_LENGTH);
        response
    }
}

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
