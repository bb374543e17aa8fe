use aetherflow_auth::TokenError::{self, Algorithm, Signature, UnknownKey};
use jsonwebtoken::{Algorithm as Peer, EncodingKey};

use super::Hostile;
use super::forge::{Members, encoded, good, good_text};
use super::keys::Signer::{self, EdDsa, Es256, Hs256, Rs256};
use super::keys::{EDDSA_X, ES256_X, ES256_Y, RS256_N, SECRET, decoded, public_jwks, sign};

pub(super) fn hostile(now: i64) -> Vec<Hostile> {
    let all = [macs(now), confusions(now), algorithms(now), curves(now), edwards(now), rsa(now), moved(now)]
        .concat();
    let case = |(change, rule, signer, token, want): Row| {
        let change = format!("{}: {change}", Signer::name(signer));
        Hostile { change, rule, signer, token, want }
    };
    all.into_iter().map(case).collect()
}

type Row = (&'static str, &'static str, Signer, String, TokenError);

const CHECK: &str = "RFC 7515 §5.2";
const HMAC: &str = "RFC 7518 §3.2";
const CONFUSION: &str = "RFC 8725 §2.1, §3.1";
const ECDSA: &str = "RFC 7518 §3.4";
const EDWARDS: &str = "RFC 8037 §3.1, RFC 8032 §5.1.7";
const RSA: &str = "RFC 7518 §3.3, RFC 8017 §8.2.2";

/// A good text under a signature of these bytes.
fn under(signer: Signer, now: i64, signature: &[u8]) -> String {
    format!("{}.{}", good_text(signer, now), encoded(signature))
}

fn macs(now: i64) -> Vec<Row> {
    let text = good_text(Hs256, now);
    let mac = Hs256.sign(text.as_bytes());
    let by = |algorithm, secret: &[u8], text: &str| {
        sign(algorithm, &EncodingKey::from_secret(secret), text.as_bytes())
    };
    let row = |change, signature: &[u8]| (change, HMAC, Hs256, under(Hs256, now, signature), Signature);
    let plain = format!("{}.{}", Members::header(Hs256).text(), Members::claims(now).text());
    vec![
        row("another secret", &by(Peer::HS256, b"another secret of 32 bytes, yes!", &text)),
        row("an empty secret", &by(Peer::HS256, b"", &text)),
        row("the secret in base64url", &by(Peer::HS256, encoded(SECRET).as_bytes(), &text)),
        row("a longer hash", &by(Peer::HS512, SECRET, &text)),
        row("all zeros", &[0; 32]),
        row("cut by a byte", &mac[..31]),
        row("cut to one byte", &mac[..1]),
        row("cut to half", &mac[..16]),
        row("a zero byte behind", &[mac.as_slice(), &[0]].concat()),
        row("said twice", &[mac.as_slice(), &mac].concat()),
        row("over the header alone", &Hs256.sign(text.split_once('.').unwrap().0.as_bytes())),
        row("over the texts before they are encoded", &Hs256.sign(plain.as_bytes())),
        row("over claims and header in the wrong order", &{
            let (header, claims) = text.split_once('.').unwrap();
            Hs256.sign(format!("{claims}.{header}").as_bytes())
        }),
    ]
}

/// Public keys taken for secrets.
fn confusions(now: i64) -> Vec<Row> {
    let mac = |secret: &[u8], text: String| {
        let mac = sign(Peer::HS256, &EncodingKey::from_secret(secret), text.as_bytes());
        format!("{text}.{}", encoded(mac))
    };
    let point = [decoded(ES256_X), decoded(ES256_Y)].concat();
    let spki = [P256_SPKI_HEAD.as_slice(), &point].concat();
    let named = |signer| renamed(signer, "HS256", now);
    let row = |change, signer, token, want| (change, CONFUSION, signer, token, want);
    let header = encoded(Members::header(Es256).with("alg", "\"HS256\"").with("kid", "").text());
    let unnamed = format!("{header}.{}", encoded(Members::claims(now).text()));
    vec![
        row("HMAC under the public point", Es256, mac(&point, named(Es256)), Algorithm),
        row("HMAC under the public key in DER", Es256, mac(&spki, named(Es256)), Algorithm),
        row("HMAC under the JWK", Es256, mac(public_jwks()[0].as_bytes(), named(Es256)), Algorithm),
        row("HMAC under the public key", EdDsa, mac(&decoded(EDDSA_X), named(EdDsa)), Algorithm),
        row("HMAC under the modulus", Rs256, mac(&decoded(RS256_N), named(Rs256)), Algorithm),
        row("HMAC under nothing", Rs256, mac(b"", named(Rs256)), Algorithm),
        row("HMAC without `kid`", Es256, mac(&point, unnamed), UnknownKey),
    ]
}

/// Keys asked for another algorithm than their own.
fn algorithms(now: i64) -> Vec<Row> {
    let unsigned = |change, name, signer, length| {
        let token = format!("{}.{}", renamed(signer, name, now), encoded(vec![1; length]));
        (change, CONFUSION, signer, token, Algorithm)
    };
    let signed = |change, name, by| {
        let text = renamed(Rs256, name, now);
        let signature = sign(by, &Rs256.private(), text.as_bytes());
        (change, CONFUSION, Rs256, format!("{text}.{}", encoded(signature)), Algorithm)
    };
    vec![
        unsigned("`alg` of another curve", "ES384", Es256, 96),
        unsigned("`alg` of a curve unknown here", "ES256K", Es256, 64),
        unsigned("`alg` of an Edwards key", "EdDSA", Es256, 64),
        unsigned("`alg` of a curve key", "ES256", EdDsa, 64),
        unsigned("`alg` Ed448", "Ed448", EdDsa, 114),
        unsigned("`alg` none", "none", Rs256, 1),
        signed("`alg` PS256, signed so", "PS256", Peer::PS256),
        signed("`alg` RS512, signed so", "RS512", Peer::RS512),
    ]
}

