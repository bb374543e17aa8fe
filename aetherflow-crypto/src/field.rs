//! The sealed field, version 1: `0x01 || key id || nonce || ciphertext || tag`.

use crate::xaes::Nonce;
use crate::{Context, KeyId, KeyRing, OpenError, Plaintext, Purpose, SealError};
use rand::Rng;

impl KeyRing {
    /// Seals a value under the primary key, bound to `context`; 45 bytes longer than the plaintext.
    ///
    /// # Errors
    /// - [`SealError::Purpose`] if the primary key is not a field key
    /// - [`SealError::TooLong`] if the plaintext exceeds 2³⁶ - 32 bytes
    ///
    /// # Panics
    /// If the operating system's generator cannot seed this thread's, at first or again.
    pub fn seal(&self, context: &Context<'_>, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = Nonce::default();
        rand::rng().fill_bytes(nonce.as_flattened_mut());
        self.seal_with_nonce(context, plaintext, &nonce)
    }

    /// Opens a value that was sealed in `context` by any active field key of this ring.
    ///
    /// Only the key whose id the value carries is tried.
    ///
    /// # Errors
    /// [`OpenError`] for everything else, whatever the cause.
    pub fn open(&self, context: &Context<'_>, sealed: &[u8]) -> Result<Plaintext, OpenError> {
        let parts = Parts::split(sealed).ok_or(OpenError)?;
        let key = self.find(parts.key_id).ok_or(OpenError)?;
        let cipher = key.cipher_for(Purpose::Field).ok_or(OpenError)?;

        let mut plaintext = Plaintext::new(parts.ciphertext.to_vec());
        context
            .with_aad(|aad| cipher.decrypt(&parts.nonce, aad, plaintext.as_mut_slice(), parts.tag))
            .map_err(|_| OpenError)?;
        Ok(plaintext)
    }

    /// Tells whether a value is anything but one sealed by the primary key, from its first five bytes alone.
    ///
    /// Agrees with the SQL of the format page, bytes that are no sealed value included: those need someone's eye, and
    /// [`open`](Self::open) refuses them.
    #[must_use]
    pub fn needs_rotation(&self, sealed: &[u8]) -> bool {
        !sealed.starts_with(&header(self.primary()))
    }

    // Private: the same nonce for two messages gives both away.
    fn seal_with_nonce(
        &self,
        context: &Context<'_>,
        plaintext: &[u8],
        nonce: &Nonce,
    ) -> Result<Vec<u8>, SealError> {
        check_length(plaintext.len() as u64)?;
        let key = self.primary_key();
        let cipher = key.cipher_for(Purpose::Field).ok_or(SealError::Purpose)?;

        let mut sealed = Vec::with_capacity(PREFIX + plaintext.len() + TAG);
        sealed.extend_from_slice(&header(key.id()));
        sealed.extend_from_slice(nonce.as_flattened());
        sealed.extend_from_slice(plaintext);
        let tag = context
            .with_aad(|aad| cipher.encrypt(nonce, aad, &mut sealed[PREFIX..]))
            .map_err(|_| SealError::TooLong)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }
}

struct Parts<'a> {
    key_id: KeyId,
    nonce: Nonce,
    ciphertext: &'a [u8],
    tag: &'a [u8; TAG],
}

impl<'a> Parts<'a> {
    fn split(sealed: &'a [u8]) -> Option<Self> {
        let (&version, rest) = sealed.split_first()?;
        if version != VERSION {
            return None;
        }
        let (&key_id, rest) = rest.split_first_chunk()?;
        let (&first, rest) = rest.split_first_chunk()?;
        let (&last, rest) = rest.split_first_chunk()?;
        let (ciphertext, tag) = rest.split_last_chunk()?;
        Some(Self { key_id: KeyId::from_bytes(key_id), nonce: [first, last], ciphertext, tag })
    }
}

fn header(id: KeyId) -> [u8; HEADER] {
    let [a, b, c, d] = id.to_bytes();
    [VERSION, a, b, c, d]
}

// Looked at before the output is allocated.
fn check_length(plaintext: u64) -> Result<(), SealError> {
    if plaintext > aes_gcm::P_MAX { Err(SealError::TooLong) } else { Ok(()) }
}

const VERSION: u8 = 1;
const HEADER: usize = 5;
const PREFIX: usize = HEADER + size_of::<Nonce>();
const TAG: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RingKey, Secret};
    use hex_literal::hex;

    #[test]
    fn the_known_answers_hold() {
        let id = KeyId::new(0xdead_beef);
        let ring = KeyRing::new(id, [RingKey::new(id, Purpose::Field, &Secret::new(&[1; 32]))]).unwrap();
        let column = Context::tenant("tenant-7").table("users").column("email");
        for (context, want) in [(column.row("42").unwrap(), &CELL), (column.without_row().unwrap(), &COLUMN)]
        {
            let sealed = ring.seal_with_nonce(&context, b"alice@example.com", &NONCE);
            assert_eq!(sealed.as_deref(), Ok(&want[..]), "{context:?}");
        }
    }

    #[test]
    fn the_longest_plaintext_is_the_longest_of_one_gcm_message() {
        // NIST SP 800-38D: 2^39 - 256 bits.
        let most = ((1 << 39) - 256) / 8;
        assert_eq!(check_length(most), Ok(()));
        assert_eq!(check_length(most + 1), Err(SealError::TooLong));
    }

    const NONCE: Nonce = [*b"ABCDEFGHIJKL", *b"MNOPQRSTUVWX"];
    const CELL: [u8; 62] = hex!(
        "01deadbeef4142434445464748494a4b4c4d4e4f505152535455565758f77942c674ee964929b80528b9fdca95b5105038"
        "d02e040cdc7fb71a48b11f891f"
    );
    const COLUMN: [u8; 62] = hex!(
        "01deadbeef4142434445464748494a4b4c4d4e4f505152535455565758f77942c674ee964929b80528b9fdca95b5f623e8"
        "393a8d7e4371e4fd7d574ef302"
    );
}
