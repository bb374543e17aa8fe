use proptest::prelude::*;

use super::*;
use crate::fingerprint::Fingerprints;

/// Builds the key of a kind from three parts, and says which of them it uses.
fn key<'a>(kind: u8, [a, b, c]: [&'a str; 3]) -> (Key<'a>, [&'a str; 3]) {
    match kind {
        0 => (Key::tenant(a, b), [a, b, ""]),
        1 => (Key::identity(a, b, c), [a, b, c]),
        2 => (Key::client(a, b), [a, b, ""]),
        _ => (Key::credential(a, b), [a, b, ""]),
    }
}

proptest! {
    #[test]
    fn a_key_matches_its_own_encoding_and_no_other_keys(
        kinds in (0..4_u8, 0..4_u8),
        first in ["[a\0]{0,3}", "[a\0]{0,3}", "[a\0]{0,3}"],
        second in ["[a\0]{0,3}", "[a\0]{0,3}", "[a\0]{0,3}"],
    ) {
        let fingerprints = Fingerprints::new();
        let (one, its) = key(kinds.0, first.each_ref().map(String::as_str));
        let (other, others) = key(kinds.1, second.each_ref().map(String::as_str));
        let same = kinds.0 == kinds.1 && its == others;
        prop_assert_eq!(one == other, same);
        prop_assert_eq!(one.is_encoded_as(&other.encoded()), same);
        prop_assert_eq!(one.encoded() == other.encoded(), same);
        prop_assert_eq!(fingerprints.of(&one) == fingerprints.of(&other), same);
        prop_assert!(one.is_encoded_as(&one.encoded()));
    }
}

#[test]
fn the_split_between_parts_is_part_of_the_key() {
    assert!(!Key::tenant("ab", "c").is_encoded_as(&Key::tenant("a", "bc").encoded()));
    assert!(!Key::tenant("a", "").is_encoded_as(&Key::client("a", "").encoded()));
}

#[test]
fn every_byte_of_a_part_of_any_length_is_in_the_fingerprint() {
    let fingerprints = Fingerprints::new();
    let of = |part: &str| fingerprints.of(&Key::credential("iss", part));
    for length in 0..40 {
        let part = "a".repeat(length);
        assert_ne!(of(&part), of(&format!("{part}a")), "{length}");
        assert_eq!(of(&part), of(&part.clone()), "{length}");
        for at in 0..length {
            let mut other = part.clone();
            other.replace_range(at..=at, "b");
            assert_ne!(of(&part), of(&other), "{at} of {length}");
        }
    }
    let long = "a".repeat(300);
    assert_ne!(of(&long), of(&long[1..]));
    assert_ne!(fingerprints.of(&Key::tenant(&long, "a")), fingerprints.of(&Key::tenant(&long[1..], "aa")));
    assert_ne!(
        of("a"),
        Fingerprints::new().of(&Key::credential("iss", "a")),
        "the secret is another each time"
    );
}

#[test]
fn a_length_forged_inside_a_part_does_not_shift_the_parts() {
    let stored = Key::tenant("a", "ttttttttuuuuuuuu").encoded();
    assert!(!Key::tenant("a\x10\0\0\0\0\0\0\0", "uuuuuuuu").is_encoded_as(&stored));
}

#[test]
fn an_address_is_counted_by_what_one_host_commonly_owns() {
    let address = |text: &str| Key::address(text.parse().unwrap());
    for (case, one, other, same) in [
        ("one /64", "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
        ("the next /64", "2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ("mapped and plain", "::ffff:192.0.2.7", "192.0.2.7", true),
        ("mapped neighbours", "::ffff:192.0.2.7", "::ffff:192.0.2.8", false),
        ("plain neighbours", "192.0.2.7", "192.0.2.8", false),
        ("an IPv6 prefix that begins with the bytes of an IPv4 address", "c000:207::", "192.0.2.7", false),
    ] {
        assert_eq!(address(one) == address(other), same, "{case}");
        assert_eq!(address(one).is_encoded_as(&address(other).encoded()), same, "{case}");
    }
}

#[test]
fn a_truncated_or_longer_encoding_is_no_match() {
    let key = Key::identity("iss", "acme", "alice");
    let mut bytes = key.encoded().into_vec();
    bytes.push(0);
    assert!(!key.is_encoded_as(&bytes));
    assert!(!key.is_encoded_as(&bytes[..bytes.len() - 2]));
    assert!(!key.is_encoded_as(&[]));
}
