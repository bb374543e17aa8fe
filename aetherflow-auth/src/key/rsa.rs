//! Which RSA keys are strong enough, and RSAPublicKey in DER (RFC 8017 A.1.1).

use pkcs1::RsaPublicKey;
use pkcs8::der::Encode as _;
use pkcs8::der::asn1::UintRef;

use super::backend;
use crate::error::ConfigError;

/// Refuses a modulus or an exponent too small to be safe, too large to be checked, or of a broken generator.
pub(super) fn check(modulus: &[u8], exponent: &[u8]) -> Result<(), ConfigError> {
    let bits = bits(modulus);
    if !(LEAST_BITS..=MOST_BITS).contains(&bits) {
        return Err(ConfigError::RsaSize);
    }
    if bits > backend::MOST_RSA_BITS {
        return Err(ConfigError::RsaBackendSize);
    }
    if is_even(modulus) {
        return Err(ConfigError::RsaEven);
    }
    // Above 32 bits an exponent serves only to make verification slow.
    if !(17..=32).contains(&self::bits(exponent)) || is_even(exponent) {
        return Err(ConfigError::RsaExponent);
    }
    if has_roca_fingerprint(modulus) { Err(ConfigError::RsaRoca) } else { Ok(()) }
}

/// The public key as the backend parses it.
pub(super) fn encoded(modulus: &[u8], exponent: &[u8]) -> Result<Vec<u8>, ConfigError> {
    let written = || {
        let (modulus, public_exponent) = (UintRef::new(modulus)?, UintRef::new(exponent)?);
        RsaPublicKey { modulus, public_exponent }.to_der()
    };
    written().map_err(|_| ConfigError::UnreadableKey)
}

fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros).map_or(0, |first| (number.len() - zeros) * 8 - first.leading_zeros() as usize)
}

fn is_even(number: &[u8]) -> bool {
    number.last().is_none_or(|byte| byte % 2 == 0)
}

/// Whether the modulus is one of the vulnerable generator's (CVE-2017-15361, "The Return of Coppersmith's Attack",
/// §2.3).
///
/// Its primes are k·M + (65537^a mod M), M the product of the first primes, so that modulo each of those the modulus is a
/// power of 65537 as well. Of other moduli one in 2^27.8 is so.
fn has_roca_fingerprint(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|&prime| is_power_of_65537(remainder(modulus, prime), prime))
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime)
}

fn is_power_of_65537(residue: u32, prime: u32) -> bool {
    let mut power = 1;
    loop {
        if power == residue {
            return true;
        }
        power = power * 65_537 % prime;
        if power == 1 {
            return false;
        }
    }
}

const LEAST_BITS: usize = 2_048;
const MOST_BITS: usize = 8_192;

/// The odd primes of the smallest M, 3 to 167; every larger M has them too.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn residues_are_told_by_the_subgroup_65537_makes() {
        let powers =
            |prime| (0..prime).filter(|residue| is_power_of_65537(*residue, prime)).collect::<Vec<_>>();
        assert_eq!(powers(3), [1, 2]);
        assert_eq!(powers(11), [1, 10]);
        assert_eq!(powers(13), [1, 3, 4, 9, 10, 12]);
        assert_eq!(powers(37), [1, 10, 26]);
    }

    #[test]
    fn remainders_are_those_of_the_whole_number() {
        assert_eq!(remainder(&[1, 0, 1], 65_537), 0);
        assert_eq!(remainder(&[0xff; 16], 167), 62);
    }
}
