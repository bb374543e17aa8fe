//! The token every contestant is given: 411 bytes under HS256, valid for a day; the same claims under other algorithms.

use aetherflow_auth::Environment;
use aetherflow_auth::jwt::{TokenRules, Verifier};
use aetherflow_auth::key::{KeySet, VerifyingKey};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

pub const ISSUER: &str = "https://auth.aetherflow.com";
pub const AUDIENCE: &str = "https://api.aetherflow.com";
pub const SECRET: &[u8] = b"benchmark secret of 32 bytes: ok";

/// Signs it under HS256.
pub fn hs256() -> String {
    signed(Algorithm::HS256, &EncodingKey::from_secret(SECRET), "01J0000000ABCDEFGHJKMNPQRS")
}

/// Signs it with jsonwebtoken, under any algorithm and id.
pub fn signed(algorithm: Algorithm, key: &EncodingKey, id: &str) -> String {
    let mut header = Header::new(algorithm);
    header.typ = Some("at+jwt".into());
    let now = chrono::Utc::now().timestamp();
    let claims = json!({
        "iss": ISSUER, "sub": "user_01HZX3Q8Y6Z4V7", "aud": AUDIENCE, "exp": now + 86_400, "iat": now,
        "jti": id, "scope": "read:workflows write:workflows execute:workflows", "env": "production",
    });
    jsonwebtoken::encode(&header, &claims, key).expect("a key that signs")
}

/// Ours, for that issuer and one key.
pub fn verifier(key: VerifyingKey) -> Verifier {
    let here = Environment::production();
    let keys = KeySet::new(ISSUER, here, [key]).expect("one key");
    Verifier::new(TokenRules::access_token(ISSUER, AUDIENCE, here).expect("names"), keys).expect("one issuer")
}
