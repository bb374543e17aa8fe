//! Base62 digits: drawn uniformly, checked, and as a checksum.

use rand::TryRng;
use zeroize::Zeroizing;

pub(super) const CHECKSUM: usize = 6;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Fills `digits`, each of the 62 equally likely.
pub(super) fn draw<R: TryRng>(random: &mut R, digits: &mut [u8]) -> Result<(), R::Error> {
    let mut pool = Zeroizing::new([0; 64]);
    let mut drawn = 0;
    while drawn < digits.len() {
        random.try_fill_bytes(&mut *pool)?;
        // Six bits that are 62 or 63 are thrown away: a remainder would favour the first digits.
        let fair = pool.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 0x3F)));
        for (place, digit) in digits[drawn..].iter_mut().zip(fair) {
            *place = *digit;
            drawn += 1;
        }
    }
    Ok(())
}

/// Whether `text` is exactly `length` base62 digits.
pub(super) fn is_word(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// CRC-32 (ISO-HDLC) of `body` as six digits, most significant first.
pub(super) fn checksum(body: &str) -> [u8; CHECKSUM] {
    let mut rest = u64::from(crc32fast::hash(body.as_bytes()));
    let mut digits = [0; CHECKSUM];
    for place in digits.iter_mut().rev() {
        let (quotient, digit) = (rest / 62, rest % 62);
        *place = ALPHABET[usize::try_from(digit).expect("a remainder of 62 is below 62")];
        rest = quotient;
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Gives every byte in turn.
    struct Counter(u8);

    impl TryRng for Counter {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            unreachable!("draw() asks for bytes")
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            unreachable!("draw() asks for bytes")
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            for byte in bytes {
                *byte = self.0;
                self.0 = self.0.wrapping_add(1);
            }
            Ok(())
        }
    }

    #[test]
    fn every_byte_value_twice_draws_every_digit_equally_often() {
        let mut digits = [0; 8 * 62];
        let Ok(()) = draw(&mut Counter(0), &mut digits);
        for digit in ALPHABET {
            assert_eq!(digits.iter().filter(|drawn| *drawn == digit).count(), 8, "{}", char::from(*digit));
        }
    }

    #[test]
    fn a_draw_fills_every_place_of_any_length() {
        for length in 0..200 {
            let mut digits = vec![0; length];
            let Ok(()) = draw(&mut Counter(60), &mut digits);
            assert_eq!(digits.iter().position(|digit| !ALPHABET.contains(digit)), None, "{length}");
        }
    }

    #[test]
    fn checksums_are_the_crc_in_base_62_with_leading_zeros() {
        // 0xCBF43926 is the check value of CRC-32/ISO-HDLC: 3·62⁵ + 45·62⁴ + 35·62³ + 27·62² + 22·62 + 14.
        for (body, want) in [("123456789", b"3jZRME"), ("", b"000000"), ("af60448", b"000DIw")] {
            assert_eq!(&checksum(body), want, "{body}");
        }
    }
}
