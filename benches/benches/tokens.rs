//! Verification and minting beside jsonwebtoken and jwt-simple, and what memory and revocation add to a hit.

use std::sync::Arc;

use aetherflow_auth::Environment;
use aetherflow_auth::jwt::{Grant, Minter, Verifier};
use aetherflow_auth::key::{Algorithm, SigningKey, VerifyingKey};
use aetherflow_auth::revocation::Revocations;
use aetherflow_benches::{Contest, Counting, Measured, ratio, token};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{TimeDelta, Utc};
use jsonwebtoken::{DecodingKey, EncodingKey, Validation};
use jwt_simple::prelude::{HS256Key, MACLike as _, NoCustomClaims, VerificationOptions};
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    first_sight();
    repeated();
    mint();
    insert();
    revoked();
    remembered();
}

/// The same key for both sides, and a token under it.
struct Bout {
    algorithm: jsonwebtoken::Algorithm,
    ours: VerifyingKey,
    theirs: DecodingKey,
    token: String,
}

#[derive(Clone, Deserialize, Serialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    iat: i64,
    jti: String,
    scope: String,
    env: String,
}

fn first_sight() {
    println!("\nfirst sight: no cache, no user claims type");
    let bouts = [hs256(), es256(), eddsa(), rs256()];
    let mut contest = Contest::new();
    let names = bouts.each_ref().map(|bout| format!("{:?}", bout.algorithm));
    for (bout, name) in bouts.into_iter().zip(&names) {
        let (now, rules) = (Utc::now(), validation(bout.algorithm));
        let (ours, theirs) = (token::verifier(bout.ours).with_cache(0), bout.theirs);
        let (token, text) = (bout.token.clone(), bout.token);
        contest.add(&format!("ours {name}"), move || assert!(ours.verify_at(&token, now).is_ok()));
        contest.add(&format!("jsonwebtoken {name}"), move || {
            assert!(jsonwebtoken::decode::<Claims>(&text, &theirs, &rules).is_ok());
        });
    }
    let (simple, text) = (HS256Key::from_bytes(token::SECRET), token::hs256());
    contest.add("jwt-simple HS256", move || {
        let options = VerificationOptions::default();
        assert!(simple.verify_token::<NoCustomClaims>(&text, Some(options)).is_ok());
    });
    let all = contest.measure();
    for (at, name) in names.iter().enumerate() {
        let what = format!("verify {name} first sight");
        ratio(&what, all[2 * at].median, JSONWEBTOKEN, all[2 * at + 1].median);
    }
    ratio("verify HS256 first sight vs jwt-simple", all[0].median, "jwt-simple 0.15", all[8].median);
}

fn repeated() {
    println!("\na repeated token: time, revocation, key and rules are checked");
    let (text, now) = (token::hs256(), Utc::now());
    let revocations = Arc::new(Revocations::new());
    let verifier = token::verifier(hs256().ours).with_revocations(revocations);
    let mut contest = Contest::new();
    let again = text.clone();
    contest.add("ours", || assert!(verifier.verify_at(&text, now).is_ok()));
    contest.add("jsonwebtoken", decode_hs256(again));
    let all = contest.measure();
    ratio("verify HS256 repeated", all[0].median, JSONWEBTOKEN, all[1].median);
}

fn mint() {
    println!("\nminting");
    let here = Environment::production();
    let key = SigningKey::from_secret("k1", Algorithm::Hs256, token::SECRET, here).expect("long enough");
    let minter = Minter::new(token::ISSUER, key).expect("an issuer");
    let scopes = "read:workflows write:workflows execute:workflows".parse().expect("scopes");
    let grant =
        Grant::new(here, "user_01HZX3Q8Y6Z4V7", token::AUDIENCE, TimeDelta::days(1)).with_scopes(scopes);
    let now = Utc::now();
    let claims = Claims {
        iss: token::ISSUER.into(),
        sub: "user_01HZX3Q8Y6Z4V7".into(),
        aud: token::AUDIENCE.into(),
        exp: now.timestamp() + 86_400,
        iat: now.timestamp(),
        jti: "01J0000000ABCDEFGHJKMNPQRS".into(),
        scope: "read:workflows write:workflows execute:workflows".into(),
        env: "production".into(),
    };
    let (header, key) = (jsonwebtoken::Header::default(), EncodingKey::from_secret(token::SECRET));
    let mut contest = Contest::new();
    contest.add("ours, a new id each", || assert!(minter.mint_at(&grant, now).is_ok()));
    contest.add("jsonwebtoken, one id", || assert!(jsonwebtoken::encode(&header, &claims, &key).is_ok()));
    let all = contest.measure();
    ratio("mint HS256", all[0].median, JSONWEBTOKEN, all[1].median);
}

fn insert() {
    println!("\ninserting into a full cache of 10,000");
    let tokens = many(40_000);
    let now = Utc::now();
    let full = token::verifier(hs256().ours);
    let without = token::verifier(hs256().ours).with_cache(0);
    let mut contest = Contest::new();
    let (mut at, mut other) = (0, 0);
    contest.add("first sight, remembered", || assert!(full.verify_at(next(&tokens, &mut at), now).is_ok()));
    contest.add("first sight, not remembered", || {
        assert!(without.verify_at(next(&tokens, &mut other), now).is_ok())
    });
    let all = contest.measure();
    ratio("insert into cache", all[0].median - all[1].median, "ours, first sight", all[1].median);
}

