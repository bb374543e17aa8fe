//! The URL's client and what a refresh says, against a server of a test authority.

use std::path::PathBuf;

use aetherflow_auth::Environment;
use aetherflow_auth::jwt::{TokenRules, Verifier};
use aetherflow_auth::key::{JwksRefresh, KeySet, VerifyingKey};
use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;

use super::refresh::lines;
use super::{JwksUrl, Trust, file};

#[expect(dead_code, reason = "only the running server waits for a second request")]
#[path = "../../tests/it/issuer.rs"]
mod issuer;

use issuer::{AUDIENCE, ISSUER, Issuer, Signer, jwks};

/// A refresh of a set that holds the server's own key, at a time of its own.
struct Fixture {
    issuer: Issuer,
    verifier: Verifier,
    refresh: JwksRefresh,
    now: DateTime<Utc>,
    _folder: TempDir,
}

impl Fixture {
    async fn new(own: &Signer) -> Self {
        let (issuer, folder) = (Issuer::start().await, tempfile::tempdir().unwrap());
        let here = Environment::production();
        let keys = KeySet::new(ISSUER, here, [VerifyingKey::from_jwk(&own.jwk).unwrap()]).unwrap();
        let rules = TokenRules::access_token(ISSUER, AUDIENCE, here).unwrap();
        let refresh = JwksRefresh::new(keys.clone(), url(&issuer, &folder)).unwrap();
        let verifier = Verifier::new(rules, keys).unwrap();
        Self { issuer, verifier, refresh, now: Utc::now(), _folder: folder }
    }

    /// Fetches after the cooldown, and gives what the operator is told.
    async fn fetch(&mut self) -> Vec<String> {
        self.now += TimeDelta::seconds(30);
        lines(&self.refresh.refresh_at(self.now).await)
    }

    fn accepts(&self, signers: &[&Signer]) -> Vec<bool> {
        signers.iter().map(|signer| self.verifier.verify(&signer.token).is_ok()).collect()
    }
}

fn url(issuer: &Issuer, folder: &TempDir) -> JwksUrl {
    let path = PathBuf::from(issuer.write_authority(&folder.path().join("authority.pem")));
    JwksUrl::read(&issuer.url, Some(&path)).unwrap()
}

#[tokio::test]
async fn keys_come_and_go_with_the_url_beside_the_servers_own() {
    let [own, first, second] = std::array::from_fn(|_| Signer::new());
    let mut fixture = Fixture::new(&own).await;
    fixture.issuer.publish(&jwks(&[&first.jwk]));
    assert_eq!(fixture.fetch().await, ["1 keys beside the server's own"]);
    assert_eq!(fixture.accepts(&[&own, &first, &second]), [true, true, false]);
    fixture.issuer.publish(&jwks(&[&second.jwk]));
    assert_eq!(fixture.fetch().await, ["1 keys beside the server's own"]);
    assert_eq!(fixture.accepts(&[&own, &first, &second]), [true, false, true]);
}

#[tokio::test]
async fn a_key_by_the_id_of_the_servers_own_is_ignored_and_told() {
    let [own, other, impostor] = std::array::from_fn(|_| Signer::new());
    let mut fixture = Fixture::new(&own).await;
    let taken = impostor.jwk.replace(&impostor.id, &own.id);
    fixture.issuer.publish(&jwks(&[&other.jwk, &taken]));
    let told = fixture.fetch().await;
    assert_eq!(told, ["key 1 is ignored: two keys of the set share an id", "1 keys beside the server's own"]);
    assert_eq!(fixture.accepts(&[&own, &other, &impostor]), [true, true, false]);
}

