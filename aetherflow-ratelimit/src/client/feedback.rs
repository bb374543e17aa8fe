//! What an answer says of the limits.

use std::time::{Duration, SystemTime};

use sfv::{BareItem, Item, List, ListEntry, Parser};

/// What one answer says: a quota for each window, and how long to stay away.
///
/// Any bytes may stand in a field. What is malformed counts as absent: a structured field wholly, with all its lines
/// (RFC 9651, 4.2), any other field by itself. Numbers are kept as they came; [`Pacer`](crate::client::Pacer) and
/// [`Backoff`](crate::client::Backoff) bound what they can do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Feedback {
    quotas: Vec<Quota>,
    retry_after: Option<Duration>,
}

impl Feedback {
    /// Reads the fields of an answer, by name without case and in any order; the rest of them are passed over.
    ///
    /// `RateLimit` and `RateLimit-Policy` are those of draft-ietf-httpapi-ratelimit-headers-11, with unknown parameters
    /// ignored and policies that count something else than requests left out. Without them the older
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset` are read, the last as the seconds until the quota is full. A
    /// `Retry-After` that is a date counts from the answer's `Date` (RFC 9110, 6.6.1 and 10.2.3), and without one not at
    /// all: append the pair `date` and your own time, if the server sends none.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use aetherflow_ratelimit::client::Feedback;
    ///
    /// let feedback = Feedback::of([
    ///     ("RateLimit-Policy", r#""minute";q=60;w=60, "hour";q=1000;w=3600"#),
    ///     ("RateLimit", r#""minute";r=0;t=1"#),
    ///     ("Retry-After", "1"),
    /// ]);
    /// assert_eq!(feedback.retry_after(), Some(Duration::from_secs(1)));
    /// assert_eq!(feedback.quotas()[0].limit(), Some(60));
    /// ```
    #[must_use]
    pub fn of<N: AsRef<str>, V: AsRef<[u8]>>(fields: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut found = Found::default();
        for (name, value) in fields {
            found.take(name.as_ref(), value.as_ref());
        }
        let mut quotas = quotas(&found.limit, &found.policy);
        if quotas.is_empty() {
            quotas.extend(older_quota(found.older));
        }
        Self { quotas, retry_after: found.retry_after() }
    }

    /// Lists the windows that the answer speaks of, at most eight, each name once.
    #[must_use]
    pub fn quotas(&self) -> &[Quota] {
        &self.quotas
    }

    /// Returns how long the server says to stay away.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// One window of a server's limit, as an answer describes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Quota {
    name: Box<str>,
    remaining: u64,
    effective_window: Option<Duration>,
    limit: Option<u64>,
    period: Option<Duration>,
}

impl Quota {
    /// Returns the window's name; empty, if the older fields were read.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how many requests are left, parameter `r`.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Returns the time over which to spread them, parameter `t`.
    #[must_use]
    pub fn effective_window(&self) -> Option<Duration> {
        self.effective_window
    }

    /// Returns the whole quota, parameter `q` of the policy.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Returns the time to which the whole quota belongs, parameter `w` of the policy.
    ///
    /// Of the older fields it is what the time until full amounts to.
    #[must_use]
    pub fn period(&self) -> Option<Duration> {
        self.period
    }
}

/// The fields of interest, lines of one list joined.
#[derive(Debug, Default)]
struct Found {
    limit: Vec<u8>,
    policy: Vec<u8>,
    seconds: Option<Duration>,
    at: Option<SystemTime>,
    date: Option<SystemTime>,
    /// Limit, remaining, reset.
    older: [Option<u64>; 3],
}

