//! When a legacy credential stops being accepted, and how that is announced.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::header::LINK;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::answer::header_text;

/// The end of API keys on a route: since when they are deprecated, when they stop working, and where to read on.
///
/// Answers to API keys carry it as `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a `Link`.
///
/// # Examples
///
/// ```
/// use aetherflow_tower::{Policy, Sunset};
/// use chrono::DateTime;
///
/// let (since, until) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + chrono::Days::new(365));
/// let sunset = Sunset::new(since, until, "https://docs.example/api-keys");
/// let policy = Policy::scopes("read:workflows").with_api_keys(sunset);
/// ```
#[derive(Clone, Debug)]
pub struct Sunset(Arc<Announcement>);

#[derive(Debug)]
struct Announcement {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    link: Option<HeaderValue>,
    deprecation: HeaderValue,
    sunset: HeaderValue,
}

impl Sunset {
    /// Deprecates at `since` and ends at `until`, exclusive; `link` leads to what replaces the keys.
    ///
    /// An end before the deprecation, or a link that is no URI, is a fault that building the gate reports.
    #[must_use]
    pub fn new(since: DateTime<Utc>, until: DateTime<Utc>, link: &str) -> Self {
        let is_uri = !link.is_empty() && !link.contains(['<', '>', '"']) && link.parse::<Uri>().is_ok();
        Self(Arc::new(Announcement {
            since,
            until,
            link: is_uri.then(|| header_text(format!("<{link}>; rel=\"deprecation\""))),
            deprecation: header_text(format!("@{}", since.timestamp())),
            sunset: header_text(until.format("%a, %d %b %Y %H:%M:%S GMT").to_string()),
        }))
    }

    /// The first moment at which API keys are refused.
    pub(crate) fn at(&self) -> DateTime<Utc> {
        self.0.until
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.0.link.is_some() && self.0.since <= self.0.until
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(DEPRECATION, self.0.deprecation.clone());
        headers.insert(SUNSET, self.0.sunset.clone());
        if let Some(link) = &self.0.link {
            headers.append(LINK, link.clone());
        }
    }
}

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");
