use aetherflow_auth::jwt::JwsVerifier;
use aetherflow_auth::{ConfigError, TokenError};
use serde_json::{Value, json};

use crate::forge::{good, header_with, keys, now, sign_bytes, verifier};

const BYTES: &[u8] = b"\xff\x00 not text";

fn typed() -> JwsVerifier {
    JwsVerifier::new("notice+jws", keys()).unwrap()
}

fn signed(typ: Value) -> String {
    sign_bytes(header_with("typ", typ).to_string().as_bytes(), BYTES)
}

#[test]
fn bytes_under_the_demanded_type_come_back_as_they_were_signed() {
    for typ in ["notice+jws", "Notice+JWS", "application/notice+jws", "APPLICATION/notice+jws"] {
        let read = typed().verify_bytes_at(signed(json!(typ)), now()).unwrap();
        assert_eq!((read.payload(), read.key_id()), (BYTES, "k1"), "{typ}");
        assert_eq!(read.into_payload(), BYTES);
    }
    let prefixed = JwsVerifier::new("application/notice+jws", keys()).unwrap();
    assert_eq!(prefixed.verify_bytes_at(signed(json!("notice+jws")), now()).unwrap().payload(), BYTES);
    let untyped = JwsVerifier::untyped(keys());
    assert_eq!(untyped.verify_bytes_at(signed(Value::Null), now()).unwrap().payload(), BYTES);
}

#[test]
fn a_type_is_neither_guessed_nor_dropped() {
    for typ in [
        json!("notice"),
        json!("notice+jws "),
        json!(""),
        json!("at+jwt"),
        json!("application/"),
        Value::Null,
    ] {
        let refused = typed().verify_bytes_at(signed(typ.clone()), now());
        assert_eq!(refused.unwrap_err(), TokenError::Type, "{typ}");
    }
    let untyped = JwsVerifier::untyped(keys());
    for typ in ["notice+jws", "", "JWT"] {
        assert_eq!(
            untyped.verify_bytes_at(signed(json!(typ)), now()).unwrap_err(),
            TokenError::Type,
            "{typ}"
        );
    }
}

#[test]
fn tokens_are_not_bytes_and_bytes_are_no_tokens() {
    for typ in ["JWT", "jwt", "at+jwt", "application/at+jwt", "Application/AT+JWT", "", "application/"] {
        assert_eq!(JwsVerifier::new(typ, keys()).unwrap_err(), ConfigError::TokenType, "{typ}");
    }
    for jws in [typed(), JwsVerifier::untyped(keys())] {
        assert_eq!(jws.verify_bytes_at(good(), now()).unwrap_err(), TokenError::Type);
    }
    let claims = sign_bytes(
        header_with("typ", json!("notice+jws")).to_string().as_bytes(),
        crate::forge::claims().to_string().as_bytes(),
    );
    assert_eq!(verifier().verify_at(&claims, now()).unwrap_err(), TokenError::Type);
}

#[test]
fn header_and_form_are_as_strict_as_those_of_a_token() {
    let payload = |header: &Value| sign_bytes(header.to_string().as_bytes(), BYTES);
    let with = |name: &str, value: Value| {
        let mut header = header_with("typ", json!("notice+jws"));
        header[name] = value;
        payload(&header)
    };
    let fine = signed(json!("notice+jws"));
    let (rest, signature) = fine.rsplit_once('.').unwrap();
    for (fault, jws, want) in [
        ("crit", with("crit", json!(["exp"])), TokenError::Header),
        ("unencoded payload", with("b64", json!(false)), TokenError::Header),
        ("a key that comes along", with("jwk", json!({})), TokenError::Header),
        ("a nested token", with("cty", json!("JWT")), TokenError::Header),
        ("another algorithm", with("alg", json!("HS384")), TokenError::Algorithm),
        ("none", with("alg", json!("none")), TokenError::Algorithm),
        ("another key", with("kid", json!("k2")), TokenError::UnknownKey),
        (
            "no payload",
            sign_bytes(header_with("typ", json!("notice+jws")).to_string().as_bytes(), b""),
            TokenError::Malformed,
        ),
        ("padding", format!("{rest}.{signature}="), TokenError::Malformed),
        ("another signature", format!("{rest}.{}", "A".repeat(43)), TokenError::Signature),
        ("a shorter signature", format!("{rest}.{}", &signature[..40]), TokenError::Signature),
        ("too long", "A".repeat(8193), TokenError::TooLong),
    ] {
        assert_eq!(typed().verify_bytes_at(&jws, now()).unwrap_err(), want, "{fault}");
    }
}

#[test]
fn no_payload_shows_in_a_debug_print() {
    let read = typed().verify_bytes_at(signed(json!("notice+jws")), now()).unwrap();
    assert_eq!(format!("{read:?}"), r#"SignedBytes { key_id: "k1", .. }"#);
}
