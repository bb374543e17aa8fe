//! Keys from a URL, as the running server takes them.

use std::time::Duration;

use http::Method;
use tokio::time::timeout;

use crate::client::{Ask, Secret};
use crate::issuer::{Issuer, Signer, jwks};
use crate::server::{Server, refused_start};

#[tokio::test]
async fn a_file_with_a_bad_key_among_good_ones_is_taken_but_for_that_key() {
    let folder = tempfile::tempdir().unwrap();
    let [partner, stranger] = std::array::from_fn(|_| Signer::new());
    let file = folder.path().join("keys.jwks");
    std::fs::write(&file, jwks(&[r#"{"kty":"EC"}"#, &partner.jwk])).unwrap();
    let options = ["--trust-jwks", file.to_str().unwrap()];
    let mut server = Server::start_with(&folder.path().join("data"), &options);
    let callers = [Secret::new("partner", &partner.token), Secret::new("stranger", &stranger.token)];
    assert_eq!(server.statuses("/v2/workflows", &[&callers[0], &callers[1]]).await, [200, 401]);
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    let told = server.told();
    let line = format!(
        "--trust-jwks {}: key 0 is ignored: the JWK is not of the form RFC 7517 gives",
        file.display()
    );
    assert!(told.lines().any(|told| told == line), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_under_a_key_of_the_url_is_accepted_beside_the_servers_own() {
    let (issuer, folder) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let [partner, stranger] = std::array::from_fn(|_| Signer::new());
    issuer.publish(&jwks(&[&partner.jwk, r#"{"kty":"EC"}"#]));
    let authority = issuer.write_authority(&folder.path().join("authority.pem"));
    let options = ["--trust-jwks", &issuer.url, "--trust-jwks-ca", &authority];
    let mut server = Server::start_with(&folder.path().join("data"), &options);
    let callers = [server.secret("owner"), Secret::new("partner", &partner.token)];
    let stranger = Secret::new("stranger", &stranger.token);
    let statuses = server.statuses("/v2/workflows", &[&callers[0], &callers[1], &stranger]).await;
    assert_eq!(statuses, [200, 200, 401]);
    let published = server.send(Ask::new(Method::GET, "/.well-known/jwks.json")).await;
    assert!(!published.text.contains(&partner.id), "another's key is published as the server's own");
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    let told = server.told();
    assert!(told.contains("key 1 is ignored: the JWK is not of the form RFC 7517 gives"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_under_a_key_that_is_new_at_the_url_brings_it_in_when_the_cooldown_is_over() {
    let (issuer, folder) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let [old, new] = std::array::from_fn(|_| Signer::new());
    issuer.publish(&jwks(&[&old.jwk]));
    let authority = issuer.write_authority(&folder.path().join("authority.pem"));
    let options = ["--trust-jwks", &issuer.url, "--trust-jwks-ca", &authority];
    let server = Server::start_with(&folder.path().join("data"), &options);
    issuer.publish(&jwks(&[&new.jwk]));
    let callers = [Secret::new("old", &old.token), Secret::new("new", &new.token)];
    let callers = [&callers[0], &callers[1]];
    let ask = || server.statuses("/v2/workflows", &callers);
    assert_eq!(ask().await, [200, 401]);
    // The server asks a second time 30 seconds after the first; without the unknown key it would be 5 minutes.
    timeout(Duration::from_secs(60), issuer.asked_again()).await.unwrap();
    // The answer is sent, and may still be on its way into the keys.
    while ask().await == [200, 401] {}
    assert_eq!(ask().await, [401, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_is_down_is_told_and_keeps_the_server_from_nothing_else() {
    let (issuer, folder) = (Issuer::start().await, tempfile::tempdir().unwrap());
    issuer.answer("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n".to_owned());
    let authority = issuer.write_authority(&folder.path().join("authority.pem"));
    let options = ["--trust-jwks", &issuer.url, "--trust-jwks-ca", &authority];
    let mut server = Server::start_with(&folder.path().join("data"), &options);
    let owner = server.secret("owner");
    assert_eq!(server.statuses("/v2/workflows", &[&owner]).await, [200]);
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    let told = server.told();
    assert!(told.contains(&format!("--trust-jwks {}: not fetched: ", issuer.url)), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_by_the_id_of_the_servers_own_refuses_the_start() {
    let (issuer, folder) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let own = server.send(Ask::new(Method::GET, "/.well-known/jwks.json")).await.json();
    let id = own["keys"][0]["kid"].as_str().unwrap().to_owned();
    server.stop();
    let impostor = Signer::new();
    issuer.publish(&jwks(&[&impostor.jwk.replace(&impostor.id, &id)]));
    let authority = issuer.write_authority(&folder.path().join("authority.pem"));
    let url = issuer.url.clone();
    let refused = tokio::task::spawn_blocking(move || {
        refused_start(&data, &["--trust-jwks", &url, "--trust-jwks-ca", &authority])
    });
    let refused = refused.await.unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{told}");
    assert!(told.contains(": key 0: two keys of the set share an id"), "{told}");
}