#[tokio::test]
async fn an_answer_that_is_no_jwks_changes_nothing_and_its_reason_is_told() {
    let [own, first] = std::array::from_fn(|_| Signer::new());
    let mut fixture = Fixture::new(&own).await;
    fixture.issuer.publish(&jwks(&[&first.jwk]));
    fixture.fetch().await;
    let whole = jwks(&[&first.jwk]);
    let elsewhere = fixture.issuer.url.clone();
    for (case, answer, want) in [
        (
            "a redirect, also to itself",
            format!("HTTP/1.1 302 Found\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n"),
            "not fetched: the source of the JWKS gave no answer: it answered 302 Found",
        ),
        (
            "a fault with a JWKS in its body",
            format!("HTTP/1.1 500 Oops\r\ncontent-length: {}\r\n\r\n{whole}", whole.len()),
            "not fetched: the source of the JWKS gave no answer: it answered 500 Internal Server Error",
        ),
        (
            "a megabyte, broken off after the limit, up to where alone it is read",
            format!("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{}", " ".repeat(200_000)),
            "not fetched: the JWKS is longer than the limit",
        ),
        (
            "a megabyte that does not say so",
            format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", " ".repeat(1_000_000)),
            "not fetched: the JWKS is longer than the limit",
        ),
        (
            "a page",
            "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>".to_owned(),
            "not fetched: what was fetched is no JWKS",
        ),
        (
            "no key",
            "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"keys\":[]}".to_owned(),
            "not fetched: the JWKS has no good key",
        ),
    ] {
        fixture.issuer.answer(answer);
        assert_eq!(fixture.fetch().await, [want], "{case}");
        assert_eq!(fixture.accepts(&[&own, &first]), [true, true], "{case}");
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused() {
    let (issuer, other) = (Issuer::start().await, Issuer::start().await);
    issuer.publish(&jwks(&[&Signer::new().jwk]));
    let folder = tempfile::tempdir().unwrap();
    let path = PathBuf::from(other.write_authority(&folder.path().join("authority.pem")));
    let keys = KeySet::new(ISSUER, Environment::production(), []).unwrap();
    let url = JwksUrl::read(&issuer.url, Some(&path)).unwrap();
    let mut refresh = JwksRefresh::new(keys, url).unwrap();
    let told = lines(&refresh.refresh_at(Utc::now()).await);
    assert!(told[0].contains("invalid peer certificate"), "{told:?}");
}

#[test]
fn of_a_file_the_good_keys_are_taken_and_each_other_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.jwks");
    let name = path.to_str().unwrap();
    let [first, second] = std::array::from_fn(|_| Signer::new());
    let secret = r#"{"kty":"oct","kid":"s","alg":"HS256","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    let (strange, broken) = (r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#, r#"{"kty":"EC"}"#);
    let same = second.jwk.replace(&second.id, &first.id);
    let read = |keys: &[&str]| {
        std::fs::write(&path, jwks(keys)).unwrap();
        let read = file::read(name);
        read.map(|(keys, told)| (keys.iter().map(|key| key.id().to_owned()).collect::<Vec<_>>(), told))
            .map_err(|fault| fault.to_string())
    };
    let unsupported = "the JWK names a key type, curve or algorithm that is not supported";
    let of_no_form = "the JWK is not of the form RFC 7517 gives";
    let private = "the JWK holds a private key";
    let told = [(1, unsupported), (2, private), (3, of_no_form)];
    let told = told.map(|(at, reason)| format!("key {at} is ignored: {reason}")).to_vec();
    for (case, keys, want) in [
        (
            "good ones",
            vec![&*first.jwk, &second.jwk],
            Ok((vec![first.id.clone(), second.id.clone()], vec![])),
        ),
        (
            "good ones among others",
            vec![&first.jwk, strange, secret, broken],
            Ok((vec![first.id.clone()], told)),
        ),
        ("none", vec![], Err(format!("--trust-jwks {name}: has no key that can be used"))),
        (
            "no good one",
            vec![secret, broken],
            Err(format!(
                "--trust-jwks {name}: has no key that can be used; key 0: {private}; key 1: {of_no_form}"
            )),
        ),
        (
            "two of one id",
            vec![&first.jwk, &same],
            Err(format!("--trust-jwks {name}: key 1: two keys of the set share an id")),
        ),
    ] {
        assert_eq!(read(&keys), want, "{case}");
    }
    std::fs::write(&path, "no JWKS").unwrap();
    assert!(file::read(name).unwrap_err().to_string().starts_with(&format!("--trust-jwks {name}: ")));
}

#[test]
fn only_https_urls_and_readable_authorities_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, absent) = (folder.path().join("empty.pem"), folder.path().join("absent.pem"));
    std::fs::write(&empty, "").unwrap();
    let told = |source, path| Trust::read(source, path).unwrap_err().to_string();
    let not_https = "is no https URL without user and fragment";
    for url in ["http://a.example/jwks", "file:///etc/passwd", "https://u@a.example/", "https://a.example/#x"]
    {
        assert_eq!(told(Some(url), None), format!("--trust-jwks {url}: {not_https}"));
    }
    let url = Some("https://a.example/jwks");
    let reason = told(url, Some(&empty));
    assert_eq!(
        reason,
        format!("--trust-jwks https://a.example/jwks: {}: holds no certificate", empty.display())
    );
    let reason = told(url, Some(&absent));
    assert!(reason.ends_with("absent.pem: No such file or directory (os error 2)"), "{reason}");
    assert_eq!(told(None, Some(&empty)), "--trust-jwks-ca needs a --trust-jwks that is a URL");
}
