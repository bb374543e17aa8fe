//! The published examples of RFC 7515, 7519, 7520, 8037 and 7638, byte for byte: those our rules allow verify, each other
//! one has its reason.

use aetherflow_auth::jwt::JwsVerifier;
use aetherflow_auth::key::{Algorithm, KeySet, SigningKey, VerifyingKey};
use aetherflow_auth::{ConfigError, Environment, TokenError};

use crate::forge::{ISSUER, now};

fn untyped(keys: impl IntoIterator<Item = VerifyingKey>) -> JwsVerifier {
    JwsVerifier::untyped(KeySet::new(ISSUER, Environment::production(), keys).unwrap())
}

fn jwk(text: &str) -> VerifyingKey {
    VerifyingKey::from_jwk(text).unwrap()
}

/// The token with the first character of its payload changed, still canonical.
fn tampered(token: &str) -> String {
    let (header, rest) = token.split_once('.').unwrap();
    let other = if rest.starts_with('e') { 'f' } else { 'e' };
    format!("{header}.{other}{}", &rest[1..])
}

#[test]
fn examples_without_a_type_give_their_payload_and_nothing_else_does() {
    let hmac = r#"{"kty":"oct","kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037","use":"sig","alg":"HS256","k":"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}"#;
    let joe = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
    for (name, key, token, payload) in [
        ("RFC 7515 A.2", jwk(A2_KEY), [A2_HEADER, JOE, A2_SIGNATURE].join("."), joe),
        ("RFC 7515 A.3", jwk(A3_KEY), [A3_HEADER, JOE, A3_SIGNATURE].join("."), joe),
        ("RFC 8037 A.4", jwk(ED_KEY), ED_TOKEN.into(), "Example of Ed25519 signing"),
        ("RFC 7520 4.1", jwk(&bilbo()), [BILBO_HEADER, FRODO, BILBO_SIGNATURE].join("."), DANGEROUS),
        ("RFC 7520 4.4", jwk(hmac), [HMAC_HEADER, FRODO, HMAC_SIGNATURE].join("."), DANGEROUS),
        ("RFC 7520 4.8, first", jwk(&bilbo()), [A2_HEADER, FRODO, MULTIPLE_SIGNATURE].join("."), DANGEROUS),
    ] {
        let id = key.id().to_owned();
        let verifier = untyped([key]);
        let signed = verifier.verify_bytes_at(&token, now()).unwrap();
        assert_eq!((signed.payload(), signed.key_id()), (payload.as_bytes(), &*id), "{name}");
        let refused = verifier.verify_bytes_at(tampered(&token), now());
        assert_eq!(refused.unwrap_err(), TokenError::Signature, "{name}");
    }
}

