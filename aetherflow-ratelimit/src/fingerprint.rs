//! Keys by hashes that nobody outside can foresee.

use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};

use siphasher::sip::SipHasher13;

use crate::key::Key;

/// SipHash-1-3 under a key of the system's, so that nobody can aim keys at one line or one shard.
///
/// It is the hash of [`RandomState`], by a crate that takes words without looking at their bytes.
#[derive(Debug)]
pub(crate) struct Fingerprints([u64; 2]);

impl Fingerprints {
    pub(crate) fn new() -> Self {
        let random = RandomState::new();
        Self([0, 1].map(|half| random.hash_one(half)))
    }

    pub(crate) fn of(&self, key: &Key<'_>) -> u64 {
        // Made anew, so that the compiler sees that nothing is left over from one word to the next.
        let mut hasher = SipHasher13::new_with_keys(self.0[0], self.0[1]);
        key.hash(&mut hasher);
        hasher.finish()
    }
}
