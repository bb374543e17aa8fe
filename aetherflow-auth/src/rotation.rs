//! Rotation: how old a secret may grow, and how the new one takes over without a request refused.
//!
//! 1. One [`RotationPolicy`] serves access tokens, API keys, client secrets, peppers and signing keys: 90 days at most,
//!    24 hours in which old and new both work, reminders 30, 7 and 1 days before the end.
//! 2. [`RotationPolicy::status_at`] says where one of them stands, [`RotationPolicy::due_at`] which of many are due.
//! 3. A signing key is published before it signs, for as long as a verifier may keep an older JWKS, and stays published
//!    until the last token it signed has expired: [`KeyRotation`].
//!
//! Nothing here keeps state or reads a clock: what is asked is answered from the dates the host keeps.
//!
//! ```
//! use aetherflow_auth::rotation::{Life, RotationPolicy, RotationStatus};
//! use chrono::{DateTime, TimeDelta};
//!
//! let policy = RotationPolicy::default();
//! let created = DateTime::from_timestamp(1_767_225_600, 0).ok_or("no time")?;
//! let after = |days| policy.status_at(&Life::new(created), created + TimeDelta::days(days));
//! assert_eq!(after(59), RotationStatus::Current);
//! assert_eq!(after(60), RotationStatus::Due(TimeDelta::days(30)));
//! assert_eq!(after(89), RotationStatus::Due(TimeDelta::days(1)));
//! assert_eq!(after(90), RotationStatus::Overdue);
//! # Ok::<(), &'static str>(())
//! ```

mod keys;
mod policy;

pub use keys::{KeyPlan, KeyRotation, PublishedKey};
pub use policy::{Due, Life, RotationPolicy, RotationStatus};
