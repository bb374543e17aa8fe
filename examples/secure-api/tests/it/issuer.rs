//! An issuer on another machine: its keys behind HTTPS, under an authority of its own.

use std::path::Path;
use std::sync::{Arc, Mutex};

use aetherflow_auth::Environment;
use aetherflow_auth::jwt::{Grant, Minter};
use aetherflow_auth::key::{Algorithm, KeySet, SigningKey};
use chrono::TimeDelta;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivateKeyDer;
use rustls::version::TLS13;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

/// A server that answers every request with the same bytes.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) authority: String,
    answer: Arc<Mutex<Vec<u8>>>,
    asked: Arc<Semaphore>,
}

impl Issuer {
    /// Listens on a free port; within a runtime.
    pub(crate) async fn start() -> Self {
        let (authority, tls) = certificates();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/jwks.json", listener.local_addr().unwrap().port());
        let answer = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::new(Semaphore::new(0));
        tokio::spawn(serve(listener, TlsAcceptor::from(tls), Arc::clone(&answer), Arc::clone(&asked)));
        Self { url, authority, answer, asked }
    }

    /// Answers with these bytes from now on, head and all.
    pub(crate) fn answer(&self, bytes: String) {
        *self.answer.lock().unwrap() = bytes.into_bytes();
    }

    /// Publishes a JWKS from now on.
    pub(crate) fn publish(&self, jwks: &str) {
        self.answer(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{jwks}", jwks.len()));
    }

    /// Ends once two requests were answered.
    pub(crate) async fn asked_again(&self) {
        drop(self.asked.acquire_many(2).await.unwrap());
    }

    /// Writes its authority to a file.
    pub(crate) fn write_authority(&self, path: &Path) -> String {
        std::fs::write(path, &self.authority).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, answer: Arc<Mutex<Vec<u8>>>, asked: Arc<Semaphore>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let bytes = answer.lock().unwrap().clone();
        // A client that turns away from the certificate is no fault of the server.
        let Ok(mut stream) = tls.accept(stream).await else { continue };
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        // A client that has read enough may have gone.
        drop(stream.write_all(&bytes).await);
        drop(stream.shutdown().await);
        asked.add_permits(1);
    }
}

fn certificates() -> (String, Arc<ServerConfig>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = rcgen::Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()));
    (authority, Arc::new(config.unwrap()))
}

/// A key of the issuer's that the server does not have: its JWK, and a token it signed.
#[derive(Debug)]
pub(crate) struct Signer {
    pub(crate) id: String,
    pub(crate) jwk: String,
    pub(crate) token: String,
}

impl Signer {
    pub(crate) fn new() -> Self {
        let here = Environment::production();
        let key = SigningKey::generate(Algorithm::Es256, here).unwrap();
        let id = key.id().to_owned();
        let jwks = KeySet::new(ISSUER, here, [key.verifying_key()]).unwrap().to_jwks();
        let jwk = jwks.strip_prefix(r#"{"keys":["#).unwrap().strip_suffix("]}").unwrap().to_owned();
        let grant = Grant::new(here, "partner", AUDIENCE, TimeDelta::hours(1))
            .with_scopes("read:workflows".parse().unwrap());
        let token = Minter::new(ISSUER, key).unwrap().mint(&grant).unwrap().token().to_owned();
        Self { id, jwk, token }
    }
}

/// A JWKS of these keys.
pub(crate) fn jwks(keys: &[&str]) -> String {
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

pub(crate) const ISSUER: &str = "https://auth.aetherflow.localhost";
pub(crate) const AUDIENCE: &str = "https://api.aetherflow.localhost";
