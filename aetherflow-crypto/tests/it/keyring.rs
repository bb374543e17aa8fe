use crate::{PRIMARY, email_of_42, field_key, refused, ring};
use aetherflow_crypto::{ConfigError, KeyId, KeyRing, Purpose, RingKey, SealError, Secret};

const FORMER: KeyId = KeyId::new(0xdead_bee0);

#[test]
fn a_former_key_still_opens_what_it_sealed() {
    let sealed = ring().seal(&email_of_42(), b"alice").unwrap();
    let rotated = KeyRing::new(FORMER, [field_key(FORMER, 2), field_key(PRIMARY, 1)]).unwrap();
    assert_eq!(*rotated.open(&email_of_42(), &sealed).unwrap(), *b"alice");
    assert_eq!(rotated.primary(), FORMER);
}

#[test]
fn the_primary_key_seals_whatever_the_order_of_the_keys() {
    for keys in [[field_key(FORMER, 2), field_key(PRIMARY, 1)], [field_key(PRIMARY, 1), field_key(FORMER, 2)]]
    {
        let sealed = KeyRing::new(PRIMARY, keys).unwrap().seal(&email_of_42(), b"alice").unwrap();
        assert_eq!(sealed[..5], *b"\x01\xde\xad\xbe\xef");
        assert_eq!(*ring().open(&email_of_42(), &sealed).unwrap(), *b"alice");
    }
}

#[test]
fn only_the_key_named_by_the_value_is_tried() {
    let mut sealed = ring().seal(&email_of_42(), b"alice").unwrap();
    sealed[1..5].copy_from_slice(b"\xde\xad\xbe\xe0");
    let with_the_right_key_elsewhere =
        KeyRing::new(PRIMARY, [field_key(PRIMARY, 1), field_key(FORMER, 2)]).unwrap();
    assert_eq!(with_the_right_key_elsewhere.open(&email_of_42(), &sealed), Err(refused()));
}

#[test]
fn a_key_that_is_absent_unfit_or_disabled_opens_nothing() {
    let sealed = ring().seal(&email_of_42(), b"alice").unwrap();
    let secret = Secret::new(&[1; 32]);
    let other = || field_key(FORMER, 2);
    let opens = |key: Option<RingKey>| {
        let ring = KeyRing::new(FORMER, [other()].into_iter().chain(key)).unwrap();
        ring.open(&email_of_42(), &sealed).map(|plaintext| plaintext.into_vec())
    };

    assert_eq!(opens(Some(RingKey::new(PRIMARY, Purpose::Field, &secret))), Ok(b"alice".to_vec()));
    for (change, key) in [
        ("absent", None),
        ("disabled", Some(RingKey::new(PRIMARY, Purpose::Field, &secret).disabled())),
        ("of purpose wrap", Some(RingKey::new(PRIMARY, Purpose::Wrap, &secret))),
        ("of purpose index", Some(RingKey::new(PRIMARY, Purpose::Index, &secret))),
        ("another key of that id", Some(field_key(PRIMARY, 3))),
    ] {
        assert_eq!(opens(key), Err(refused()), "{change}");
    }
}

#[test]
fn a_primary_of_another_purpose_seals_nothing() {
    for purpose in [Purpose::Wrap, Purpose::Index] {
        let key = RingKey::new(PRIMARY, purpose, &Secret::new(&[1; 32]));
        let ring = KeyRing::new(PRIMARY, [key]).unwrap();
        assert_eq!(ring.seal(&email_of_42(), b"alice"), Err(SealError::Purpose), "{purpose:?}");
    }
}

#[test]
fn a_ring_has_unique_ids_and_one_active_primary() {
    let wrap = || RingKey::new(FORMER, Purpose::Wrap, &Secret::new(&[3; 32]));
    for (fault, keys, want) in [
        ("no keys", vec![], ConfigError::MissingPrimary(PRIMARY)),
        ("primary absent", vec![field_key(FORMER, 2)], ConfigError::MissingPrimary(PRIMARY)),
        ("primary disabled", vec![field_key(PRIMARY, 1).disabled()], ConfigError::DisabledPrimary(PRIMARY)),
        (
            "two primaries",
            vec![field_key(PRIMARY, 1), field_key(FORMER, 2), field_key(PRIMARY, 3)],
            ConfigError::DuplicateKeyId(PRIMARY),
        ),
        (
            "one id for two purposes",
            vec![field_key(PRIMARY, 1), field_key(FORMER, 2), wrap()],
            ConfigError::DuplicateKeyId(FORMER),
        ),
        (
            "one id active and disabled",
            vec![field_key(FORMER, 2).disabled(), field_key(PRIMARY, 1), field_key(FORMER, 2)],
            ConfigError::DuplicateKeyId(FORMER),
        ),
    ] {
        assert_eq!(KeyRing::new(PRIMARY, keys).map(|ring| ring.primary()), Err(want), "{fault}");
    }
    let good = KeyRing::new(PRIMARY, [field_key(FORMER, 2).disabled(), field_key(PRIMARY, 1)]);
    assert_eq!(good.map(|ring| ring.primary()), Ok(PRIMARY));
}

#[test]
fn rotation_is_due_for_every_header_but_the_primarys() {
    let ring = ring();
    let sealed = ring.seal(&email_of_42(), b"alice").unwrap();
    assert!(!ring.needs_rotation(&sealed));
    assert!(!ring.needs_rotation(&sealed[..5]), "only the header is read");
    for bit in 0..5 * 8 {
        let mut other = sealed.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(ring.needs_rotation(&other), "header bit {bit}");
    }
    for length in 0..5 {
        assert!(ring.needs_rotation(&sealed[..length]), "{length} bytes are no header");
    }
}

#[test]
fn a_key_id_prints_as_its_bytes_in_hex() {
    assert_eq!(KeyId::new(0xdead_beef).to_string(), "deadbeef");
    assert_eq!(KeyId::new(7).to_string(), "00000007");
}
