use crate::{ConfigError, KeyId, RingKey};

/// Keys by id, one of them primary: it seals, and the others still open what they sealed before.
///
/// To rotate, build a ring with a new primary beside the former one, reseal what
/// [`needs_rotation`](Self::needs_rotation), then drop the former key.
///
/// # Examples
/// ```
/// use aetherflow_crypto::{Context, KeyId, KeyRing, Purpose, RingKey, Secret};
///
/// let (former, current) = (KeyId::new(1), KeyId::new(2));
/// let (old, new) = (Secret::generate()?, Secret::generate()?);
/// let ring = KeyRing::new(
///     current,
///     [RingKey::new(current, Purpose::Field, &new), RingKey::new(former, Purpose::Field, &old)],
/// )?;
///
/// let context = Context::tenant("tenant-7").table("users").column("email").row("42")?;
/// let sealed = ring.seal(&context, b"alice@example.com")?;
/// assert_eq!(*ring.open(&context, &sealed)?, *b"alice@example.com");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct KeyRing {
    // Invariant: sorted by id, and no id occurs twice.
    keys: Box<[RingKey]>,
    // Invariant: the position of an active key.
    primary: usize,
}

impl KeyRing {
    /// Makes a ring of these keys; `primary` names the one that seals.
    ///
    /// # Errors
    /// - [`ConfigError::DuplicateKeyId`] if two keys share an id
    /// - [`ConfigError::MissingPrimary`] if no key has the id `primary`
    /// - [`ConfigError::DisabledPrimary`] if that key is disabled
    pub fn new(primary: KeyId, keys: impl IntoIterator<Item = RingKey>) -> Result<Self, ConfigError> {
        let mut keys: Box<[RingKey]> = keys.into_iter().collect();
        keys.sort_by_key(RingKey::id);
        if let Some(twins) = keys.windows(2).find(|pair| pair[0].id() == pair[1].id()) {
            return Err(ConfigError::DuplicateKeyId(twins[0].id()));
        }

        let position = position(&keys, primary).ok_or(ConfigError::MissingPrimary(primary))?;
        if !keys[position].is_active() {
            return Err(ConfigError::DisabledPrimary(primary));
        }
        Ok(Self { keys, primary: position })
    }

    /// The id of the key that seals.
    #[must_use]
    pub fn primary(&self) -> KeyId {
        self.primary_key().id()
    }

    pub(crate) fn primary_key(&self) -> &RingKey {
        &self.keys[self.primary]
    }

    pub(crate) fn find(&self, id: KeyId) -> Option<&RingKey> {
        position(&self.keys, id).map(|position| &self.keys[position])
    }
}

fn position(keys: &[RingKey], id: KeyId) -> Option<usize> {
    keys.binary_search_by_key(&id, RingKey::id).ok()
}
