//! Plans and their windows: what a host configures.
//!
//! ```
//! use std::time::Duration;
//! use aetherflow_ratelimit::{Plan, Window};
//!
//! let burst = Window::new("second", 5, Duration::from_secs(1))?;
//! let day = Window::new("day", 2_000, Duration::from_secs(86_400))?;
//! let trial = Plan::new("trial", [burst, day])?;
//! assert_eq!(trial.windows().map(|w| w.limit()).collect::<Vec<_>>(), [5, 2_000]);
//! # Ok::<(), aetherflow_ratelimit::ConfigError>(())
//! ```

use std::time::Duration;

use crate::counted::Counted;
use crate::error::ConfigError;
use crate::gcra::Bucket;
use crate::name::Name;

/// A quota per period: a token bucket that holds `limit` requests and refills evenly, `limit` a period.
///
/// Arithmetic is exact: whatever the limit and the period, no rounding makes the quota larger or smaller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Window {
    name: Name,
    bucket: Bucket,
    is_strict: bool,
}

impl Window {
    /// Makes the window `name` that lets `limit` requests through at once and refills in `period`.
    ///
    /// The name goes into header fields and problem documents as it is.
    ///
    /// # Errors
    /// [`ConfigError::WindowName`] unless the name is 1 to 31 printable ASCII characters without `"` and `\`;
    /// [`ConfigError::ZeroLimit`] for a limit of 0; [`ConfigError::Period`] unless the period is a whole number of
    /// milliseconds, at least 1; [`ConfigError::TooLarge`] if limit × milliseconds reaches 2⁶³.
    pub fn new(name: &str, limit: u32, period: Duration) -> Result<Self, ConfigError> {
        let name = Name::new(name)?;
        if limit == 0 {
            return Err(ConfigError::ZeroLimit);
        }
        if period.is_zero() || !period.subsec_nanos().is_multiple_of(1_000_000) {
            return Err(ConfigError::Period);
        }
        let millis = u64::try_from(period.as_millis()).map_err(|_| ConfigError::TooLarge)?;
        let bucket = Bucket::new(limit, millis).ok_or(ConfigError::TooLarge)?;
        Ok(Self { name, bucket, is_strict: false })
    }

    /// Makes the window strict: never more than `limit` requests in any `period`, wherever that begins.
    ///
    /// A bucket lets up to twice as many through in an unlucky period. A strict window counts requests by slices of a
    /// 64th of the period, in whole milliseconds, and a request may count for up to one slice longer than the period. A
    /// table does not count it: it takes an allocation and 260 bytes for each key, and some more for each decision. It
    /// knows of requests under strict windows of the same period only, and counts them as they are when a plan changes.
    #[must_use]
    pub fn strict(self) -> Self {
        Self { is_strict: true, ..self }
    }

    /// Returns the name, as header fields quote it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Returns how many requests a full bucket lets through at once.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.bucket.limit()
    }

    /// Returns the time in which an empty bucket refills.
    #[must_use]
    pub fn period(&self) -> Duration {
        Duration::from_millis(self.bucket.period())
    }

    /// Returns whether the window is [strict](Self::strict).
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.is_strict
    }

    pub(crate) fn bucket(&self) -> Bucket {
        self.bucket
    }
}

/// A named set of windows, all of which a request must fit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan {
    name: Box<str>,
    windows: Box<[Window]>,
    /// As a table counts the windows, if one can.
    counted: Option<Counted>,
}

impl Plan {
    /// Makes a plan; header fields list its windows in the order given here.
    ///
    /// A window's period is its identity when a key moves from plan to plan: the used fraction of the old plan's
    /// bucket of that period is the used fraction of the new one's.
    ///
    /// # Errors
    /// [`ConfigError::PlanName`] for an empty name; [`ConfigError::NoWindow`] without a window;
    /// [`ConfigError::SameName`] and [`ConfigError::SamePeriod`] if two windows share theirs.
    pub fn new(name: &str, windows: impl IntoIterator<Item = Window>) -> Result<Self, ConfigError> {
        let windows: Box<[Window]> = windows.into_iter().collect();
        if name.is_empty() {
            return Err(ConfigError::PlanName);
        }
        if windows.is_empty() {
            return Err(ConfigError::NoWindow);
        }
        if any_two(&windows, |a, b| a.name() == b.name()) {
            return Err(ConfigError::SameName);
        }
        if any_two(&windows, |a, b| a.period() == b.period()) {
            return Err(ConfigError::SamePeriod);
        }
        Ok(Self::of(name, windows))
    }

    /// Returns the plan `free`: 60 requests a minute and 1,000 an hour.
    #[must_use]
    pub fn free() -> Self {
        Self::shipped("free", 60, 1_000)
    }

    /// Returns the plan `pro`: 300 requests a minute and 10,000 an hour.
    #[must_use]
    pub fn pro() -> Self {
        Self::shipped("pro", 300, 10_000)
    }

    /// Returns the plan `enterprise`: 1,000 requests a minute and 50,000 an hour.
    #[must_use]
    pub fn enterprise() -> Self {
        Self::shipped("enterprise", 1_000, 50_000)
    }

    /// Returns the name by which a token asks for this plan.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Lists the windows in the order they were given.
    pub fn windows(&self) -> impl ExactSizeIterator<Item = &Window> {
        self.windows.iter()
    }

    fn shipped(name: &str, per_minute: u32, per_hour: u32) -> Self {
        let window = |name, limit, seconds| {
            Window::new(name, limit, Duration::from_secs(seconds)).expect("a plain name and a small quota")
        };
        Self::of(name, [window("minute", per_minute, 60), window("hour", per_hour, 3_600)].into())
    }

    fn of(name: &str, windows: Box<[Window]>) -> Self {
        let counted = Counted::new(&windows);
        Self { name: name.into(), windows, counted }
    }

    pub(crate) fn counted(&self) -> Option<Counted> {
        self.counted
    }
}

fn any_two(windows: &[Window], alike: impl Fn(&Window, &Window) -> bool) -> bool {
    windows.iter().enumerate().any(|(at, a)| windows[..at].iter().any(|b| alike(a, b)))
}
