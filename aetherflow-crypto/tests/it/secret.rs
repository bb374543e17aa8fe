use crate::{email_of_42, field_key, ring};
use aetherflow_crypto::{ConfigError, KeyId, KeyRing, Purpose, RingKey, Secret};

#[test]
fn a_secret_has_exactly_32_bytes() {
    for length in [0, 16, 31, 33, 64] {
        let bytes = vec![7; length];
        assert_eq!(Secret::try_from(&bytes[..]), Err(ConfigError::KeyLength(length)));
    }
    assert_eq!(Secret::try_from(&[7; 32][..]), Ok(Secret::new(&[7; 32])));
}

#[test]
fn secrets_are_equal_when_every_byte_is() {
    let one = Secret::new(&[7; 32]);
    assert_eq!(one, Secret::new(&[7; 32]));
    for position in 0..32 {
        let mut bytes = [7; 32];
        bytes[position] ^= 0x80;
        assert_ne!(one, Secret::new(&bytes), "byte {position}");
    }
}

#[test]
fn generated_secrets_differ_and_serve() {
    let (one, other) = (Secret::generate().unwrap(), Secret::generate().unwrap());
    assert_ne!(one, other);
    assert_ne!(*one.expose(), [0; 32]);

    let id = KeyId::new(1);
    let ring = |secret| KeyRing::new(id, [RingKey::new(id, Purpose::Field, secret)]).unwrap();
    let sealed = ring(&one).seal(&email_of_42(), b"alice").unwrap();
    let stored = Secret::new(one.expose());
    assert_eq!(*ring(&stored).open(&email_of_42(), &sealed).unwrap(), *b"alice");
}

#[test]
fn nothing_prints_key_or_plaintext() {
    let sealed = ring().seal(&email_of_42(), b"alice").unwrap();
    let plaintext = ring().open(&email_of_42(), &sealed).unwrap();
    assert_eq!(format!("{:?}", Secret::new(&[7; 32])), "[redacted]");
    assert_eq!(format!("{plaintext:?}"), "[redacted]");
    assert_eq!(
        format!("{:?}", field_key(KeyId::new(7), 1)),
        "RingKey { id: KeyId(00000007), purpose: Field, state: Active, .. }"
    );
}

#[test]
fn plaintexts_are_equal_when_every_byte_is() {
    let open = |text: &[u8]| {
        let sealed = ring().seal(&email_of_42(), text).unwrap();
        ring().open(&email_of_42(), &sealed).unwrap()
    };
    assert_eq!(open(b"alice"), open(b"alice"));
    assert_ne!(open(b"alice"), open(b"alicf"));
    assert_ne!(open(b"alice"), open(b"alic"));
    assert_eq!(open(b"alice").into_vec(), b"alice");
}
