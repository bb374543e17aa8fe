use serde::{Deserialize, Serialize};

use super::name::Name;

/// All that was revoked at one time, to be kept and [restored](super::Revocations::restore) later.
///
/// As JSON it is `{"v":1,"entries":[{"name":["token","https://auth.example","token-1"],"end":1775001660}]}`; an entry
/// without `end` lasts for ever.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    v: Version,
    entries: Vec<Entry>,
}

impl Snapshot {
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        Self { v: Version, entries }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing was revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    #[cfg(feature = "redis")]
    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}

/// Something revoked, and the second from which on that needs no remembering.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) name: Name,
    #[serde(default = "forever", skip_serializing_if = "is_forever")]
    pub(super) end: i64,
}

/// The end of what has none.
pub(super) const FOREVER: i64 = i64::MAX;

fn forever() -> i64 {
    FOREVER
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_forever(end: &i64) -> bool {
    *end == FOREVER
}

/// The number 1: a snapshot of a later form is refused, for what it says might be lost.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(try_from = "u32", into = "u32")]
struct Version;

impl TryFrom<u32> for Version {
    type Error = &'static str;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        if number == 1 { Ok(Self) } else { Err("a snapshot of another version") }
    }
}

impl From<Version> for u32 {
    fn from(_: Version) -> Self {
        1
    }
}
