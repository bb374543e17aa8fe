//! An HTTPS client of few words: TLS 1.3, the server's own authority and no other.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Sends requests to one server.
#[derive(Clone, Debug)]
pub(super) struct Client {
    tls: Arc<ClientConfig>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub(super) enum ClientError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Tls(#[from] rustls::Error),
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("{0}")]
    Request(#[from] http::Error),
    #[error("ca.pem holds no certificate")]
    Authority,
    #[error("there was no answer")]
    Silence,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    /// The body as JSON; null if it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The text of a header; empty if it is absent.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The last part of a problem's type.
    pub(super) fn problem(&self) -> String {
        let json = self.json();
        json["type"].as_str().and_then(|kind| kind.rsplit(['/', '#']).next()).unwrap_or_default().to_owned()
    }
}

/// A credential and the name it is printed under.
#[derive(Clone, Debug)]
pub(super) struct Secret {
    name: String,
    pub(super) text: String,
}

impl Secret {
    /// Names a credential.
    pub(super) fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned() }
    }
}

/// A request to send.
#[derive(Clone, Debug)]
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) body: Option<(&'a str, String)>,
    token: Option<&'a Secret>,
    key: Option<&'a Secret>,
    forwarded: Option<&'a str>,
}

impl<'a> Ask<'a> {
    /// A request without a credential.
    pub(super) fn new(method: Method, path: &'a str) -> Self {
        Self { method, path, body: None, token: None, key: None, forwarded: None }
    }

    /// A GET by the holder of an access token.
    pub(super) fn get(path: &'a str, token: &'a Secret) -> Self {
        Self::new(Method::GET, path).with_token(token)
    }

    /// A POST of JSON by the holder of an access token.
    pub(super) fn post(path: &'a str, token: &'a Secret, body: Value) -> Self {
        Self::new(Method::POST, path).with_token(token).with_json(&body)
    }

    /// The same with a JSON body.
    pub(super) fn with_json(self, body: &Value) -> Self {
        self.with_body("application/json", body.to_string())
    }

    /// The same with a body of any type; an empty type is none.
    pub(super) fn with_body(self, kind: &'a str, text: String) -> Self {
        Self { body: Some((kind, text)), ..self }
    }

    /// The same with an access token.
    pub(super) fn with_token(self, token: &'a Secret) -> Self {
        Self { token: Some(token), ..self }
    }

    /// The same with an API key.
    pub(super) fn with_key(self, key: &'a Secret) -> Self {
        Self { key: Some(key), ..self }
    }

    /// The same as a proxy would send it for a client at `address`.
    pub(super) fn forwarded_for(self, address: &'a str) -> Self {
        Self { forwarded: Some(address), ..self }
    }

    /// The headers as they may be printed.
    pub(super) fn shown_fields(&self) -> Vec<String> {
        let token = self.token.map(|token| format!("Authorization: Bearer <{}>", token.name));
        let key = self.key.map(|key| format!("X-API-Key: <{}>", key.name));
        let forwarded =
            self.forwarded.map(|address| format!("X-Forwarded-For: {address}, X-Forwarded-Proto: https"));
        [token, key, forwarded].into_iter().flatten().collect()
    }

    fn request(&self, host: SocketAddr) -> Result<Request<Full<Bytes>>, http::Error> {
        let mut request =
            Request::builder().method(&self.method).uri(self.path).header(HOST, host.to_string());
        if let Some(token) = self.token {
            request = request.header(AUTHORIZATION, secret(&format!("Bearer {}", token.text))?);
        }
        if let Some(key) = self.key {
            request = request.header("x-api-key", secret(&key.text)?);
        }
        if let Some(address) = self.forwarded {
            request = request.header("x-forwarded-for", address).header("x-forwarded-proto", "https");
        }
        let Some((kind, text)) = &self.body else { return request.body(Full::default()) };
        if !kind.is_empty() {
            request = request.header(CONTENT_TYPE, *kind);
        }
        request.body(Full::from(text.clone()))
    }
}

fn secret(text: &str) -> Result<HeaderValue, http::Error> {
    let mut value = HeaderValue::try_from(text)?;
    value.set_sensitive(true);
    Ok(value)
}

impl Client {
    /// A client that trusts the authority in `pem`.
    pub(super) fn trusting(pem: &[u8]) -> Result<Self, ClientError> {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(pem).map_err(|_| ClientError::Authority)?;
        roots.add(authority)?;
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: Arc::new(config) })
    }

    /// Sends a request over TLS.
    pub(super) async fn send(&self, to: SocketAddr, ask: &Ask<'_>) -> Result<Answer, ClientError> {
        let mut answers = self.send_many(to, ask, 1).await?;
        answers.pop().ok_or(ClientError::Silence)
    }

    /// Sends the same request `count` times over one connection.
    pub(super) async fn send_many(
        &self,
        to: SocketAddr,
        ask: &Ask<'_>,
        count: usize,
    ) -> Result<Vec<Answer>, ClientError> {
        let name = ServerName::IpAddress(to.ip().into());
        let stream = TcpStream::connect(to).await?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await?;
        exchange(stream, to, ask, count).await
    }

    /// Sends a request over plain HTTP.
    pub(super) async fn send_plain(to: SocketAddr, ask: &Ask<'_>) -> Result<Answer, ClientError> {
        let mut answers = exchange(TcpStream::connect(to).await?, to, ask, 1).await?;
        answers.pop().ok_or(ClientError::Silence)
    }
}

async fn exchange<S>(
    stream: S,
    to: SocketAddr,
    ask: &Ask<'_>,
    count: usize,
) -> Result<Vec<Answer>, ClientError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut answers = Vec::with_capacity(count);
    for _ in 0..count {
        sender.ready().await?;
        let (head, body) = sender.send_request(ask.request(to)?).await?.into_parts();
        let text = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
        answers.push(Answer { status: head.status, headers: head.headers, text });
    }
    connection.abort();
    Ok(answers)
}
