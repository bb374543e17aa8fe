//! The partner's own machine: a JWKS behind HTTPS, under an authority of its own.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::version::TLS13;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Answers every request with the JWKS published last, until it is dropped.
#[derive(Debug)]
pub(super) struct JwksServer {
    pub(super) url: String,
    /// The authority of its certificate, in PEM.
    pub(super) authority: String,
    jwks: Arc<Mutex<String>>,
    answers: watch::Receiver<u64>,
    _serving: JoinSet<()>,
}

/// Why there is no such server.
#[derive(Debug, Error)]
pub(super) enum JwksServerError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Certificate(#[from] rcgen::Error),
    #[error("{0}")]
    Tls(#[from] rustls::Error),
}

impl JwksServer {
    /// Listens on a free port.
    pub(super) async fn start(jwks: &str) -> Result<Self, JwksServerError> {
        let (authority, tls) = certificates()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("https://localhost:{}/jwks.json", listener.local_addr()?.port());
        let jwks = Arc::new(Mutex::new(jwks.to_owned()));
        let (count, answers) = watch::channel(0);
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, TlsAcceptor::from(tls), Arc::clone(&jwks), count));
        Ok(Self { url, authority, jwks, answers, _serving: serving })
    }

    /// Answers with another JWKS from now on.
    pub(super) fn publish(&self, jwks: &str) {
        jwks.clone_into(&mut self.jwks.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Ends once so many requests were answered.
    pub(super) async fn answered(&mut self, count: u64) {
        drop(self.answers.wait_for(|answered| *answered >= count).await);
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, jwks: Arc<Mutex<String>>, count: watch::Sender<u64>) {
    while let Ok((stream, _)) = listener.accept().await {
        let text = jwks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Whoever turns away half way asks again.
        if answer(stream, &tls, &text).await.is_ok() {
            count.send_modify(|count| *count += 1);
        }
    }
}

async fn answer(stream: TcpStream, tls: &TlsAcceptor, jwks: &str) -> io::Result<()> {
    let mut stream = tls.accept(stream).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{jwks}", jwks.len());
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

fn certificates() -> Result<(String, Arc<ServerConfig>), JwksServerError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let authority = params.self_signed(&key)?.pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)?;
    Ok((authority, Arc::new(config)))
}
