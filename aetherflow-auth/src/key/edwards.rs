//! Which 32 bytes are a public key of Ed25519.

use curve25519_dalek::edwards::CompressedEdwardsY;

use crate::error::ConfigError;

/// Refuses what no private key has as its public half (RFC 8032 §5.1.3, §5.1.5).
///
/// aws-lc looks at none of this when it parses a key, and ed25519-dalek at the curve only. Under a point of small order
/// signatures exist that hold for any message, made by no one's private key; under a point that has a part of small
/// order, verifiers disagree.
pub(super) fn check(bytes: &[u8]) -> Result<(), ConfigError> {
    let compressed = CompressedEdwardsY::from_slice(bytes).map_err(|_| ConfigError::OffCurve)?;
    let point = compressed.decompress().ok_or(ConfigError::OffCurve)?;
    // A `y` that is not below p, or a sign on a zero `x`, would give one point two names.
    if point.compress() != compressed {
        return Err(ConfigError::OffCurve);
    }
    let is_of_the_group = point.is_torsion_free() && !point.is_small_order();
    if is_of_the_group { Ok(()) } else { Err(ConfigError::SmallOrder) }
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};

    use super::*;

    #[test]
    fn only_points_of_the_prime_order_group_are_keys() {
        assert_eq!(check(ED25519_BASEPOINT_POINT.compress().as_bytes()), Ok(()));
        for small in EIGHT_TORSION {
            let small_order = Err(ConfigError::SmallOrder);
            assert_eq!(check(small.compress().as_bytes()), small_order, "{small:?}");
            let mixed = ED25519_BASEPOINT_POINT + small;
            let want = if small == EIGHT_TORSION[0] { Ok(()) } else { small_order };
            assert_eq!(check(mixed.compress().as_bytes()), want, "{small:?}");
        }
    }

    #[test]
    fn bytes_that_name_no_point_or_name_it_otherwise_are_refused() {
        let with = |first: u8, middle: u8, last: u8| {
            let mut bytes = [middle; 32];
            (bytes[0], bytes[31]) = (first, last);
            bytes
        };
        for (fault, bytes) in [
            ("no square gives x", with(2, 0, 0)),
            ("y is p", with(0xed, 0xff, 0x7f)),
            ("y is p + 1, which is 1", with(0xee, 0xff, 0x7f)),
            ("y is p + 3, which has an x", with(0xf0, 0xff, 0x7f)),
            ("minus zero", with(1, 0, 0x80)),
        ] {
            assert_eq!(check(&bytes), Err(ConfigError::OffCurve), "{fault}");
        }
        assert_eq!(check(&[9; 31]), Err(ConfigError::OffCurve));
    }
}