#[test]
fn the_typed_example_of_rfc_7515_and_7519_is_signed_well_and_refused_for_its_type() {
    let secret = r#"{"kty":"oct","alg":"HS256","kid":"A.1","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
    let token =
        ["eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", JOE, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"]
            .join(".");
    let keys = KeySet::new(ISSUER, Environment::production(), [jwk(secret)]).unwrap();
    for verifier in [JwsVerifier::untyped(keys.clone()), JwsVerifier::new("notice", keys.clone()).unwrap()] {
        // The type is judged after the signature, so this says that the signature holds.
        assert_eq!(verifier.verify_bytes_at(&token, now()).unwrap_err(), TokenError::Type);
        assert_eq!(verifier.verify_bytes_at(tampered(&token), now()).unwrap_err(), TokenError::Signature);
    }
    assert_eq!(JwsVerifier::new("JWT", keys.clone()).unwrap_err(), ConfigError::TokenType);
    let rules = crate::forge::rules();
    let verifier = aetherflow_auth::jwt::Verifier::new(rules, keys).unwrap();
    assert_eq!(verifier.verify_at(&token, now()).unwrap_err(), TokenError::Type);
}

#[test]
fn examples_beyond_our_rules_are_refused_each_for_its_own_reason() {
    let verifier = untyped([jwk(A3_KEY), jwk(&bilbo())]);
    let a5 = format!("eyJhbGciOiJub25lIn0.{JOE}.");
    let crit = "eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9leGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0.RkFJTA.";
    let flattened =
        format!(r#"{{"payload":"{FRODO}","protected":"{BILBO_HEADER}","signature":"{BILBO_SIGNATURE}"}}"#);
    for (name, token, want) in [
        ("RFC 7515 A.4: ES512", A4_TOKEN.into(), TokenError::UnknownKey),
        ("RFC 7515 A.5, RFC 7519 6.1: no signature", a5.clone(), TokenError::Malformed),
        ("alg none with a signature", a5 + "c2ln", TokenError::UnknownKey),
        ("RFC 7515 E: no signature", crit.into(), TokenError::Malformed),
        ("RFC 7515 E with a signature: crit", format!("{crit}c2ln"), TokenError::Header),
        ("RFC 7520 4.2: PS384", [PSS_HEADER, FRODO, PSS_SIGNATURE].join("."), TokenError::Algorithm),
        ("RFC 7520 4.5: detached", format!("{HMAC_HEADER}..{HMAC_SIGNATURE}"), TokenError::Malformed),
        ("RFC 7520 4.6 to 4.8: JSON", flattened, TokenError::Malformed),
    ] {
        assert_eq!(verifier.verify_bytes_at(&token, now()).unwrap_err(), want, "{name}");
    }
    for (name, key) in [
        ("RFC 7515 A.4, RFC 7520 4.3: P-521", r#"{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}"#.to_owned()),
        ("RFC 7520 4.2: PS384", bilbo().replace(r#""use""#, r#""alg":"PS384","use""#)),
        ("RFC 8037 A.6: X25519", r#"{"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}"#.into()),
    ] {
        assert_eq!(VerifyingKey::from_jwk(&key).unwrap_err(), ConfigError::UnsupportedJwk, "{name}");
    }
}

#[test]
fn private_examples_have_the_public_halves_published_with_them() {
    let here = Environment::production();
    let with = |key: &str, private: &str| key.replacen('{', &format!("{{{private},"), 1);
    let ed = with(ED_KEY, r#""d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A""#);
    let ec = with(A3_KEY, r#""d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI""#);
    // RFC 8037 A.3 publishes this thumbprint.
    assert_eq!(SigningKey::from_jwk(&ed, here).unwrap().id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(SigningKey::from_jwk(&ec, here).unwrap().id(), jwk(A3_KEY).id());
    let rsa = with(&bilbo(), BILBO_PRIVATE);
    let rsa = SigningKey::from_jwk(&rsa, here).map(|key| (key.id().to_owned(), key.algorithm()));
    if cfg!(feature = "aws-lc-rs") {
        assert_eq!(rsa, Ok(("bilbo.baggins@hobbiton.example".into(), Algorithm::Rs256)));
    } else {
        assert_eq!(rsa, Err(ConfigError::CannotSign));
    }
}

/// RFC 7520 §3.3.
pub(crate) fn bilbo() -> String {
    format!(
        r#"{{"kty":"RSA","kid":"bilbo.baggins@hobbiton.example","use":"sig","n":"{BILBO_N}","e":"AQAB"}}"#
    )
}

/// The claims of RFC 7515 A.1 to A.3, in the spelling of the example.
const JOE: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const A2_HEADER: &str = "eyJhbGciOiJSUzI1NiJ9";
const A2_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const A2_KEY: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;
const A3_HEADER: &str = "eyJhbGciOiJFUzI1NiJ9";
const A3_SIGNATURE: &str =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const A3_KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const A4_TOKEN: &str = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";
/// RFC 8037 A.2.
const ED_KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const ED_TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
/// The payload of RFC 7520 §4.
const DANGEROUS: &str = "It’s a dangerous business, Frodo, going out your door. You step onto the road, and if you don't keep your feet, there’s no knowing where you might be swept off to.";
const FRODO: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";
const BILBO_N: &str = "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw";
/// RFC 7520 §3.4, what it has beyond the public key.
pub(crate) const BILBO_PRIVATE: &str = r#""d":"bWUC9B-EFRIo8kpGfh0ZuyGPvMNKvYWNtB_ikiH9k20eT-O1q_I78eiZkpXxXQ0UTEs2LsNRS-8uJbvQ-A1irkwMSMkK1J3XTGgdrhCku9gRldY7sNA_AKZGh-Q661_42rINLRCe8W-nZ34ui_qOfkLnK9QWDDqpaIsA-bMwWWSDFu2MUBYwkHTMEzLYGqOe04noqeq1hExBTHBOBdkMXiuFhUq1BU6l-DqEiWxqg82sXt2h-LMnT3046AOYJoRioz75tSUQfGCshWTBnP5uDjd18kKhyv07lhfSJdrPdM5Plyl21hsFf4L_mHCuoFau7gdsPfHPxxjVOcOpBrQzwQ","p":"3Slxg_DwTXJcb6095RoXygQCAZ5RnAvZlno1yhHtnUex_fp7AZ_9nRaO7HX_-SFfGQeutao2TDjDAWU4Vupk8rw9JR0AzZ0N2fvuIAmr_WCsmGpeNqQnev1T7IyEsnh8UMt-n5CafhkikzhEsrmndH6LxOrvRJlsPp6Zv8bUq0k","q":"uKE2dh-cTf6ERF4k4e_jy78GfPYUIaUyoSSJuBzp3Cubk3OCqs6grT8bR_cu0Dm1MZwWmtdqDyI95HrUeq3MP15vMMON8lHTeZu2lmKvwqW7anV5UzhM1iZ7z4yMkuUwFWoBvyY898EXvRD-hdqRxHlSqAZ192zB3pVFJ0s7pFc","dp":"B8PVvXkvJrj2L-GYQ7v3y9r6Kw5g9SahXBwsWUzp19TVlgI-YV85q1NIb1rxQtD-IsXXR3-TanevuRPRt5OBOdiMGQp8pbt26gljYfKU_E9xn-RULHz0-ed9E9gXLKD4VGngpz-PfQ_q29pk5xWHoJp009Qf1HvChixRX59ehik","dq":"CLDmDGduhylc9o7r84rEUVn7pzQ6PF83Y-iBZx5NT-TpnOZKF1pErAMVeKzFEl41DlHHqqBLSM0W1sOFbwTxYWZDm6sI6og5iTbwQGIC3gnJKbi_7k_vJgGHwHxgPaX2PnvP-zyEkDERuf-ry4c_Z11Cq9AqC2yeL6kdKT1cYF8","qi":"3PiqvXQN0zwMeE-sBvZgi289XP9XCQF3VWqPzMKnIgQp7_Tugo6-NZBKCQsMf3HaEGBjTVJs_jcK8-TRXvaKe-7ZMaQj8VfBdYkssbu0NKDDhjJ-GtiseaDVWt7dcH0cfwxgFUHpQh7FoCrjFJ6h6ZEpMF6xmujs4qMpPz8aaI4""#;
const BILBO_HEADER: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9";
const BILBO_SIGNATURE: &str = "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg";
const PSS_HEADER: &str = "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9";
const PSS_SIGNATURE: &str = "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw";
const HMAC_HEADER: &str = "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9";
const HMAC_SIGNATURE: &str = "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0";
/// The signature of RFC 7520 §4.8.2, whose protected header has no `kid`.
const MULTIPLE_SIGNATURE: &str = "MIsjqtVlOpa71KE-Mss8_Nq2YH4FGhiocsqrgi5NvyG53uoimic1tcMdSg-qptrzZc7CG6Svw2Y13TDIqHzTUrL_lR2ZFcryNFiHkSw129EghGpwkpxaTn_THJTCglNbADko1MZBCdwzJxwqZc-1RlpO2HibUYyXSwO97BSe0_evZKdjvvKSgsIqjytKSeAMbhMBdMma622_BG5t4sdbuCHtFjp9iJmkio47AIwqkZV1aIZsv33uPUqBBCXbYoQJwt7mxPftHmNlGoOSMxR_3thmXTCm4US-xiNOyhbm8afKK64jU6_TPtQHiJeQJxz9G3Tx-083B745_AfYOnlC9w";
