//! The crate through its public names, a module per topic.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be built fails the test that asked for it")]

mod context;
mod damage;
mod keyring;
mod known_answer;
mod round_trip;
mod secret;
mod text;

use aetherflow_crypto::{Context, KeyId, KeyRing, OpenError, Purpose, RingKey, Secret};

const PRIMARY: KeyId = KeyId::new(0xdead_beef);

/// A ring of one field key, 01×32 under deadbeef: that of the format pages.
fn ring() -> KeyRing {
    KeyRing::new(PRIMARY, [field_key(PRIMARY, 1)]).unwrap()
}

fn field_key(id: KeyId, byte: u8) -> RingKey {
    RingKey::new(id, Purpose::Field, &Secret::new(&[byte; 32]))
}

fn email_of_42() -> Context<'static> {
    Context::tenant("tenant-7").table("users").column("email").row("42").unwrap()
}

/// The one value every refusal is; no caller can construct it.
fn refused() -> OpenError {
    ring().open(&email_of_42(), b"").unwrap_err()
}