/// A good text whose header names another algorithm.
fn renamed(signer: Signer, algorithm: &str, now: i64) -> String {
    let header = Members::header(signer).with("alg", &format!("\"{algorithm}\"")).text();
    format!("{}.{}", encoded(header), encoded(Members::claims(now).text()))
}

fn curves(now: i64) -> Vec<Row> {
    let signature = Es256.sign(good_text(Es256, now).as_bytes());
    let (r, s) = signature.split_at(32);
    let row = |change, signature: &[u8]| (change, ECDSA, Es256, under(Es256, now, signature), Signature);
    vec![
        row("in DER", &der(r, s)),
        row("each half with a zero in front", &[&[0], r, &[0], s].concat()),
        row("a zero in front", &[&[0], signature.as_slice()].concat()),
        row("a zero behind", &[signature.as_slice(), &[0]].concat()),
        row("cut by a byte", &signature[..63]),
        row("r alone", r),
        row("halves swapped", &[s, r].concat()),
        row("r and s are 0", &[0; 64]),
        row("r is 0", &[&[0; 32], s].concat()),
        row("s is 0", &[r, &[0; 32]].concat()),
        row("r is the order", &[P256_ORDER.as_slice(), s].concat()),
        row("s is the order", &[r, P256_ORDER.as_slice()].concat()),
        row("r and s are the order", &[P256_ORDER, P256_ORDER].concat()),
        row(
            "r and s are 1",
            &[[[0; 31].as_slice(), &[1]].concat(), [[0; 31].as_slice(), &[1]].concat()].concat(),
        ),
    ]
}

fn edwards(now: i64) -> Vec<Row> {
    let signature = EdDsa.sign(good_text(EdDsa, now).as_bytes());
    let (r, s) = signature.split_at(32);
    let row = |change, signature: &[u8]| (change, EDWARDS, EdDsa, under(EdDsa, now, signature), Signature);
    let mut sign_changed = signature.clone();
    sign_changed[31] ^= 0x80;
    vec![
        row("S plus the order", &[r, &sum(s, &ED25519_ORDER)].concat()),
        row("the sign of R changed", &sign_changed),
        row("S is 0", &[r, &[0; 32]].concat()),
        row("all zeros", &[0; 64]),
        row("R of small order and S 0", &[[1].as_slice(), &[0; 63]].concat()),
        row("halves swapped", &[s, r].concat()),
        row("cut by a byte", &signature[..63]),
        row("a zero behind", &[signature.as_slice(), &[0]].concat()),
    ]
}

fn rsa(now: i64) -> Vec<Row> {
    let text = good_text(Rs256, now);
    let signature = Rs256.sign(text.as_bytes());
    let by = |algorithm| sign(algorithm, &Rs256.private(), text.as_bytes());
    let row = |change, signature: &[u8]| (change, RSA, Rs256, under(Rs256, now, signature), Signature);
    vec![
        row("padded as PSS", &by(Peer::PS256)),
        row("of another hash", &by(Peer::RS512)),
        row("a zero in front", &[&[0], signature.as_slice()].concat()),
        row("a zero behind", &[signature.as_slice(), &[0]].concat()),
        row("cut by a byte", &signature[..255]),
        row("0", &[0; 256]),
        row("1", &[[0; 255].as_slice(), &[1]].concat()),
        row("the modulus itself", &decoded(RS256_N)),
    ]
}

/// Signatures that are good, but over something else.
fn moved(now: i64) -> Vec<Row> {
    let mut all = Vec::new();
    for signer in super::keys::SIGNERS {
        let (text, token) = (good_text(signer, now), good(signer, now));
        let signature = token.rsplit_once('.').unwrap().1;
        let (header, _) = text.split_once('.').unwrap();
        let promoted = encoded(Members::claims(now).with("sub", "\"admin\"").text());
        let spaced = encoded(format!("{} ", Members::claims(now).text()));
        let retyped = encoded(Members::header(signer).with("x", "1").text());
        let claims = text.split_once('.').unwrap().1;
        all.push(("another subject", CHECK, signer, format!("{header}.{promoted}.{signature}"), Signature));
        all.push((
            "a space behind the claims",
            CHECK,
            signer,
            format!("{header}.{spaced}.{signature}"),
            Signature,
        ));
        all.push((
            "a member more in the header",
            CHECK,
            signer,
            format!("{retyped}.{claims}.{signature}"),
            Signature,
        ));
    }
    all
}

/// SEQUENCE { INTEGER r, INTEGER s }, for numbers of 32 bytes.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let start = number.iter().position(|byte| *byte != 0).unwrap();
        let sign: &[u8] = if number[start] >= 0x80 { &[0] } else { &[] };
        let content = [sign, &number[start..]].concat();
        [&[2, u8::try_from(content.len()).unwrap()], content.as_slice()].concat()
    };
    let content = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(content.len()).unwrap()], content.as_slice()].concat()
}

/// The sum of two little-endian numbers of one length.
fn sum(left: &[u8], right: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let added = left.iter().zip(right).map(|(left, right)| {
        let [low, high] = (u16::from(*left) + u16::from(*right) + carry).to_le_bytes();
        carry = u16::from(high);
        low
    });
    added.collect()
}

/// The order of P-256, big-endian (SEC 2 §2.4.2).
pub(super) const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
/// The order of the base point of edwards25519, little-endian (RFC 8032 §5.1).
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];
/// SubjectPublicKeyInfo of P-256 up to the coordinates (RFC 5480 §2).
const P256_SPKI_HEAD: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3,
    1, 7, 3, 0x42, 0, 4,
];
