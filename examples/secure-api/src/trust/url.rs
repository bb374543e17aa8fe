use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aetherflow_auth::key::{Fetch, JwksSource, SourceError};
use http::header::{ACCEPT, HOST};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::refused;
use crate::fault::Fault;
use crate::operator;

/// A JWKS behind an https URL: TLS 1.3, one answer of status 200, no redirect followed.
#[derive(Clone, Debug)]
pub(crate) struct JwksUrl {
    text: String,
    uri: Uri,
    host: String,
    name: ServerName<'static>,
    tls: Arc<ClientConfig>,
}

impl JwksUrl {
    /// Reads the URL; certificates are checked by the authorities in the file, else by the system's.
    pub(super) fn read(text: &str, authorities: Option<&Path>) -> Result<Self, Fault> {
        let not_https = || refused(text, "is no https URL without user and fragment".to_owned());
        let uri: Uri = text.parse().map_err(|_| not_https())?;
        let authority = uri.authority().ok_or_else(not_https)?;
        if uri.scheme_str() != Some("https") || authority.as_str().contains('@') || text.contains('#') {
            return Err(not_https());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_| not_https())?;
        let tls = client_config(authorities).map_err(|reason| refused(text, reason))?;
        Ok(Self { text: text.to_owned(), host, name, tls: Arc::new(tls), uri })
    }

    /// The URL as it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    async fn get(&self, most_bytes: usize) -> Result<Vec<u8>, SourceError> {
        let port = self.uri.port_u16().unwrap_or(443);
        let stream =
            TcpStream::connect((self.host.as_str(), port)).await.map_err(SourceError::unavailable)?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(self.name.clone(), stream).await;
        let stream = TokioIo::new(stream.map_err(SourceError::unavailable)?);
        let (mut sender, connection) = http1::handshake(stream).await.map_err(SourceError::unavailable)?;
        // Dropped with this future, and the connection with it.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let request = self.request().map_err(SourceError::unavailable)?;
        let answer = sender.send_request(request).await.map_err(SourceError::unavailable)?;
        if answer.status() != StatusCode::OK {
            return Err(SourceError::unavailable(format!("it answered {}", answer.status())));
        }
        read(answer.into_body(), most_bytes).await
    }

    fn request(&self) -> Result<Request<Empty<Bytes>>, http::Error> {
        let target = self.uri.path_and_query().map_or("/", |target| target.as_str());
        let host = self.uri.authority().map_or("", |authority| authority.as_str());
        let request = Request::get(target).header(HOST, host);
        request.header(ACCEPT, "application/jwk-set+json, application/json").body(Empty::new())
    }
}

impl JwksSource for JwksUrl {
    fn fetch(&self, most_bytes: usize) -> Fetch<'_> {
        Box::pin(async move {
            let ended = timeout(LONGEST, self.get(most_bytes)).await;
            ended.unwrap_or_else(|_| Err(SourceError::unavailable("no answer within 10 seconds")))
        })
    }
}

async fn read(body: Incoming, most_bytes: usize) -> Result<Vec<u8>, SourceError> {
    let read = Limited::new(body, most_bytes).collect().await;
    match read {
        Ok(body) => Ok(body.to_bytes().to_vec()),
        Err(error) if error.is::<LengthLimitError>() => Err(SourceError::TooLarge),
        Err(error) => Err(SourceError::Unavailable(error)),
    }
}

fn client_config(authorities: Option<&Path>) -> Result<ClientConfig, String> {
    let roots = match authorities {
        Some(path) => roots_of_file(path).map_err(|reason| format!("{}: {reason}", path.display()))?,
        None => roots_of_system()?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_protocol_versions(&[&TLS13]).map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn roots_of_file(path: &Path) -> Result<RootCertStore, String> {
    let pem = std::fs::read(path).map_err(|error: io::Error| error.to_string())?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| "is no PEM".to_owned())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("holds no certificate".to_owned()) } else { Ok(roots) }
}

fn roots_of_system() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // A store of many authorities may hold some that are written badly; those are not trusted.
    roots.add_parsable_certificates(found.certs);
    if !roots.is_empty() {
        return Ok(roots);
    }
    let reason = found.errors.first().map_or_else(String::new, |error| operator::chain(error));
    Err(format!(
        "the system has no authorities to check its certificate by; name some with --trust-jwks-ca {reason}"
    ))
}

const LONGEST: Duration = Duration::from_secs(10);
