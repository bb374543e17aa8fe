use std::sync::LazyLock;

use aetherflow_crypto::{Context, KeyId, KeyRing, Purpose, RingKey, Secret, text};

/// Opens any bytes: only the one value that was ever sealed opens, as bytes or as text.
///
/// # Panics
///
/// If another value opens, or opening and rotation disagree on the key.
pub fn field_open(data: &[u8]) -> bool {
    let context =
        Context::tenant("tenant-7").table("users").column("email").row("42").expect("no part is empty");
    let opened = RING.open(&context, data);
    if let Ok(plaintext) = &opened {
        assert_eq!((data, &**plaintext), (SEALED, &b"alice@example.com"[..]));
        assert!(!RING.needs_rotation(data));
    }
    let decoded =
        std::str::from_utf8(data).ok().and_then(|written| Some((written, text::decode(written).ok()?)));
    if let Some((written, bytes)) = decoded {
        assert_eq!(text::encode(&bytes), written, "two texts for one value");
    }
    opened.is_ok()
}

static RING: LazyLock<KeyRing> = LazyLock::new(|| {
    let id = KeyId::new(0xdead_beef);
    KeyRing::new(id, [RingKey::new(id, Purpose::Field, &Secret::new(&[1; 32]))]).expect("one key")
});

/// The known answer of the format page.
const SEALED: &[u8] = b"\x01\xde\xad\xbe\xefABCDEFGHIJKLMNOPQRSTUVWX\
\xf7\x79\x42\xc6\x74\xee\x96\x49\x29\xb8\x05\x28\xb9\xfd\xca\x95\xb5\
\x10\x50\x38\xd0\x2e\x04\x0c\xdc\x7f\xb7\x1a\x48\xb1\x1f\x89\x1f";
