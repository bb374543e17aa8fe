//! Header fields as text.
//!
//! `RateLimit-Policy` and `RateLimit` are those of draft-ietf-httpapi-ratelimit-headers-11: a structured-field list,
//! one item a window. After a refusal they list the violated windows only. Every time is in whole seconds, rounded
//! up, so that a client that waits as told is never early.
//!
//! ```
//! use aetherflow_ratelimit::{Key, Limiter, Plan, Tick, fields};
//!
//! let limiter = Limiter::exact(100);
//! let free = Plan::free();
//! let decision = limiter.check_at(&Key::tenant("iss", "acme"), &free, 1, Tick::from_millis(0));
//! assert_eq!(fields::policy(&free), r#""minute";q=60;w=60, "hour";q=1000;w=3600"#);
//! assert_eq!(fields::limit(&free, &decision), r#""minute";r=59;t=59, "hour";r=999;t=3597"#);
//! ```

use std::cmp::Reverse;
use std::time::Duration;

use crate::decision::Decision;
use crate::plan::{Plan, Window};

/// Returns the `RateLimit-Policy` of a plan: every window's quota `q` and period `w`.
#[must_use]
pub fn policy(plan: &Plan) -> String {
    let mut out = String::new();
    for window in plan.windows() {
        push_policy(window, &mut out);
    }
    out
}

/// Appends the `RateLimit-Policy` of an answer to an empty or finished text.
pub fn write_policy(plan: &Plan, decision: &Decision, out: &mut String) {
    for standing in decision.reported(plan) {
        push_policy(standing.window(), out);
    }
}

/// Returns the `RateLimit` of an answer, as [`write_limit`] writes it.
#[must_use]
pub fn limit(plan: &Plan, decision: &Decision) -> String {
    let mut out = String::new();
    write_limit(plan, decision, &mut out);
    out
}

/// Appends the `RateLimit` of an answer: what remains, `r`, and the effective window `t`.
///
/// `t` is [`Standing::effective_window`](crate::Standing::effective_window). Other items may stand in `out` already. Nothing is allocated if `out` has
/// room; 128 bytes suffice for the shipped plans.
pub fn write_limit(plan: &Plan, decision: &Decision, out: &mut String) {
    for standing in decision.reported(plan) {
        push_item(standing.name(), out);
        push_parameter(";r=", u64::from(standing.remaining()), out);
        push_parameter(";t=", seconds(standing.effective_window()), out);
    }
}

/// Returns the `Retry-After` of an answer in seconds, at least 1; `None` if no wait is needed, or none would help.
#[must_use]
pub fn retry_after(decision: &Decision) -> Option<u64> {
    decision.retry_after().map(|wait| seconds(wait).max(1))
}

/// Lists the older, widespread fields by name, for the one window with the least remaining.
///
/// `x-ratelimit-reset` is the number of seconds until that window's bucket is full again.
pub fn x_rate_limit(plan: &Plan, decision: &Decision) -> impl Iterator<Item = (&'static str, u64)> {
    let tightest =
        decision.reported(plan).min_by_key(|standing| (standing.remaining(), Reverse(standing.reset())));
    let fields = tightest.map(|standing| {
        [
            ("x-ratelimit-limit", u64::from(standing.limit())),
            ("x-ratelimit-remaining", u64::from(standing.remaining())),
            ("x-ratelimit-reset", seconds(standing.reset())),
        ]
    });
    fields.into_iter().flatten()
}

fn push_policy(window: &Window, out: &mut String) {
    push_item(window.name(), out);
    push_parameter(";q=", u64::from(window.limit()), out);
    push_parameter(";w=", seconds(window.period()), out);
}

/// The name needs no escape: [`Window::new`] refuses those that would.
fn push_item(name: &str, out: &mut String) {
    out.push_str(if out.is_empty() { "\"" } else { ", \"" });
    out.push_str(name);
    out.push('"');
}

fn push_parameter(name: &str, value: u64, out: &mut String) {
    out.push_str(name);
    out.push_str(itoa::Buffer::new().format(value.min(LARGEST_INTEGER)));
}

fn seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

/// The largest Integer of a structured field has fifteen digits (RFC 9651, 3.3.1).
const LARGEST_INTEGER: u64 = 999_999_999_999_999;
