//! The headers that every answer to a request carries, whoever writes it.

use std::sync::Arc;

use aetherflow_ratelimit::{Decision, Plan, fields};
use bytes::Bytes;
use http::header::{STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::sunset::Sunset;

/// What the gate adds to one answer.
#[derive(Clone, Debug)]
pub(crate) struct AnswerFields {
    pub(crate) style: FieldStyle,
    pub(crate) is_tls: bool,
    /// Kept only where it is written.
    pub(crate) limit: Option<Charged>,
    pub(crate) sunset: Option<Sunset>,
}

/// A plan, and what became of the request under it.
#[derive(Clone, Debug)]
pub(crate) struct Charged {
    pub(crate) tier: Arc<Tier>,
    pub(crate) decision: Decision,
}

/// A plan with its `RateLimit-Policy`, made once.
#[derive(Debug)]
pub(crate) struct Tier {
    pub(crate) plan: Plan,
    policy: HeaderValue,
}

/// Which headers a gate adds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldStyle {
    pub(crate) hsts: &'static HeaderValue,
    pub(crate) rate_limit: RateLimitFields,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RateLimitFields {
    None,
    Standard,
    StandardAndOlder,
}

impl AnswerFields {
    /// Writes the fields; what the handler set under the same names does not stand, since they are the gate's to say.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if self.is_tls {
            headers.insert(STRICT_TRANSPORT_SECURITY, self.style.hsts.clone());
            headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF.clone());
        }
        if let Some(limit) = &self.limit {
            limit.write(self.style.rate_limit, headers);
        }
        if let Some(sunset) = &self.sunset {
            sunset.write(headers);
        }
    }
}

impl Charged {
    fn write(&self, style: RateLimitFields, headers: &mut HeaderMap) {
        // A refusal lists the violated windows only, and its problem has done so.
        if self.decision.is_allowed() {
            let mut text = String::with_capacity(64);
            fields::write_limit(&self.tier.plan, &self.decision, &mut text);
            headers.insert(RATE_LIMIT_POLICY, self.tier.policy.clone());
            headers.insert(RATE_LIMIT, header_text(text));
        }
        if style == RateLimitFields::StandardAndOlder {
            for (name, value) in fields::x_rate_limit(&self.tier.plan, &self.decision) {
                headers.insert(name, value.into());
            }
        }
    }
}

impl Tier {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { policy: header_text(fields::policy(&plan)), plan }
    }
}

impl Default for FieldStyle {
    fn default() -> Self {
        Self { hsts: &HSTS, rate_limit: RateLimitFields::Standard }
    }
}

/// A header of this crate's own text.
///
/// Every text given here is visible ASCII by its making; any other would leave the field empty, never panic.
pub(crate) fn header_text(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or(HeaderValue::from_static(""))
}

pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
// Statics, so that their text is looked at once, by the compiler.
static HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");
pub(crate) static HSTS_WITH_SUBDOMAINS: HeaderValue =
    HeaderValue::from_static("max-age=31536000; includeSubDomains");
static NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
