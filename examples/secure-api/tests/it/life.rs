//! From one start to the next: what survives, and how the server ends.

use std::fs;
use std::time::Duration;

use http::{Method, Request};
use http_body_util::channel::Channel;
use hyper::body::Bytes;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::version::TLS13;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::{Ask, Secret};
use crate::listening::connect;
use crate::server::Server;

#[tokio::test]
async fn state_survives_a_restart_revocations_included() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let (authority, credentials) = (read("ca.pem"), read("credentials.json"));

    let pro = server.secret("pro");
    let body = json!({ "name": "kept", "note": "across\u{0}restarts" });
    let made = server.send(Ask::post("/v2/workflows", &pro, body)).await;
    let path = made.header("location").to_owned();
    let wanted = |subject: &str| json!({ "subject": subject, "scopes": ["read:workflows"], "plan": "pro" });
    let (revoked, id) = server.issue(wanted("leaver")).await;
    let (owner, one) = (server.secret("owner"), format!("/v2/credentials/{id}"));
    assert_eq!(server.send(Ask::new(Method::DELETE, &one).with_token(&owner)).await.status, 204);
    let (replaced, id) = server.issue(wanted("robot")).await;
    let rotate = format!("/v2/credentials/{id}/rotate");
    let rotated = server.send(Ask::post(&rotate, &owner, json!({ "overlap": 0 }))).await;
    let replacement = Secret::new("replacement", rotated.json()["secret"].as_str().unwrap());
    let all = [&revoked, &replaced, &replacement, &pro];
    assert_eq!(server.statuses("/v2/workflows", &all).await, [401, 401, 200, 200]);
    assert_eq!(server.stop().code(), Some(0));

    let server = Server::start(folder.path());
    assert_eq!((read("ca.pem"), read("credentials.json")), (authority, credentials));
    assert_eq!(server.statuses("/v2/workflows", &all).await, [401, 401, 200, 200]);
    let again = server.send(Ask::get(&path, &pro)).await;
    assert_eq!(again.json(), made.json());
    let key = server.secret("api_key");
    assert_eq!(server.send(Ask::new(Method::GET, "/v1/workflows").with_key(&key)).await.status, 200);
}

#[tokio::test]
async fn a_request_in_flight_is_finished_before_the_server_ends() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["--listen-proxied", "127.0.0.1:0", "--trusted-proxy", "127.0.0.1"];
    let mut server = Server::start_with(folder.path(), &options);
    let printed = server.printed_requests();
    let proxied = printed[0].strip_prefix("behind a proxy on http://").unwrap();

    let pro = server.secret("pro");
    let body = r#"{"name":"late","note":"but whole"}"#;
    let head = format!(
        "POST /v2/workflows HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nX-Forwarded-Proto: https\r\n\
         X-Forwarded-For: 203.0.113.9\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\n\r\n",
        pro.text,
        body.len()
    );
    let mut stream = TcpStream::connect(proxied).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body, so that the handler is known to be running.
    let mut word = [0; 25];
    stream.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"HTTP/1.1 100 Continue\r\n\r\n");

    server.terminate();
    // Its ports close first.
    while TcpStream::connect(server.https).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert_eq!(server.wait().code(), Some(0));
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_the_end_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let idle = TcpStream::connect(server.plain).await.unwrap();
    let handshaking = TcpStream::connect(server.https).await.unwrap();
    assert_eq!(server.stop().code(), Some(0));
    drop((idle, handshaking));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_idle_connections_of_http_2_are_closed_at_once_and_a_request_in_flight_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let pro = server.secret("pro");
    let (mut idle, idle_end) = over_http_2(&server).await;
    let (mut busy, busy_end) = over_http_2(&server).await;
    let mut silent = connect(&server, &TLS13, b"h2").await.unwrap();
    silent.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    assert_eq!(idle.send_request(healthy()).await.unwrap().status(), 200);

    let (mut body, rest) = Channel::<Bytes>::new(1);
    let post = Request::post("https://localhost/v2/workflows")
        .header("authorization", format!("Bearer {}", pro.text))
        .header("content-type", "application/json")
        .body(rest)
        .unwrap();
    body.send_data(Bytes::from_static(b"{\"name\":")).await.unwrap();
    let answer = tokio::spawn(busy.send_request(post));
    // Its ping is answered behind the request's head, which the server has then.
    assert_eq!(busy.send_request(healthy()).await.unwrap().status(), 200);

    server.terminate();
    timeout(PATIENCE, idle_end).await.expect("the idle connection ends while another is busy").unwrap();
    assert!(!answer.is_finished());
    body.send_data(Bytes::from_static(b"\"late\"}")).await.unwrap();
    drop(body);
    assert_eq!(timeout(PATIENCE, answer).await.unwrap().unwrap().unwrap().status(), 201);
    timeout(PATIENCE, busy_end).await.expect("its connection ends with it").unwrap();
    let ended = tokio::task::spawn_blocking(move || server.wait());
    assert_eq!(timeout(PATIENCE, ended).await.expect("nobody holds the end back").unwrap().code(), Some(0));
    drop(silent);
}

fn healthy() -> Request<Channel<Bytes>> {
    Request::get("https://localhost/healthz").body(Channel::new(1).1).unwrap()
}

async fn over_http_2(server: &Server) -> (SendRequest<Channel<Bytes>>, JoinHandle<()>) {
    let stream = connect(server, &TLS13, b"h2").await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    // Only how it ends is asked, not whether the server was polite.
    (sender, tokio::spawn(async move { drop(connection.await) }))
}

const TOUR: u32 = 63;
// Half of what a request in flight is given.
const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_server_that_can_no_longer_record_stops_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_limited(folder.path(), "trap '' XFSZ; ulimit -f 512");
    let ask = Ask::new(Method::GET, "/healthz");
    let answers = server.client().send_many(server.https, &ask, 100_000).await;
    assert!(answers.is_err(), "the connection ends with the server");
    assert_eq!(server.wait().code(), Some(1));
    let told = server.told();
    assert!(told.contains("the server stops rather than serve unrecorded"), "{told}");
}

#[test]
fn the_tour_succeeds() {
    let tour = std::process::Command::new(env!("CARGO_BIN_EXE_secure-api")).arg("tour").output().unwrap();
    let printed = String::from_utf8(tour.stdout).unwrap();
    assert_eq!(tour.status.code(), Some(0), "{printed}");
    assert!(printed.ends_with(&format!("\n{TOUR} steps, and every one behaved.\n")), "{printed}");
    for number in 1..=TOUR {
        let begins = printed.lines().filter(|line| line.starts_with(&format!("{number}. "))).count();
        assert_eq!(begins, 1, "step {number}");
    }
}
