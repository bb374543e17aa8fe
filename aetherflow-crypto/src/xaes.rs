//! XAES-256-GCM as specified in <https://c2sp.org/XAES-256-GCM>.
//!
//! The first half of the 24-byte nonce derives the message's key, the second half is its AES-256-GCM nonce; so random
//! nonces are safe for 2⁸⁰ messages a key.

use aes_gcm::{
    AeadInOut, Aes256Gcm, Error, KeyInit, Tag,
    aes::{Aes256, Block, cipher::BlockCipherEncrypt},
};
use zeroize::Zeroize;

/// One key, ready for use: its AES schedule and the CMAC subkey K1, both computed once.
pub(crate) struct Xaes {
    aes: Aes256,
    k1: u128,
}

/// The half that derives the message's key, and the half that is its AES-256-GCM nonce.
pub(crate) type Nonce = [[u8; 12]; 2];

impl Xaes {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let aes = Aes256::new(key.into());
        let mut l = Block::default();
        aes.encrypt_block(&mut l);
        let mut l = u128::from_be_bytes(l.into());
        // L << 1, reduced; the product spares a branch on a secret bit.
        let k1 = (l << 1) ^ ((l >> 127) * 0x87);
        l.zeroize();
        Self { aes, k1 }
    }

    /// Encrypts in place and returns the tag; fails only on a message longer than [`aes_gcm::P_MAX`].
    pub(crate) fn encrypt(&self, nonce: &Nonce, aad: &[u8], message: &mut [u8]) -> Result<Tag, Error> {
        let [first, last] = nonce;
        self.message_cipher(first).encrypt_inout_detached(last.into(), aad, message.into())
    }

    /// Decrypts in place; the message stays as it was unless the tag is right.
    pub(crate) fn decrypt(
        &self,
        nonce: &Nonce,
        aad: &[u8],
        message: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), Error> {
        let [first, last] = nonce;
        self.message_cipher(first).decrypt_inout_detached(last.into(), aad, message.into(), tag.into())
    }

    /// Derives the key of every message whose nonce begins so: NIST SP 800-108r1 in counter mode with CMAC.
    // Inlined, for as a call it would copy the finished cipher, 600 bytes with key material, once more.
    #[inline(always)]
    fn message_cipher(&self, first: &[u8; 12]) -> Aes256Gcm {
        let mut key = [0; 32];
        let (halves, _) = key.as_chunks_mut();
        for (half, counter) in halves.iter_mut().zip(1..) {
            *half = (derivation_input(counter, first) ^ self.k1).to_be_bytes();
        }
        self.aes.encrypt_blocks(Block::cast_slice_from_core_mut(halves));
        let cipher = Aes256Gcm::new((&key).into());
        key.as_mut_slice().zeroize();
        cipher
    }
}

impl Drop for Xaes {
    fn drop(&mut self) {
        // The schedule wipes itself.
        self.k1.zeroize();
    }
}

/// `counter (16 bits) || 'X' || 0x00 || first`, big endian.
fn derivation_input(counter: u8, first: &[u8; 12]) -> u128 {
    let mut block = [0; 16];
    block[..4].copy_from_slice(&[0, counter, b'X', 0]);
    block[4..].copy_from_slice(first);
    u128::from_be_bytes(block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use shake::{ExtendableOutput, Shake128, Update, XofReader};

    #[test]
    fn the_published_vectors_hold() {
        let first = hex!("ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
        let second = hex!("986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
        for (key, aad, want) in [([1; 32], "", first), ([3; 32], "c2sp.org/XAES-256-GCM", second)] {
            let nonce = [*b"ABCDEFGHIJKL", *b"MNOPQRSTUVWX"];
            let sealed = seal(&Xaes::new(&key), &nonce, aad.as_bytes(), b"XAES-256-GCM");
            assert_eq!(sealed, want, "key {key:?}");
        }
    }

    #[test]
    fn the_subkey_is_right_for_both_values_of_the_top_bit() {
        // The published L is 7298caa5… and 91c08762…: only the second is reduced.
        assert_eq!(Xaes::new(&[1; 32]).k1.to_be_bytes(), hex!("e531954aca063d5b8d9c47a47d4cc6f0"));
        assert_eq!(Xaes::new(&[3; 32]).k1.to_be_bytes(), hex!("23810ec50edb99f374409466ed1f4b7b"));
    }

    /// The specification's accumulated randomized test: everything drawn from one SHAKE-128 stream, every output
    /// hashed into another.
    #[test]
    fn ten_thousand_drawn_messages_accumulate_to_the_published_digest() {
        let mut drawn = Shake128::default().finalize_xof();
        let mut digest = Shake128::default();
        for _ in 0..10_000 {
            let cipher = Xaes::new(&draw(&mut drawn));
            let nonce = [draw(&mut drawn), draw(&mut drawn)];
            let message = draw_message(&mut drawn);
            let aad = draw_message(&mut drawn);

            let mut sealed = seal(&cipher, &nonce, &aad, &message);
            digest.update(&sealed);

            let (opened, tag) = sealed.split_last_chunk_mut().unwrap();
            assert_eq!(cipher.decrypt(&nonce, &aad, opened, tag), Ok(()));
            assert_eq!(opened, message);
        }
        let mut accumulated = [0; 32];
        digest.finalize_xof_into(&mut accumulated);
        assert_eq!(accumulated, hex!("e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"));
    }

    fn seal(cipher: &Xaes, nonce: &Nonce, aad: &[u8], message: &[u8]) -> Vec<u8> {
        let mut sealed = message.to_vec();
        let tag = cipher.encrypt(nonce, aad, &mut sealed).unwrap();
        sealed.extend(tag);
        sealed
    }

    fn draw<const N: usize>(from: &mut impl XofReader) -> [u8; N] {
        let mut bytes = [0; N];
        from.read(&mut bytes);
        bytes
    }

    fn draw_message(from: &mut impl XofReader) -> Vec<u8> {
        let [length] = draw(from);
        let mut message = vec![0; length.into()];
        from.read(&mut message);
        message
    }
}
