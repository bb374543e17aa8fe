//! A forger: it signs any header and any claims, well formed or not.

use aetherflow_auth::Environment;
use aetherflow_auth::jwt::{TokenRules, Verifier};
use aetherflow_auth::key::{Algorithm, KeySet, VerifyingKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
#[cfg(feature = "aws-lc-rs")]
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
#[cfg(not(feature = "aws-lc-rs"))]
use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://auth.example";
pub(crate) const AUDIENCE: &str = "https://api.example";
pub(crate) const SECRET: &[u8] = b"a secret of thirty-two bytes, ok";
/// 2026-01-01T00:00:00Z.
pub(crate) const NOW: i64 = 1_767_225_600;

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

pub(crate) fn key() -> VerifyingKey {
    VerifyingKey::from_secret("k1", Algorithm::Hs256, SECRET).unwrap()
}

pub(crate) fn keys() -> KeySet {
    KeySet::new(ISSUER, Environment::production(), [key()]).unwrap()
}

pub(crate) fn rules() -> TokenRules {
    TokenRules::access_token(ISSUER, AUDIENCE, Environment::production()).unwrap()
}

pub(crate) fn verifier() -> Verifier {
    Verifier::new(rules(), keys()).unwrap()
}

pub(crate) fn header() -> Value {
    json!({"alg": "HS256", "typ": "at+jwt", "kid": "k1"})
}

pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "exp": NOW + 3600, "iat": NOW, "jti": "t1",
        "env": "production", "scope": "read:workflows workflows:write", "tenant": "acme", "plan": "pro",
        "ip": ["203.0.113.0/24"],
    })
}

/// The claims with one member changed; null takes the member away.
pub(crate) fn claims_with(name: &str, value: Value) -> Value {
    changed(claims(), name, value)
}

pub(crate) fn header_with(name: &str, value: Value) -> Value {
    changed(header(), name, value)
}

fn changed(mut object: Value, name: &str, value: Value) -> Value {
    let members = object.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name)
    } else {
        members.insert(name.into(), value)
    };
    object
}

pub(crate) fn sign(header: &str, claims: &str) -> String {
    sign_bytes(header.as_bytes(), claims.as_bytes())
}

pub(crate) fn sign_bytes(header: &[u8], claims: &[u8]) -> String {
    sign_text(&format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims)))
}

/// Signs a text as it stands, and appends the signature.
pub(crate) fn sign_text(signed: &str) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
    let signer = (DEFAULT_PROVIDER.signer_factory)(&jsonwebtoken::Algorithm::HS256, &key).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signer.try_sign(signed.as_bytes()).unwrap()))
}

pub(crate) fn good() -> String {
    sign(&header().to_string(), &claims().to_string())
}
