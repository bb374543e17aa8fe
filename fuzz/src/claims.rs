use std::sync::LazyLock;

use aetherflow_auth::Environment;
use aetherflow_auth::jwt::{TokenRules, Verifier};
use aetherflow_auth::key::{Algorithm, KeySet, VerifyingKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use serde_json::Value;

use crate::token::{AUDIENCE, ISSUER, NOW, SECRET};

/// Verifies any header and claims under a good signature; a NUL byte parts the two, and without one the header is a
/// good one.
///
/// # Panics
///
/// If a token is accepted that another JSON reader reads differently, or that breaks a rule it can be seen to break.
pub fn token_claims(data: &[u8]) -> bool {
    let (header, claims) = match data.iter().position(|byte| *byte == 0) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (HEADER, data),
    };
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac(signed.as_bytes())));
    let now = DateTime::from_timestamp(NOW, 0).expect("a time of this century");
    let Ok(verified) = VERIFIER.verify_at(&token, now) else { return false };

    let caller = verified.principal();
    let read: Value = serde_json::from_slice(claims).expect("what is accepted is JSON to others, too");
    assert_eq!((read["iss"].as_str(), read["env"].as_str()), (Some(ISSUER), Some("production")));
    assert_eq!(read["sub"].as_str(), Some(caller.identity().subject()));
    assert_eq!(read["jti"].as_str(), Some(caller.credential_id()));
    assert_eq!(read["tenant"].as_str(), caller.identity().named_tenant());
    assert!(read["exp"].as_f64().is_some_and(|exp| exp > NOW as f64 - 1.0), "an expired token was accepted");
    let names_us = |audience: &Value| audience.as_str() == Some(AUDIENCE);
    assert!(names_us(&read["aud"]) || read["aud"].as_array().is_some_and(|all| all.iter().any(names_us)));
    let header: Value = serde_json::from_slice(header).expect("what is accepted is JSON to others, too");
    assert!(header["crit"].is_null() && header.get("crit").is_none() && header["alg"] == "HS256");
    true
}

fn mac(message: &[u8]) -> Vec<u8> {
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
    let signer = (DEFAULT_PROVIDER.signer_factory)(&jsonwebtoken::Algorithm::HS256, &key);
    signer.expect("a secret").try_sign(message).expect("an HMAC of anything")
}

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let here = Environment::production();
    let key = VerifyingKey::from_secret("k1", Algorithm::Hs256, SECRET).expect("long enough");
    let keys = KeySet::new(ISSUER, here, [key]).expect("one key");
    let rules = TokenRules::access_token(ISSUER, AUDIENCE, here).expect("names that are not empty");
    Verifier::new(rules, keys).expect("one issuer, one environment").with_cache(0)
});

const HEADER: &[u8] = br#"{"alg":"HS256","typ":"at+jwt","kid":"k1"}"#;
