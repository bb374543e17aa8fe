//! The token every contestant is given: HS256, 411 bytes, valid for a day.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

pub const ISSUER: &str = "https://auth.aetherflow.com";
pub const AUDIENCE: &str = "https://api.aetherflow.com";
pub const SECRET: &[u8] = b"benchmark secret of 32 bytes: ok";

/// Signs it with jsonwebtoken.
pub fn hs256() -> String {
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some("at+jwt".into());
    let now = chrono::Utc::now().timestamp();
    let claims = json!({
        "iss": ISSUER, "sub": "user_01HZX3Q8Y6Z4V7", "aud": AUDIENCE, "exp": now + 86_400, "iat": now,
        "jti": "01J0000000ABCDEFGHJKMNPQRS", "scope": "read:workflows write:workflows execute:workflows",
        "env": "production",
    });
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(SECRET)).expect("a key that signs")
}
