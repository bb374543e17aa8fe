use aetherflow_auth::ScopeSet;
use aetherflow_ratelimit::{Decision, Plan, fields};
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::Value;

use crate::answer::{RATE_LIMIT, RATE_LIMIT_POLICY, header_text};

/// What a client is told of a refused request: a problem document (RFC 9457) and the headers that belong to it.
///
/// The texts are fixed: they hold nothing of the request, and nothing secret. A host's own errors are made by
/// [`Problem::new`], so that one API answers in one form.
///
/// # Examples
///
/// ```
/// use aetherflow_tower::rejection::Problem;
/// use http::StatusCode;
///
/// let problem = Problem::new(StatusCode::CONFLICT, "conflict", "Conflict", "The name is taken.");
/// let response = problem.into_response::<bytes::Bytes>();
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// assert!(response.body().starts_with(br#"{"type":"https://aetherflow.com/problems/conflict""#));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    text: Text,
    extra: Extra,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Text {
    status: StatusCode,
    slug: &'static str,
    title: &'static str,
    detail: &'static str,
    /// The document, ready-made where this file names the problem.
    document: Option<&'static str>,
}

/// The headers that belong to a problem, besides those all have.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Extra {
    Nothing,
    Challenge(&'static str),
    ScopeChallenge(Box<HeaderValue>),
    Allow(Box<HeaderValue>),
    RetryAfter(u64),
    Quota(Box<Quota>),
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Quota {
    retry_after: u64,
    policy: HeaderValue,
    limit: HeaderValue,
    document: String,
}

impl Problem {
    /// Makes a host's own problem; its `type` is `https://aetherflow.com/problems/<slug>`.
    #[must_use]
    pub const fn new(
        status: StatusCode,
        slug: &'static str,
        title: &'static str,
        detail: &'static str,
    ) -> Self {
        Self { text: Text { status, slug, title, detail, document: None }, extra: Extra::Nothing }
    }

    /// 403 `insufficient-scope`, whose challenge names the scopes a caller needs.
    #[must_use]
    pub fn insufficient_scope(needed: &ScopeSet) -> Self {
        let challenge = format!(r#"Bearer realm="aetherflow", error="insufficient_scope", scope="{needed}""#);
        Self { extra: Extra::ScopeChallenge(Box::new(header_text(challenge))), ..Self::INSUFFICIENT_SCOPE }
    }

    /// 405 `method-not-allowed`, with the methods that are.
    pub(crate) fn method_not_allowed(allow: HeaderValue) -> Self {
        Self { extra: Extra::Allow(Box::new(allow)), ..Self::METHOD_NOT_ALLOWED }
    }

    /// 429 `quota-exceeded`, with the windows that are used up and when to come back.
    pub(crate) fn quota_exceeded(plan: &Plan, decision: &Decision) -> Self {
        let mut policy = String::with_capacity(64);
        fields::write_policy(plan, decision, &mut policy);
        let text = Self::QUOTA_EXCEEDED.text;
        let violated = Value::from_iter(decision.violated(plan).map(|standing| standing.name()));
        let quota = Quota {
            // Every cost is 1 and fits every window, so there is a wait; without one, the least is told.
            retry_after: fields::retry_after(decision).unwrap_or(1),
            policy: header_text(policy),
            limit: header_text(fields::limit(plan, decision)),
            document: format!(
                r#"{{"type":"{QUOTA_TYPE}","title":"{}","status":{},"detail":"{}","violated-policies":{violated}}}"#,
                text.title,
                text.status.as_u16(),
                text.detail
            ),
        };
        Self { text, extra: Extra::Quota(Box::new(quota)) }
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.text.status
    }

    /// The last part of the problem's `type`.
    #[must_use]
    pub fn slug(&self) -> &'static str {
        self.text.slug
    }

    /// Writes the problem as a response, with any body that can hold bytes.
    pub fn into_response<B: From<Bytes>>(self) -> Response<B> {
        let document = self.document();
        let length = document.len();
        let mut response = Response::new(B::from(document));
        *response.status_mut() = self.text.status;
        self.write_fields(response.headers_mut());
        // Said here, so that an answer to HEAD says it as well.
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
        response
    }

    /// Writes the headers that belong to the problem, the length of its document apart.
    pub(crate) fn write_fields(&self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match &self.extra {
            Extra::Nothing => {}
            Extra::Challenge(challenge) => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            Extra::ScopeChallenge(challenge) => drop(headers.insert(WWW_AUTHENTICATE, (**challenge).clone())),
            Extra::Allow(methods) => drop(headers.insert(ALLOW, (**methods).clone())),
            Extra::RetryAfter(seconds) => drop(headers.insert(RETRY_AFTER, (*seconds).into())),
            Extra::Quota(quota) => {
                headers.insert(RETRY_AFTER, quota.retry_after.into());
                headers.insert(RATE_LIMIT_POLICY, quota.policy.clone());
                headers.insert(RATE_LIMIT, quota.limit.clone());
            }
        }
    }

    /// The code of gRPC that says the same.
    pub(crate) fn grpc_status(&self) -> u16 {
        match self.text.status.as_u16() {
            400 | 415 | 422 => 3,
            401 => 16,
            403 => 7,
            404 | 405 => 12,
            413 | 429 => 8,
            416 => 11,
            500 => 13,
            503 => 14,
            _ => 2,
        }
    }

    /// The detail; only gate problems come here, whose details need no percent-encoding.
    pub(crate) fn grpc_message(&self) -> HeaderValue {
        HeaderValue::from_static(self.text.detail)
    }

    fn document(&self) -> Bytes {
        let text = &self.text;
        match (&self.extra, text.document) {
            (Extra::Quota(quota), _) => Bytes::from(quota.document.clone()),
            (_, Some(document)) => Bytes::from_static(document.as_bytes()),
            (_, None) => Bytes::from(format!(
                r#"{{"type":"https://aetherflow.com/problems/{}","title":{},"status":{},"detail":{}}}"#,
                text.slug,
                Value::from(text.title),
                text.status.as_u16(),
                Value::from(text.detail)
            )),
        }
    }
}

macro_rules! problems {
    ($($(#[$doc:meta])* $seen:vis $name:ident: $status:ident $code:literal $slug:literal, $title:literal, $detail:literal, $extra:expr;)*) => {
        impl Problem {
            $($(#[$doc])* $seen const $name: Self = Self {
                text: Text {
                    status: StatusCode::$status,
                    slug: $slug,
                    title: $title,
                    detail: $detail,
                    document: Some(concat!(
                        r#"{"type":"https://aetherflow.com/problems/"#, $slug, r#"","title":""#, $title,
                        r#"","status":"#, $code, r#","detail":""#, $detail, r#""}"#
                    )),
                },
                extra: $extra,
            };)*

            #[cfg(test)]
            fn all() -> Vec<Self> {
                vec![$(Self::$name),*]
            }
        }
    };
}

problems! {
    /// 403: the request came over plain HTTP.
    pub HTTPS_REQUIRED: FORBIDDEN 403 "https-required", "HTTPS required",
        "This service answers over HTTPS only.", Extra::Nothing;
    /// 401: a protected route, and no credential.
    pub CREDENTIAL_REQUIRED: UNAUTHORIZED 401 "credential-required", "Credential required",
        "This request needs a credential.", Extra::Challenge(r#"Bearer realm="aetherflow""#);
    /// 400: a credential presented in a way RFC 6750 does not allow.
    pub INVALID_AUTHORIZATION: BAD_REQUEST 400 "invalid-request", "Invalid request",
        "The credential must be presented once, as a bearer token or in X-API-Key.",
        Extra::Challenge(r#"Bearer realm="aetherflow", error="invalid_request""#);
    /// 400: a request that can be read in two ways, or in none.
    pub INVALID_REQUEST: BAD_REQUEST 400 "invalid-request", "Invalid request",
        "The request is malformed.", Extra::Nothing;
    /// 401: a credential that does not verify, whatever the reason.
    pub INVALID_TOKEN: UNAUTHORIZED 401 "invalid-token", "Invalid token",
        "The credential is not valid.", Extra::Challenge(r#"Bearer realm="aetherflow", error="invalid_token""#);
    /// 401: a valid credential of a kind the route does not take.
    pub CREDENTIAL_NOT_ACCEPTED: UNAUTHORIZED 401 "credential-not-accepted", "Credential not accepted",
        "This kind of credential is not accepted here.", Extra::Challenge(r#"Bearer realm="aetherflow", error="invalid_token""#);
    /// 403: see [`Problem::insufficient_scope`].
    INSUFFICIENT_SCOPE: FORBIDDEN 403 "insufficient-scope", "Insufficient scope",
        "The credential lacks a scope this request needs.", Extra::Nothing;
    /// 403: the caller's address is not one this operation is allowed from.
    pub ADDRESS_NOT_ALLOWED: FORBIDDEN 403 "address-not-allowed", "Address not allowed",
        "This request is not allowed from this address.", Extra::Nothing;
    /// 403: the caller's plan does not include the operation.
    pub PLAN_REQUIRED: FORBIDDEN 403 "plan-required", "Plan required",
        "The plan does not include this feature.", Extra::Nothing;
    /// 403: a third party's credential on a sensitive operation.
    pub THIRD_PARTY_NOT_ALLOWED: FORBIDDEN 403 "third-party-not-allowed", "Third party not allowed",
        "This operation refuses credentials held by a third party.", Extra::Nothing;
    /// 404: nothing is there, or nothing this caller may know of.
    pub NOT_FOUND: NOT_FOUND 404 "not-found", "Not found",
        "There is no such resource.", Extra::Nothing;
    /// 405, without its `Allow`.
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED 405 "method-not-allowed", "Method not allowed",
        "The resource does not take this method.", Extra::Nothing;
    /// 413: a body above the host's limit.
    pub CONTENT_TOO_LARGE: PAYLOAD_TOO_LARGE 413 "content-too-large", "Content too large",
        "The body is larger than this operation takes.", Extra::Nothing;
    /// 415: a body of another media type.
    pub UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE 415 "unsupported-media-type", "Unsupported media type",
        "The body is of a media type this operation does not take.", Extra::Nothing;
    /// 416: a range outside the representation.
    pub RANGE_NOT_SATISFIABLE: RANGE_NOT_SATISFIABLE 416 "range-not-satisfiable", "Range not satisfiable",
        "The representation has no such range.", Extra::Nothing;
    /// 422: a body that is no JSON of the form the operation takes, or a member outside its bounds.
    pub INVALID_PARAMETERS: UNPROCESSABLE_ENTITY 422 "invalid-parameters", "Invalid parameters",
        "A parameter is missing, unknown or outside its bounds.", Extra::Nothing;
    /// 429, without its windows and under a `type` of its own.
    QUOTA_EXCEEDED: TOO_MANY_REQUESTS 429 "quota-exceeded", "Quota exceeded",
        "The quota is used up for now.", Extra::Nothing;
    /// 500: the operator has something to mend.
    pub MISCONFIGURED: INTERNAL_SERVER_ERROR 500 "misconfigured", "Misconfigured",
        "The service is misconfigured.", Extra::Nothing;
    /// 503: something the answer depends on is out of reach; come back in five seconds.
    pub TEMPORARILY_UNAVAILABLE: SERVICE_UNAVAILABLE 503 "temporarily-unavailable", "Temporarily unavailable",
        "The service cannot decide this request now.", Extra::RetryAfter(5);
}

const QUOTA_TYPE: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_is_what_its_fields_say() {
        for problem in Problem::all() {
            let Text { status, slug, title, detail, document } = problem.text;
            let built = Problem::new(status, slug, title, detail).document();
            assert_eq!(document.unwrap().as_bytes(), built, "{slug}");
        }
    }

    #[test]
    fn every_detail_is_a_grpc_message_as_it_stands() {
        for problem in Problem::all() {
            let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'%';
            assert!(problem.text.detail.bytes().all(is_plain), "{}", problem.slug());
        }
    }

    #[test]
    fn a_hosts_own_text_is_escaped() {
        let problem = Problem::new(StatusCode::CONFLICT, "conflict", "\"A\"", "b\\");
        let want = r#"{"type":"https://aetherflow.com/problems/conflict","title":"\"A\"","status":409,"detail":"b\\"}"#;
        assert_eq!(problem.document(), want);
    }
}