fn revoked() {
    println!("\na hit, by revoked ids");
    for ids in [1, 1_000, 10_000, 100_000, 1_000_000] {
        let revocations = revocations(ids);
        let verifier = token::verifier(hs256().ours).with_revocations(revocations);
        // Revoking takes a while, and no token may lie ahead of its verifier's clock.
        let (text, now) = (token::hs256(), Utc::now());
        let mut contest = Contest::new();
        contest.add(&format!("{ids} revoked"), || assert!(verifier.verify_at(&text, now).is_ok()));
        contest.measure();
    }
}

fn remembered() {
    println!("\na hit in uniform use, by remembered tokens, with 1,000,000 revoked ids");
    let revocations = revocations(1_000_000);
    for count in [1, 100, 10_000, 100_000] {
        let tokens = many(count);
        let now = Utc::now();
        // Twice the room, since shards do not fill evenly.
        let verifier =
            token::verifier(hs256().ours).with_cache(2 * count).with_revocations(Arc::clone(&revocations));
        fill(&verifier, &tokens);
        let (mut at, text) = (0, token::hs256());
        let mut contest = Contest::new();
        contest.add(&format!("{count} remembered"), || {
            assert!(verifier.verify_at(next(&tokens, &mut at), now).is_ok())
        });
        contest.add("jsonwebtoken", decode_hs256(text));
        let all: Vec<Measured> = contest.measure();
        ratio(&format!("verify HS256 repeated, {count} tokens"), all[0].median, JSONWEBTOKEN, all[1].median);
    }
}

fn fill(verifier: &Verifier, tokens: &[String]) {
    for text in tokens {
        assert!(verifier.verify(text).is_ok());
    }
}

fn revocations(ids: usize) -> Arc<Revocations> {
    let revocations = Revocations::new();
    for id in 0..ids {
        revocations.revoke_token(token::ISSUER, &format!("revoked-{id}"), Utc::now() + TimeDelta::days(90));
    }
    Arc::new(revocations)
}

fn many(count: usize) -> Vec<String> {
    let key = EncodingKey::from_secret(token::SECRET);
    let id = |at: usize| format!("01J0000000ABCDEFGHJK{at:06}");
    (0..count).map(|at| token::signed(jsonwebtoken::Algorithm::HS256, &key, &id(at))).collect()
}

/// The next in an order that no prefetcher follows.
fn next<'t>(tokens: &'t [String], at: &mut usize) -> &'t str {
    *at = (*at + 7_919) % tokens.len();
    &tokens[*at]
}

fn decode_hs256(text: String) -> impl FnMut() {
    let (rules, key) = (validation(jsonwebtoken::Algorithm::HS256), DecodingKey::from_secret(token::SECRET));
    move || assert!(jsonwebtoken::decode::<Claims>(&text, &key, &rules).is_ok())
}

fn validation(algorithm: jsonwebtoken::Algorithm) -> Validation {
    let mut rules = Validation::new(algorithm);
    rules.set_issuer(&[token::ISSUER]);
    rules.set_audience(&[token::AUDIENCE]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    rules
}

fn hs256() -> Bout {
    Bout {
        algorithm: jsonwebtoken::Algorithm::HS256,
        ours: VerifyingKey::from_secret("k1", Algorithm::Hs256, token::SECRET).expect("long enough"),
        theirs: DecodingKey::from_secret(token::SECRET),
        token: token::hs256(),
    }
}

fn es256() -> Bout {
    let pair =
        EcdsaKeyPair::generate_pkcs8(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    let pkcs8 = pair.expect("randomness");
    let public =
        EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).expect("a key");
    let (x, y) = public.public_key().as_ref()[1..].split_at(32);
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let algorithm = jsonwebtoken::Algorithm::ES256;
    Bout {
        algorithm,
        ours: jwk(&format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#)),
        theirs: DecodingKey::from_ec_components(&x, &y).expect("a point"),
        token: token::signed(
            algorithm,
            &EncodingKey::from_ec_der(pkcs8.as_ref()),
            "01J0000000ABCDEFGHJKMNPQRS",
        ),
    }
}

fn eddsa() -> Bout {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("randomness");
    let public = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("a key");
    let x = URL_SAFE_NO_PAD.encode(public.public_key().as_ref());
    let algorithm = jsonwebtoken::Algorithm::EdDSA;
    Bout {
        algorithm,
        ours: jwk(&format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#)),
        theirs: DecodingKey::from_ed_components(&x).expect("a point"),
        token: token::signed(
            algorithm,
            &EncodingKey::from_ed_der(pkcs8.as_ref()),
            "01J0000000ABCDEFGHJKMNPQRS",
        ),
    }
}

fn rs256() -> Bout {
    use aws_lc_rs::encoding::AsDer as _;
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).expect("randomness");
    let pkcs8 = pair.as_der().expect("a key");
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD
            .encode(pkcs8.as_ref())
            .as_bytes()
            .chunks(64)
            .map(String::from_utf8_lossy)
            .collect::<Vec<_>>()
            .join("\n")
    );
    let public = pair.public_key();
    let n = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
    let e = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
    let algorithm = jsonwebtoken::Algorithm::RS256;
    let private = EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a key");
    Bout {
        algorithm,
        ours: jwk(&format!(r#"{{"kty":"RSA","alg":"RS256","n":"{n}","e":"{e}"}}"#)),
        theirs: DecodingKey::from_rsa_components(&n, &e).expect("a key"),
        token: token::signed(algorithm, &private, "01J0000000ABCDEFGHJKMNPQRS"),
    }
}

fn jwk(text: &str) -> VerifyingKey {
    VerifyingKey::from_jwk(text).expect("a public key")
}

const JSONWEBTOKEN: &str = "jsonwebtoken 11.1 aws_lc_rs";
