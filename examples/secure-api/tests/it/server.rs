//! The program under test, in a folder and on ports of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use http::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Ask, Client, Secret};

/// A running server; killed if the test ends without stopping it.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    out: BufReader<ChildStdout>,
    data: PathBuf,
    pub(crate) https: SocketAddr,
    pub(crate) plain: SocketAddr,
}

impl Server {
    /// Starts the program with its state in `data`, and waits until it listens.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// The same with further options.
    pub(crate) fn start_with(data: &Path, options: &[&str]) -> Self {
        Self::run(program(data, options), data)
    }

    /// The same under a limit, as the shell sets it.
    pub(crate) fn start_limited(data: &Path, limit: &str) -> Self {
        Self::run(limited(data, limit), data)
    }

    fn run(mut program: Command, data: &Path) -> Self {
        let mut process = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let https = port(&mut out, "listening on https://");
        let plain = port(&mut out, "refusing plain http on http://");
        Self { process, out, data: data.to_owned(), https, plain }
    }

    /// Where its state is.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// One of the credentials it began with.
    pub(crate) fn secret(&self, member: &str) -> Secret {
        let text = fs::read(self.data.join("credentials.json")).unwrap();
        let json: Value = serde_json::from_slice(&text).unwrap();
        Secret::new(member, json[member].as_str().unwrap())
    }

    /// A client that trusts the server's own authority.
    pub(crate) fn client(&self) -> Client {
        Client::trusting(&fs::read(self.data.join("ca.pem")).unwrap()).unwrap()
    }

    /// Sends one request over HTTPS.
    pub(crate) async fn send(&self, ask: Ask<'_>) -> Answer {
        self.client().send(self.https, &ask).await.unwrap()
    }

    /// Has the owner issue a token with these members besides an expiry in ten minutes; answers it with its id.
    pub(crate) async fn issue(&self, mut wanted: Value) -> (Secret, String) {
        wanted["expires_in"] = json!(600);
        let answer = self.send(Ask::post("/v2/credentials/tokens", &self.secret("owner"), wanted)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let text = |member: &str| answer.json()[member].as_str().unwrap().to_owned();
        (Secret::new("issued", &text("secret")), text("id"))
    }

    /// The statuses of the same request by several callers.
    pub(crate) async fn statuses(&self, path: &str, callers: &[&Secret]) -> Vec<u16> {
        let mut statuses = Vec::new();
        for caller in callers {
            statuses.push(self.send(Ask::new(Method::GET, path).with_token(caller)).await.status.as_u16());
        }
        statuses
    }

    /// What it printed after its ports; it must print nothing more while this reads.
    pub(crate) fn printed_requests(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.out.read_line(&mut line).unwrap();
            let line = line.trim_end().to_owned();
            let is_last = line.starts_with("curl http://");
            lines.push(line);
            if is_last {
                return lines;
            }
        }
    }

    /// Sends the signal that asks it to end.
    pub(crate) fn terminate(&self) {
        let status =
            Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.process.id().to_string()]).status();
        assert!(status.unwrap().success(), "the signal was sent");
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }

    /// What it told the operator; read after its end.
    pub(crate) fn told(&mut self) -> String {
        let mut told = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        told
    }

    /// Ends it in order.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.terminate();
        self.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Runs the program to its end, for a start that is refused.
pub(crate) fn refused_start(data: &Path, options: &[&str]) -> Output {
    run_to_its_end(program(data, options))
}

/// The same under a limit, as the shell sets it.
pub(crate) fn refused_start_limited(data: &Path, limit: &str) -> Output {
    run_to_its_end(limited(data, limit))
}

fn run_to_its_end(mut program: Command) -> Output {
    let mut process = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    // A start that is not refused would go on for ever: its first word ends it.
    let mut out = BufReader::new(process.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    if !first.is_empty() {
        process.kill().unwrap();
    }
    let mut told = Vec::new();
    process.stderr.take().unwrap().read_to_end(&mut told).unwrap();
    Output { status: process.wait().unwrap(), stdout: first.into_bytes(), stderr: told }
}

fn program(data: &Path, options: &[&str]) -> Command {
    let mut program = Command::new(PROGRAM);
    program.args(SERVE).arg(data).args(options).stdin(Stdio::null());
    program
}

fn limited(data: &Path, limit: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{limit}; exec \"$0\" \"$@\"")).arg(PROGRAM).args(SERVE).arg(data);
    shell.stdin(Stdio::null());
    shell
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_secure-api");
const SERVE: [&str; 6] = ["serve", "--listen", "127.0.0.1:0", "--listen-plain", "127.0.0.1:0", "--data"];

fn port(out: &mut impl BufRead, prefix: &str) -> SocketAddr {
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix(prefix);
    address.unwrap_or_else(|| panic!("`{line}` does not begin with `{prefix}`")).parse().unwrap()
}
