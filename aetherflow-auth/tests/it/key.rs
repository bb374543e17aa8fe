use aetherflow_auth::key::{Algorithm, KeySet, SigningKey, VerifyingKey};
use aetherflow_auth::{ConfigError, Environment};

/// RFC 7515 A.3.1, the public half.
const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
/// RFC 7638 §3.1.
const RSA: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
/// RFC 8037 A.2.
const ED: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

#[test]
fn a_jwk_gives_a_key_of_the_one_algorithm_its_type_means() {
    for (text, algorithm) in [(P256, Algorithm::Es256), (RSA, Algorithm::Rs256), (ED, Algorithm::EdDsa)] {
        assert_eq!(VerifyingKey::from_jwk(text).unwrap().algorithm(), algorithm);
    }
    let pss = RSA.replace("RS256", "PS256");
    assert_eq!(VerifyingKey::from_jwk(&pss).unwrap().algorithm(), Algorithm::Ps256);
    let bare = RSA.replace(r#","alg":"RS256","kid":"2011-04-29""#, "");
    assert_eq!(VerifyingKey::from_jwk(&bare).unwrap().algorithm(), Algorithm::Rs256);
    let named = ED.replacen('{', r#"{"alg":"Ed25519","key_ops":["verify"],"use":"sig","#, 1);
    assert_eq!(VerifyingKey::from_jwk(&named).unwrap().algorithm(), Algorithm::EdDsa);
}

#[test]
fn a_key_without_an_id_goes_by_its_published_thumbprint() {
    let bare = RSA.replace(r#","kid":"2011-04-29""#, "");
    assert_eq!(VerifyingKey::from_jwk(&bare).unwrap().id(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(VerifyingKey::from_jwk(ED).unwrap().id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(VerifyingKey::from_jwk(RSA).unwrap().id(), "2011-04-29");
}

#[test]
fn weak_and_contradictory_keys_are_refused_each_for_its_own_reason() {
    let edit = |from: &str, a: &str, b: &str| {
        let edited = from.replace(a, b);
        assert_ne!(edited, from);
        edited
    };
    let member = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    for (fault, text, want) in [
        ("another y", edit(P256, "x_FEzRu9", "x_FEzRu8"), ConfigError::OffCurve),
        (
            "a short coordinate",
            edit(P256, "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "f83O"),
            ConfigError::MalformedJwk,
        ),
        ("padding", edit(P256, "PHvRVEU", "PHvRVEU="), ConfigError::MalformedJwk),
        ("alg of another curve", member(P256, r#""alg":"ES384""#), ConfigError::ContradictoryJwk),
        ("alg of another type", member(P256, r#""alg":"HS256""#), ConfigError::ContradictoryJwk),
        ("alg none", member(P256, r#""alg":"none""#), ConfigError::UnsupportedJwk),
        ("for encryption", member(P256, r#""use":"enc""#), ConfigError::ContradictoryJwk),
        ("not for verifying", member(P256, r#""key_ops":["sign"]"#), ConfigError::ContradictoryJwk),
        ("private", member(P256, r#""d":"AAAA""#), ConfigError::PrivateJwk),
        ("another curve", edit(P256, "P-256", "secp256k1"), ConfigError::UnsupportedJwk),
        ("no curve", edit(P256, r#""crv":"P-256","#, ""), ConfigError::MalformedJwk),
        ("no type", edit(P256, r#""kty":"EC","#, ""), ConfigError::MalformedJwk),
        ("a member twice", member(P256, r#""kty":"EC""#), ConfigError::MalformedJwk),
        ("empty id", member(P256, r#""kid":"""#), ConfigError::KeyId),
        ("a curve on RSA", member(RSA, r#""crv":"P-256""#), ConfigError::ContradictoryJwk),
        ("exponent 3", edit(RSA, "AQAB", "Aw"), ConfigError::RsaExponent),
        ("even exponent", edit(RSA, "AQAB", "AQAA"), ConfigError::RsaExponent),
        ("zeros in front", edit(RSA, "AQAB", "AAEAAQ"), ConfigError::MalformedJwk),
        (
            "short modulus",
            r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWh","e":"AQAB"}"#.into(),
            ConfigError::RsaSize,
        ),
        ("RSA for another hash", edit(RSA, "RS256", "RS1"), ConfigError::UnsupportedJwk),
        ("secret without alg", r#"{"kty":"oct","k":"AAAA"}"#.into(), ConfigError::UnsupportedJwk),
        (
            "short secret",
            r#"{"kty":"oct","alg":"HS256","k":"AAAA"}"#.into(),
            ConfigError::ShortSecret { least: 32 },
        ),
        ("an array", "[]".into(), ConfigError::MalformedJwk),
    ] {
        assert_eq!(VerifyingKey::from_jwk(&text).unwrap_err(), want, "{fault}");
    }
}

#[test]
fn secrets_shorter_than_their_hash_are_refused() {
    for (algorithm, least) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
        assert_eq!(
            VerifyingKey::from_secret("k", algorithm, &vec![7; least]).unwrap().algorithm(),
            algorithm
        );
        let short = VerifyingKey::from_secret("k", algorithm, &vec![7; least - 1]);
        assert_eq!(short.unwrap_err(), ConfigError::ShortSecret { least });
    }
    let public = VerifyingKey::from_secret("k", Algorithm::Es256, &[7; 64]);
    assert_eq!(public.unwrap_err(), ConfigError::UnsupportedJwk);
}

#[test]
fn a_jwks_keeps_its_good_keys_and_names_the_bad_ones() {
    let text = format!(r#"{{"keys":[{P256},{{"kty":"EC"}},{RSA},7]}}"#);
    let (good, refused) = KeySet::read_jwks(&text).unwrap();
    assert_eq!(
        good.iter().map(VerifyingKey::algorithm).collect::<Vec<_>>(),
        [Algorithm::Es256, Algorithm::Rs256]
    );
    let refused: Vec<_> = refused.iter().map(|key| (key.position(), key.error().clone())).collect();
    assert_eq!(refused, [(1, ConfigError::MalformedJwk), (3, ConfigError::MalformedJwk)]);
    for text in ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, r#"{"keys":[]} x"#] {
        assert_eq!(KeySet::read_jwks(text).unwrap_err(), ConfigError::MalformedJwk, "{text}");
    }
}

#[test]
fn a_set_refuses_two_keys_of_one_id_and_secrets_beside_public_keys() {
    let here = Environment::production();
    let new = |keys: Vec<VerifyingKey>| KeySet::new("https://auth.example", here, keys);
    let point = || VerifyingKey::from_jwk(P256).unwrap();
    let secret = || VerifyingKey::from_secret("s", Algorithm::Hs256, &[7; 32]).unwrap();
    assert_eq!(new(vec![point(), point()]).unwrap_err(), ConfigError::DuplicateKeyId);
    assert_eq!(new(vec![point(), secret()]).unwrap_err(), ConfigError::MixedKeySet);
    let set = new(vec![point()]).unwrap();
    assert_eq!(set.replace([point(), secret()]).unwrap_err(), ConfigError::MixedKeySet);
    assert_eq!((set.generation(), set.to_jwks().contains("P-256")), (0, true));
    assert_eq!(KeySet::new("", here, []).unwrap_err(), ConfigError::EmptyName);
}

#[test]
fn what_is_exported_reads_back_as_the_same_public_keys_and_no_secret_leaves() {
    let here = Environment::production();
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        let key = SigningKey::generate(algorithm, here).unwrap();
        let set = KeySet::new("https://auth.example", here, [key.verifying_key()]).unwrap();
        let (read, refused) = KeySet::read_jwks(&set.to_jwks()).unwrap();
        assert_eq!((read[0].id(), read[0].algorithm(), refused.len()), (key.id(), algorithm, 0));
        assert_eq!(set.to_jwks().matches("\"d\"").count(), 0);
    }
    let secret = VerifyingKey::from_secret("s", Algorithm::Hs256, &[7; 32]).unwrap();
    let set = KeySet::new("https://auth.example", here, [secret]).unwrap();
    assert_eq!(set.to_jwks(), r#"{"keys":[]}"#);
}

#[test]
fn a_stored_signing_key_comes_back_under_the_same_id() {
    let here = Environment::staging();
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        let key = SigningKey::generate(algorithm, here).unwrap();
        let stored = key.to_pkcs8().unwrap();
        let again = SigningKey::from_pkcs8(algorithm, &stored, here).unwrap();
        assert_eq!((again.id(), again.environment()), (key.id(), here));
        assert_eq!(
            SigningKey::from_pkcs8(algorithm, &stored[1..], here).unwrap_err(),
            ConfigError::UnreadableKey
        );
    }
    for algorithm in [Algorithm::Rs256, Algorithm::Hs256] {
        assert_eq!(SigningKey::generate(algorithm, here).unwrap_err(), ConfigError::CannotSign);
    }
}
