//! What the ports do with connections, before there is a request.

use std::sync::Arc;

use http::{Method, Request};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, NamedGroup, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::{Ask, Client};
use crate::server::Server;

pub(crate) async fn connect(
    server: &Server,
    version: &'static SupportedProtocolVersion,
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let pem = std::fs::read(server.data().join("ca.pem")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(server.https).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

#[tokio::test]
async fn tls_1_3_is_spoken_with_post_quantum_keys_and_tls_1_2_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let stream = connect(&server, &TLS13, b"http/1.1").await.unwrap();
    let (_, session) = stream.get_ref();
    assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let group = session.negotiated_key_exchange_group().map(|group| group.name());
    assert_eq!(group, Some(NamedGroup::X25519MLKEM768));
    let refused = connect(&server, &TLS12, b"http/1.1").await.unwrap_err();
    assert_eq!(refused.to_string(), "received fatal alert: ProtocolVersion");
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_negotiated() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let stream = connect(&server, &TLS13, b"h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("https://localhost/healthz").body(Empty::<Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), r#"{"status":"ok"}"#);
}

#[tokio::test]
async fn clients_that_never_finish_their_handshake_stall_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut silent = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(server.https).await.unwrap();
        // The head of a handshake record whose rest never comes.
        stream.write_all(b"\x16\x03\x01\x02\x00").await.unwrap();
        silent.push(stream);
    }
    let answer = server.send(Ask::new(Method::GET, "/healthz")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(silent.len(), 200);
}

#[tokio::test]
async fn plain_http_is_refused_whatever_it_asks_and_never_redirected() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let free = server.secret("free");
    for (name, ask) in [
        ("a public route", Ask::new(Method::GET, "/healthz")),
        ("a protected route", Ask::new(Method::GET, "/v2/workflows")),
        ("with a good token", Ask::get("/v2/workflows", &free)),
        ("as if from a proxy", Ask::get("/v2/workflows", &free).forwarded_for("203.0.113.9")),
    ] {
        let answer = Client::send_plain(server.plain, &ask).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (403, "https-required"), "{name}");
        assert_eq!(
            (answer.header("location"), answer.header("strict-transport-security")),
            ("", ""),
            "{name}"
        );
        assert_eq!(answer.header("cache-control"), "no-store", "{name}");
    }
}

#[tokio::test]
async fn plain_http_on_the_tls_port_is_closed_without_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut stream = TcpStream::connect(server.https).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
}

#[tokio::test]
async fn what_is_no_http_gets_the_servers_bare_answer_and_becomes_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let field = format!("a: {}\r\n", "x".repeat(1_000));
    for (name, said, want) in [
        ("no HTTP", "HELO localhost\r\n\r\n".to_owned(), "400 Bad Request"),
        ("no field", "GET / HTTP/1.1\r\nno field\r\n\r\n".to_owned(), "400 Bad Request"),
        (
            "more fields than may be",
            format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101)),
            "431 Request Header Fields Too Large",
        ),
        (
            "a longer header than may be",
            format!("GET / HTTP/1.1\r\n{}\r\n", field.repeat(33)),
            "431 Request Header Fields Too Large",
        ),
        (
            "a longer target than may be",
            format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(33_000)),
            "431 Request Header Fields Too Large",
        ),
    ] {
        let mut stream = TcpStream::connect(server.plain).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut answer = String::new();
        // What is left unread when the server closes may cost the end of the stream, not the answer.
        drop(stream.read_to_string(&mut answer).await);
        assert!(answer.starts_with(&format!("HTTP/1.1 {want}\r\n")), "{name}: {answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{name} has a body: {answer}");
    }
    let events = server.send(Ask::get("/v2/audit", &server.secret("owner"))).await.json();
    assert_eq!(events["events"], serde_json::json!([]), "none of it is a request that was decided");
}

#[tokio::test]
async fn running_out_of_files_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_limited(folder.path(), "ulimit -n 40");
    let mut silent = Vec::new();
    for _ in 0..64 {
        silent.push(TcpStream::connect(server.https).await.unwrap());
    }
    drop(silent);
    assert_eq!(server.send(Ask::new(Method::GET, "/healthz")).await.status, 200);
}
