//! Keys in PEM, DER and private JWK: what is read, and the one reason for each refusal.

use aetherflow_auth::key::{Algorithm, SigningKey, VerifyingKey};
use aetherflow_auth::{ConfigError, Environment};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use crate::vectors::{BILBO_PRIVATE, bilbo};

fn here() -> Environment {
    Environment::production()
}

fn block(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn der(pem: &str) -> Vec<u8> {
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(lines).unwrap()
}

/// The bytes with one place changed.
fn edited(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[test]
fn both_halves_of_a_key_in_pem_and_der_go_by_one_thumbprint() {
    for (algorithm, private, public) in [
        (Algorithm::Es256, P256_PRIVATE, P256_PUBLIC),
        (Algorithm::Es384, P384_PRIVATE, P384_PUBLIC),
        (Algorithm::EdDsa, ED_PRIVATE, ED_PUBLIC),
        (Algorithm::EdDsa, ED_PRIVATE_V2, ED_PUBLIC),
    ] {
        let signing = SigningKey::from_pkcs8_pem(algorithm, private, here()).unwrap();
        let verifying = VerifyingKey::from_spki_pem(algorithm, public).unwrap();
        assert_eq!((signing.id(), signing.algorithm()), (verifying.id(), algorithm));
        assert_eq!(SigningKey::from_pkcs8(algorithm, &der(private), here()).unwrap().id(), signing.id());
        assert_eq!(VerifyingKey::from_spki_der(algorithm, &der(public)).unwrap().id(), signing.id());
        let text = format!(
            "Subject: a comment, which RFC 7468 §2 allows\r\n\r\n{}\n\n",
            public.replace('\n', "\r\n")
        );
        assert_eq!(VerifyingKey::from_spki_pem(algorithm, &text).unwrap().id(), signing.id());
    }
}

#[test]
fn an_rsa_key_in_pem_serves_the_algorithm_it_is_read_for() {
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
        let key = VerifyingKey::from_spki_pem(algorithm, RSA_PUBLIC).unwrap();
        assert_eq!((key.algorithm(), key.id()), (algorithm, "w0sEYZChBnXCEkOu_oZKupHME8iGIh8X8y_4rQOEYFI"));
    }
}

#[test]
fn a_key_takes_the_name_its_issuer_gives_it() {
    let key = VerifyingKey::from_spki_pem(Algorithm::Es256, P256_PUBLIC).unwrap();
    assert_eq!(key.with_id("2026-01").unwrap().id(), "2026-01");
    let key = SigningKey::from_pkcs8_pem(Algorithm::Es256, P256_PRIVATE, here())
        .unwrap()
        .with_id("2026-01")
        .unwrap();
    assert_eq!((key.id(), key.verifying_key().id()), ("2026-01", "2026-01"));
    assert_eq!(key.with_id("").unwrap_err(), ConfigError::KeyId);
    let key = VerifyingKey::from_spki_pem(Algorithm::Es256, P256_PUBLIC).unwrap();
    assert_eq!(key.with_id(&"x".repeat(257)).unwrap_err(), ConfigError::KeyId);
}

#[test]
fn every_other_pem_is_refused_for_what_it_is() {
    let private = der(P256_PRIVATE);
    let relabelled = |label: &str| block(label, &private);
    let with_headers = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    for (fault, pem, want) in [
        ("a password", relabelled("ENCRYPTED PRIVATE KEY"), ConfigError::EncryptedPem),
        ("a password, traditionally", with_headers.into(), ConfigError::EncryptedPem),
        ("PKCS#1", relabelled("RSA PRIVATE KEY"), ConfigError::TraditionalPem),
        ("SEC 1", relabelled("EC PRIVATE KEY"), ConfigError::TraditionalPem),
        ("SEC 1 after its curve", relabelled("EC PARAMETERS") + P256_PRIVATE, ConfigError::TraditionalPem),
        ("a certificate", relabelled("CERTIFICATE"), ConfigError::PemLabel),
        ("a public key", P256_PUBLIC.into(), ConfigError::PemLabel),
        ("no block", "PRIVATE KEY".into(), ConfigError::MalformedPem),
        ("nothing", String::new(), ConfigError::MalformedPem),
        ("DER", String::from_utf8_lossy(&private).into_owned(), ConfigError::MalformedPem),
        ("no end", P256_PRIVATE.replace("-----END PRIVATE KEY-----", ""), ConfigError::MalformedPem),
        ("another end", P256_PRIVATE.replace("END PRIVATE", "END PUBLIC"), ConfigError::MalformedPem),
        ("two blocks", [P256_PRIVATE, P256_PRIVATE].concat(), ConfigError::MalformedPem),
        ("a header", P256_PRIVATE.replacen("\nMIG", "\nComment: x\n\nMIG", 1), ConfigError::MalformedPem),
        ("no base64", P256_PRIVATE.replacen("MIG", "M*G", 1), ConfigError::MalformedPem),
        ("base64url", P256_PRIVATE.replacen('/', "_", 1), ConfigError::MalformedPem),
        ("a short block", block("PRIVATE KEY", &private[..60]), ConfigError::UnreadableKey),
    ] {
        assert_eq!(SigningKey::from_pkcs8_pem(Algorithm::Es256, &pem, here()).unwrap_err(), want, "{fault}");
    }
    for (fault, pem, want) in [
        ("PKCS#1", block("RSA PUBLIC KEY", &private), ConfigError::TraditionalPem),
        ("a certificate", block("CERTIFICATE", &private), ConfigError::PemLabel),
        ("a private key", P256_PRIVATE.into(), ConfigError::PemLabel),
        ("a password", block("ENCRYPTED PRIVATE KEY", &private), ConfigError::EncryptedPem),
        ("a private key under its label", block("PUBLIC KEY", &private), ConfigError::UnreadableKey),
    ] {
        assert_eq!(VerifyingKey::from_spki_pem(Algorithm::Es256, &pem).unwrap_err(), want, "{fault}");
    }
}

#[test]
fn a_key_of_another_type_or_curve_never_serves_an_algorithm() {
    let publics = [
        (P256_PUBLIC, [Algorithm::Es256].as_slice()),
        (P384_PUBLIC, &[Algorithm::Es384]),
        (ED_PUBLIC, &[Algorithm::EdDsa]),
        (RSA_PUBLIC, &[Algorithm::Rs256, Algorithm::Ps256]),
    ];
    for algorithm in ALL {
        for (pem, fitting) in publics {
            let read = VerifyingKey::from_spki_pem(algorithm, pem).map(|key| key.algorithm());
            let want =
                if fitting.contains(&algorithm) { Ok(algorithm) } else { Err(ConfigError::WrongKeyType) };
            assert_eq!(read, want, "{algorithm}");
        }
        for (pem, fitting) in [
            (P256_PRIVATE, Algorithm::Es256),
            (P384_PRIVATE, Algorithm::Es384),
            (ED_PRIVATE, Algorithm::EdDsa),
        ] {
            let read = SigningKey::from_pkcs8_pem(algorithm, pem, here()).map(|key| key.algorithm());
            let want = if fitting == algorithm { Ok(algorithm) } else { Err(ConfigError::WrongKeyType) };
            assert_eq!(read, want, "{algorithm}");
        }
    }
}

#[test]
fn weak_and_broken_documents_are_refused_each_for_its_own_reason() {
    let (p256, ed, rsa) = (der(P256_PUBLIC), der(ED_PUBLIC), der(RSA_PUBLIC));
    let last = p256.len() - 1;
    let another_y = [&p256[..last], &[p256[last] ^ 1]].concat();
    let ed_point = |point: &[u8; 32]| [&ed[..12], point].concat();
    let mut two = [0; 32];
    two[0] = 2;
    let exponent = |bytes: &[u8]| edited(&rsa, &[2, 3, 1, 0, 1], bytes);
    for (fault, algorithm, der, want) in [
        ("another y", Algorithm::Es256, another_y, ConfigError::OffCurve),
        ("one coordinate", Algorithm::Es256, der(P256_COMPRESSED), ConfigError::CompressedPoint),
        (
            "a hybrid point",
            Algorithm::Es256,
            edited(&p256, &[0, 4, 0x88], &[0, 6, 0x88]),
            ConfigError::OffCurve,
        ),
        ("a byte after", Algorithm::Es256, [&*p256, &[0]].concat(), ConfigError::UnreadableKey),
        ("a byte less", Algorithm::Es256, p256[..last].to_vec(), ConfigError::UnreadableKey),
        (
            "a long form of a length",
            Algorithm::Es256,
            [&[0x30, 0x81, 0x59], &p256[2..]].concat(),
            ConfigError::UnreadableKey,
        ),
        ("small order", Algorithm::EdDsa, ed_point(&[0; 32]), ConfigError::SmallOrder),
        ("y not below p", Algorithm::EdDsa, ed_point(&[0xff; 32]), ConfigError::OffCurve),
        ("no point", Algorithm::EdDsa, ed_point(&two), ConfigError::OffCurve),
        ("exponent 65536", Algorithm::Rs256, exponent(&[2, 3, 1, 0, 0]), ConfigError::RsaExponent),
        ("a padded exponent", Algorithm::Rs256, exponent(&[2, 3, 0, 1, 1]), ConfigError::UnreadableKey),
        ("a negative exponent", Algorithm::Rs256, exponent(&[2, 3, 0xff, 0, 1]), ConfigError::UnreadableKey),
        (
            "an even modulus",
            Algorithm::Ps256,
            edited(&rsa, &[0xd1, 2, 3], &[0xd0, 2, 3]),
            ConfigError::RsaEven,
        ),
        ("no NULL", Algorithm::Rs256, edited(&rsa, &[5, 0], &[4, 0]), ConfigError::WrongKeyType),
    ] {
        assert_eq!(VerifyingKey::from_spki_der(algorithm, &der).unwrap_err(), want, "{fault}");
    }
}

#[test]
fn a_private_key_with_the_public_half_of_another_is_refused() {
    let p256 = der(P256_PRIVATE);
    let generator = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let generator: Vec<u8> =
        (0..65).map(|at| u8::from_str_radix(&generator[2 * at..2 * at + 2], 16).unwrap()).collect();
    let other = [&p256[..p256.len() - 65], &generator].concat();
    let ed = der(ED_PRIVATE_V2);
    let other_ed = [&ed[..ed.len() - 1], &[ed[ed.len() - 1] ^ 1]].concat();
    for (algorithm, der) in [(Algorithm::Es256, other), (Algorithm::EdDsa, other_ed)] {
        assert_eq!(SigningKey::from_pkcs8(algorithm, &der, here()).unwrap_err(), ConfigError::UnreadableKey);
    }
}

#[test]
fn rsa_keys_are_of_2048_to_8192_bits_odd_with_a_fair_exponent_and_of_no_broken_generator() {
    let modulus = |bits: usize, last: u8| {
        let mut bytes = vec![0xa5; bits.div_ceil(8)];
        bytes[0] = 0xff >> (bytes.len() * 8 - bits);
        let end = bytes.len() - 1;
        bytes[end] = last;
        URL_SAFE_NO_PAD.encode(bytes)
    };
    let read = |modulus: &str| {
        VerifyingKey::from_jwk(&format!(r#"{{"kty":"RSA","n":"{modulus}","e":"AQAB"}}"#))
            .map(|key| key.algorithm())
    };
    let long =
        if cfg!(feature = "aws-lc-rs") { Ok(Algorithm::Rs256) } else { Err(ConfigError::RsaBackendSize) };
    for (bits, want) in [
        (2047, Err(ConfigError::RsaSize)),
        (2048, Ok(Algorithm::Rs256)),
        (4096, Ok(Algorithm::Rs256)),
        (4097, long.clone()),
        (8192, long),
        (8193, Err(ConfigError::RsaSize)),
    ] {
        assert_eq!(read(&modulus(bits, 1)), want, "{bits}");
    }
    assert_eq!(read(&modulus(2048, 2)), Err(ConfigError::RsaEven));
    let exponent = |bytes: &[u8]| {
        let (modulus, exponent) = (modulus(2048, 1), URL_SAFE_NO_PAD.encode(bytes));
        let key = format!(r#"{{"kty":"RSA","n":"{modulus}","e":"{exponent}"}}"#);
        VerifyingKey::from_jwk(&key).map(|key| key.algorithm())
    };
    for (bytes, want) in [
        ([0xff, 0xff].as_slice(), Err(ConfigError::RsaExponent)),
        (&[1, 0, 1], Ok(Algorithm::Rs256)),
        (&[0xff; 4], Ok(Algorithm::Rs256)),
        (&[1, 0, 0, 0, 1], Err(ConfigError::RsaExponent)),
    ] {
        assert_eq!(exponent(bytes), want, "{bytes:?}");
    }
    assert_eq!(read(ROCA), Err(ConfigError::RsaRoca));
    // One bit away no prime has the form any more.
    let mut bytes = URL_SAFE_NO_PAD.decode(ROCA).unwrap();
    bytes[100] ^= 4;
    assert_eq!(read(&URL_SAFE_NO_PAD.encode(bytes)), Ok(Algorithm::Rs256));
}

#[test]
fn purposes_of_a_jwk_that_disagree_are_refused() {
    let with = |member: &str| {
        let key = bilbo().replace(r#""use":"sig","#, "").replacen('{', &format!("{{{member},"), 1);
        VerifyingKey::from_jwk(&key).map(|key| key.algorithm())
    };
    for member in [
        r#""key_ops":["verify"]"#,
        r#""use":"sig","key_ops":["sign","verify"]"#,
        r#""key_ops":["x","verify"]"#,
    ] {
        assert_eq!(with(member), Ok(Algorithm::Rs256), "{member}");
    }
    for member in [
        r#""key_ops":[]"#,
        r#""key_ops":["sign"]"#,
        r#""key_ops":["verify","verify"]"#,
        r#""key_ops":["verify","encrypt"]"#,
        r#""key_ops":["deriveBits","verify"]"#,
        r#""use":"enc","key_ops":["verify"]"#,
        r#""use":"","key_ops":["verify"]"#,
    ] {
        assert_eq!(with(member), Err(ConfigError::ContradictoryJwk), "{member}");
    }
}

#[test]
fn a_private_jwk_is_read_only_whole_and_of_one_key() {
    let ed = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let ec = r#"{"kty":"EC","crv":"P-256","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    let rsa = bilbo().replacen('{', &format!("{{{BILBO_PRIVATE},"), 1);
    let with = |key: &str, member: &str| key.replacen('{', &format!("{{{member},"), 1);
    let named = SigningKey::from_jwk(&with(ed, r#""kid":"k1","key_ops":["sign"]"#), here()).unwrap();
    assert_eq!((named.id(), named.environment()), ("k1", here()));
    for (fault, key, want) in [
        (
            "public",
            ed.replace(r#""d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","#, ""),
            ConfigError::PublicJwk,
        ),
        ("public RSA", bilbo(), ConfigError::PublicJwk),
        ("another d", ed.replace("nWGx", "nWGy"), ConfigError::MismatchedJwk),
        ("another d on P-256", ec.replace("jpsQ", "jpsR"), ConfigError::MismatchedJwk),
        (
            "d of nothing",
            ec.replace("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI", &"A".repeat(43)),
            ConfigError::UnreadableKey,
        ),
        (
            "short d",
            ec.replace("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI", "jpsQ"),
            ConfigError::MalformedJwk,
        ),
        ("only verifies", with(ed, r#""key_ops":["verify"]"#), ConfigError::ContradictoryJwk),
        ("only encrypts", with(ed, r#""use":"enc""#), ConfigError::ContradictoryJwk),
        ("alg of another type", with(ed, r#""alg":"ES256""#), ConfigError::ContradictoryJwk),
        ("RSA without q", rsa.replacen(r#""q":"#, r#""unknown":"#, 1), ConfigError::UnsupportedJwk),
        ("more primes", with(&rsa, r#""oth":[]"#), ConfigError::UnsupportedJwk),
        (
            "a secret without a name",
            r#"{"kty":"oct","alg":"HS256","k":"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}"#.into(),
            ConfigError::KeyId,
        ),
        ("no object", "[]".into(), ConfigError::MalformedJwk),
    ] {
        assert_eq!(SigningKey::from_jwk(&key, here()).unwrap_err(), want, "{fault}");
    }
    let secret = r#"{"kty":"oct","alg":"HS256","kid":"s","k":"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}"#;
    assert_eq!(SigningKey::from_jwk(secret, here()).unwrap().algorithm(), Algorithm::Hs256);
    for private in [ed, ec, &rsa] {
        assert_eq!(VerifyingKey::from_jwk(private).unwrap_err(), ConfigError::PrivateJwk);
    }
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn an_rsa_key_signs_comes_back_from_its_document_and_is_refused_when_a_number_is_changed() {
    use crate::forge::{AUDIENCE, ISSUER, now, rules};
    use aetherflow_auth::jwt::{Grant, Minter, Verifier};
    use aetherflow_auth::key::KeySet;

    for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
        let text = bilbo().replacen('{', &format!(r#"{{"alg":"{algorithm}",{BILBO_PRIVATE},"#), 1);
        let key = SigningKey::from_jwk(&text, here()).unwrap();
        let pem = block("PRIVATE KEY", &key.to_pkcs8().unwrap());
        let again = SigningKey::from_pkcs8_pem(algorithm, &pem, here()).unwrap().with_id(key.id()).unwrap();
        let keys = KeySet::new(ISSUER, here(), [key.verifying_key()]).unwrap();
        let verifier = Verifier::new(rules(), keys).unwrap();
        for key in [key, again] {
            let grant = Grant::new(here(), "alice", AUDIENCE, chrono::TimeDelta::hours(1));
            let minted = Minter::new(ISSUER, key).unwrap().mint_at(&grant, now()).unwrap();
            let verified = verifier.verify_at(minted.token(), now()).unwrap();
            assert_eq!(verified.principal().identity().subject(), "alice", "{algorithm}");
        }
    }
    let text = bilbo().replacen('{', &format!("{{{BILBO_PRIVATE},"), 1);
    for (number, other) in
        [("3Slx", "3Sly"), ("uKE2", "uKE3"), ("B8PV", "B8PW"), ("CLDm", "CLDn"), ("bWUC", "bWUD")]
    {
        let changed = text.replacen(&format!(r#":"{number}"#), &format!(r#":"{other}"#), 1);
        assert_ne!(changed, text);
        assert_eq!(
            SigningKey::from_jwk(&changed, here()).unwrap_err(),
            ConfigError::UnreadableKey,
            "{number}"
        );
    }
    assert_eq!(SigningKey::generate(Algorithm::Rs256, here()).unwrap_err(), ConfigError::CannotSign);
}

#[test]
fn a_private_key_beside_a_point_in_another_form_is_refused() {
    for (algorithm, private) in [(Algorithm::Es256, P256_PRIVATE), (Algorithm::Es384, P384_PRIVATE)] {
        let good = der(private);
        let form = good.len() - if algorithm == Algorithm::Es384 { 97 } else { 65 };
        assert_eq!(good[form], 4, "{algorithm}");
        assert!(SigningKey::from_pkcs8(algorithm, &good, here()).is_ok(), "{algorithm}");
        for other in [0, 2, 6, 7] {
            let mut bytes = good.clone();
            bytes[form] = other;
            let read = SigningKey::from_pkcs8(algorithm, &bytes, here());
            assert_eq!(read.unwrap_err(), ConfigError::OffCurve, "{algorithm} {other}");
        }
    }
}

proptest! {
    #[test]
    fn a_changed_byte_of_a_document_gives_another_key_or_none(at in 0usize..200, byte in any::<u8>()) {
        for (algorithm, private, public) in [
            (Algorithm::Es256, P256_PRIVATE, P256_PUBLIC),
            (Algorithm::Es384, P384_PRIVATE, P384_PUBLIC),
            (Algorithm::EdDsa, ED_PRIVATE, ED_PUBLIC),
        ] {
            let id = VerifyingKey::from_spki_pem(algorithm, public).unwrap().id().to_owned();
            let changed = |pem: &str| {
                let mut bytes = der(pem);
                let at = at % bytes.len();
                let differs = bytes[at] != byte;
                bytes[at] = byte;
                differs.then_some(bytes)
            };
            if let Some(bytes) = changed(public) {
                let read = VerifyingKey::from_spki_der(algorithm, &bytes);
                prop_assert_ne!(read.map(|key| key.id().to_owned()), Ok(id.clone()));
            }
            if let Some(bytes) = changed(private) {
                let read = SigningKey::from_pkcs8(algorithm, &bytes, here());
                prop_assert_ne!(read.map(|key| key.id().to_owned()), Ok(id));
            }
        }
    }

    #[test]
    fn no_bytes_make_reading_a_key_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC*") {
        for algorithm in ALL {
            prop_assert!(VerifyingKey::from_spki_der(algorithm, &bytes).is_err());
            prop_assert!(SigningKey::from_pkcs8(algorithm, &bytes, here()).is_err());
            prop_assert!(VerifyingKey::from_spki_pem(algorithm, &text).is_err());
        }
        prop_assert!(VerifyingKey::from_jwk(&text).is_err());
    }
}

const ALL: [Algorithm; 8] = [
    Algorithm::Hs256,
    Algorithm::Hs384,
    Algorithm::Hs512,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::EdDsa,
    Algorithm::Rs256,
    Algorithm::Ps256,
];

/// Made by OpenSSL, as the next ones.
const P256_PRIVATE: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgFtl0nZ6/qrp93jvO
uZBb3Iqy+vRBHa4BDURj6P/txgihRANCAASIGjc1gKd0nClPitLBfpPkbOtQRNvS
ph3wqhlwftbeUEX1XEAyouEy+xkqQO3pMSoLqWQz+nmMVud9Jy6gqYMN
-----END PRIVATE KEY-----
";
const P256_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiBo3NYCndJwpT4rSwX6T5GzrUETb
0qYd8KoZcH7W3lBF9VxAMqLhMvsZKkDt6TEqC6lkM/p5jFbnfScuoKmDDQ==
-----END PUBLIC KEY-----
";
const P256_COMPRESSED: &str = "\
-----BEGIN PUBLIC KEY-----
MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADiBo3NYCndJwpT4rSwX6T5GzrUETb
0qYd8KoZcH7W3lA=
-----END PUBLIC KEY-----
";
const P384_PRIVATE: &str = "\
-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDBCFLtgMhji15oCH4pg
BTeEtzh0mbtOCYLzKXVqssSVIjjtY9a/eN2VQPoi5bUToO2hZANiAATiPst1Xf8z
2Lz4RWGRODq/Pwjg4L0hFljw65XZNn0XwuKB/f+fAkxZLLJ1CHx+WqTnF2ReE1IX
jHYi1qnZ+b2n3rMWKyMWXes6FsaKfE0L+2GQgoQifRlvjBJtXrN9CKU=
-----END PRIVATE KEY-----
";
const P384_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE4j7LdV3/M9i8+EVhkTg6vz8I4OC9IRZY
8OuV2TZ9F8Ligf3/nwJMWSyydQh8flqk5xdkXhNSF4x2Itap2fm9p96zFisjFl3r
OhbGinxNC/thkIKEIn0Zb4wSbV6zfQil
-----END PUBLIC KEY-----
";
const RSA_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAywRa4kuATyYb7n0XQoG9
g/rhm8/c26vKVB/iQxEhrZ3scCcG3pJ4NIzlDcFX3Ys/MJJd7m3K9q/9PsEATHP3
vw/DuCFscAORbZ07OVWr0JHeNROZhQMZSv3SXzOayNT8o59TP23mropRS57eiaPh
snnOyKkGmd54UNQlR/7HalNMRM74wdOitfvx2VIl0yQDbPVDEk2zoZZsASfFXDmb
XIrTpOeVU6RClFMEnWxQOcmvOxpeHRR/u2Uqy1/AhUg6l/imvvQ/AhMkSRxQs5u0
QShhqH2b8u8yotFcr0PV/xnJtzOqrEnuynOYWxDf2EZDWaw+R8liRq14Kvn1rAvT
0QIDAQAB
-----END PUBLIC KEY-----
";
/// RFC 8410 §10.3.
const ED_PRIVATE: &str = "\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
/// RFC 8410 §10.3, with an attribute and the public key.
const ED_PRIVATE_V2: &str = "\
-----BEGIN PRIVATE KEY-----
MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
Z9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PRIVATE KEY-----
";
/// RFC 8410 §10.1.
const ED_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
";
/// A modulus of 2,048 bits, made for this test as the broken generator makes them: both primes are k·M + (65537^a mod M),
/// M the product of the first 126 primes.
const ROCA: &str = "jbKlfs_3nzz5rlS54fLnE8UfycwO2lLB9alAvvo7UVLM0Efn6TFv_YCs37IMW451Xq4RAvP3nZXvCZ55p2XQlWeJ0vP49qOLooTdRrCz0nxZV2UwTr2FHh2nkjhH1OyvRQbSN6WpvqarAD2mTAtQiENUNOmLM225uh435qFJjGWoY_m53in1GsyFVl_E25nYGutfv6-7R71lRxb9gN6yzC1DcFfruieQttsrBvmO4rH5zHXjGQAPxPQzs_DlEvy5MSnGQP85zAbJBIgwGI1H--ispXEfOcT1kXH3vro8JHug_t9dMTrvCeHzJwJQDiTIdZzXlANGNEq4E3S9yDjwGQ";
