use std::sync::LazyLock;

use aetherflow_auth::Environment;
use aetherflow_auth::jwt::{TokenRules, Verifier};
use aetherflow_auth::key::{Algorithm, KeySet, VerifyingKey};
use chrono::DateTime;

/// Verifies any text: only the one token the key ever signed well is accepted.
///
/// # Panics
///
/// If another text is accepted, or an answer from memory differs from the first.
pub fn token_verify(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let now = DateTime::from_timestamp(NOW, 0).expect("a time of this century");
    let verdict = VERIFIER.verify_at(text, now).map(|_| ());
    assert!(verdict.is_err() || text == GOOD, "a forged token was accepted");
    if let Some(remembered) = VERIFIER.cached_at(text, now) {
        assert_eq!(remembered.map(|_| ()), verdict);
    }
    verdict.is_ok()
}

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let (issuer, here) = ("https://auth.example", Environment::production());
    let key = VerifyingKey::from_secret("k1", Algorithm::Hs256, b"a secret of thirty-two bytes, ok");
    let keys = KeySet::new(issuer, here, [key.expect("long enough")]).expect("one key");
    let rules =
        TokenRules::access_token(issuer, "https://api.example", here).expect("names that are not empty");
    Verifier::new(rules, keys).expect("one issuer, one environment")
});

pub(crate) const ISSUER: &str = "https://auth.example";
pub(crate) const AUDIENCE: &str = "https://api.example";
pub(crate) const SECRET: &[u8] = b"a secret of thirty-two bytes, ok";
/// 2026-01-01T00:00:00Z.
pub(crate) const NOW: i64 = 1_767_225_600;
const GOOD: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImsxIn0.eyJpc3MiOiJodHRwczovL2F1dGguZXhhbXBsZSIsInN1YiI6ImFsaWNlIiwiYXVkIjoiaHR0cHM6Ly9hcGkuZXhhbXBsZSIsImV4cCI6MTc2NzIyOTIwMCwiaWF0IjoxNzY3MjI1NjAwLCJqdGkiOiJ0MSIsImVudiI6InByb2R1Y3Rpb24iLCJzY29wZSI6InJlYWQ6d29ya2Zsb3dzIHdyaXRlOndvcmtmbG93cyJ9.ap2_oIa3XBSYTkcJgs8mw3rEthe7LXK1cJIH6OVvWAc";