impl Found {
    fn take(&mut self, name: &str, value: &[u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("ratelimit") {
            join(&mut self.limit, value);
        } else if is("ratelimit-policy") {
            join(&mut self.policy, value);
        } else if is("retry-after") {
            // Of several the longest stands, so that no line added on the way shortens the wait.
            self.seconds = self.seconds.max(number(value).map(Duration::from_secs));
            self.at = self.at.max(date(value));
        } else if is("date") {
            self.date = self.date.or(date(value));
        } else if let Some(at) = OLDER.iter().position(|known| is(known)) {
            self.older[at] = self.older[at].or(number(value));
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        let until = self.at.zip(self.date).map(|(at, date)| at.duration_since(date).unwrap_or_default());
        self.seconds.max(until)
    }
}

fn join(list: &mut Vec<u8>, line: &[u8]) {
    if !list.is_empty() {
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(line);
}

/// RFC 9110's 1*DIGIT, between optional white space; what is too large reads as the largest.
fn number(value: &[u8]) -> Option<u64> {
    let digits = value.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |number: u64, digit: &u8| number.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Some(digits.iter().fold(0, digit))
}

fn date(value: &[u8]) -> Option<SystemTime> {
    httpdate::parse_http_date(str::from_utf8(value.trim_ascii()).ok()?).ok()
}

fn quotas(limit: &[u8], policy: &[u8]) -> Vec<Quota> {
    let policies = listed(policy, Policy::of);
    let mut quotas: Vec<Quota> = Vec::new();
    for (name, left) in listed(limit, Left::of) {
        let policy = policies.iter().find(|(known, _)| *known == name).map(|(_, policy)| policy);
        let known = quotas.iter().position(|quota| quota.name == name);
        match (policy, known) {
            (Some(policy), _) if !policy.counts_requests => {}
            // One name may stand for several partitions; the one with the least left decides.
            (_, Some(at)) if quotas[at].remaining <= left.remaining => {}
            (_, Some(at)) => quotas[at] = left.quota(name, policy),
            (_, None) if quotas.len() < MOST_WINDOWS => quotas.push(left.quota(name, policy)),
            (_, None) => {}
        }
    }
    quotas
}

struct Left {
    remaining: u64,
    effective_window: Option<Duration>,
}

impl Left {
    fn of(item: &Item) -> Result<Self, Malformed> {
        let remaining = integer(item, "r")?.ok_or(Malformed)?;
        Ok(Self { remaining, effective_window: integer(item, "t")?.map(Duration::from_secs) })
    }

    fn quota(&self, name: Box<str>, policy: Option<&Policy>) -> Quota {
        Quota {
            name,
            remaining: self.remaining,
            effective_window: self.effective_window,
            limit: policy.map(|policy| policy.limit),
            period: policy.and_then(|policy| policy.period),
        }
    }
}

struct Policy {
    limit: u64,
    period: Option<Duration>,
    counts_requests: bool,
}

impl Policy {
    fn of(item: &Item) -> Result<Self, Malformed> {
        let limit = integer(item, "q")?.ok_or(Malformed)?;
        let counts_requests = match item.params.get("qu") {
            None => true,
            Some(BareItem::String(unit)) => unit.as_str() == "requests",
            Some(_) => return Err(Malformed),
        };
        Ok(Self { limit, period: integer(item, "w")?.map(Duration::from_secs), counts_requests })
    }
}

struct Malformed;

/// The items of a list by name; none, if anything in it is malformed.
fn listed<T>(field: &[u8], read: fn(&Item) -> Result<T, Malformed>) -> Vec<(Box<str>, T)> {
    let Ok(list) = Parser::new(field).parse::<List>() else { return Vec::new() };
    let named = |entry: &ListEntry| match entry {
        ListEntry::Item(item) => match &item.bare_item {
            BareItem::String(name) => Ok((name.as_str().into(), read(item)?)),
            _ => Err(Malformed),
        },
        ListEntry::InnerList(_) => Err(Malformed),
    };
    list.iter().map(named).collect::<Result<_, _>>().unwrap_or_default()
}

fn integer(item: &Item, key: &str) -> Result<Option<u64>, Malformed> {
    match item.params.get(key) {
        None => Ok(None),
        Some(BareItem::Integer(value)) => u64::try_from(i64::from(*value)).map(Some).map_err(|_| Malformed),
        Some(_) => Err(Malformed),
    }
}

fn older_quota([limit, remaining, reset]: [Option<u64>; 3]) -> Option<Quota> {
    let (limit, remaining) = limit.zip(remaining)?;
    let spent = limit.saturating_sub(remaining);
    let period = reset.and_then(|reset| (u128::from(reset) * u128::from(limit)).checked_div(spent.into()));
    let period = period.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)));
    Some(Quota { name: "".into(), remaining, effective_window: None, limit: Some(limit), period })
}

const OLDER: [&str; 3] = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];

/// What a hostile answer can make a client remember.
pub(super) const MOST_WINDOWS: usize = 8;
