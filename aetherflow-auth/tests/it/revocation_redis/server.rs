//! A real redis-server on loopback, and a proxy in front of it that can stop without closing anything.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

/// A server of its own folder and port, killed by its process when dropped.
pub(crate) struct RedisServer {
    port: u16,
    folder: PathBuf,
    options: Vec<String>,
    process: Child,
}

impl RedisServer {
    pub(crate) async fn start(options: &[&str]) -> Self {
        let port = free_port().await;
        let folder = std::env::temp_dir().join(format!("aetherflow-redis-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        let process = spawn(port, &folder, &options);
        let server = Self { port, folder, options, process };
        server.answers().await;
        server
    }

    pub(crate) fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// As `kill -9` does, and waits for the end.
    pub(crate) async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Starts again on the same port, with what is left in the folder.
    pub(crate) async fn restart(&mut self) {
        self.process = spawn(self.port, &self.folder, &self.options);
        self.answers().await;
    }

    /// Sends one inline command, and gives the first line of the answer.
    pub(crate) async fn command(&self, command: &str) -> String {
        let mut socket = BufReader::new(TcpStream::connect(("127.0.0.1", self.port)).await.unwrap());
        socket.write_all(format!("{command}\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_line(&mut answer).await.unwrap();
        answer.trim().to_owned()
    }

    /// The same, from a closure.
    pub(crate) fn now(&self, command: &str) -> String {
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(self.command(command)))
    }

    async fn answers(&self) {
        let mut ticks = interval(Duration::from_millis(10));
        let up = async {
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                ticks.tick().await;
            }
            while self.command("PING").await != "+PONG" {
                ticks.tick().await;
            }
        };
        timeout(Duration::from_secs(20), up).await.expect("redis-server answers");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // The process is killed by `kill_on_drop`.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn spawn(port: u16, folder: &PathBuf, options: &[String]) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
        .arg(folder)
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("these tests start redis-server: install it (Debian: apt-get install redis-server)")
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// Passes bytes both ways until it is stopped; a stopped proxy keeps its sockets open and silent.
pub(crate) struct Proxy {
    port: u16,
    is_stopped: Arc<watch::Sender<bool>>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_stopped = Arc::new(watch::Sender::new(false));
        let mut tasks = JoinSet::new();
        let stopped = Arc::clone(&is_stopped);
        tasks.spawn(async move {
            let mut pairs = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let stopped = Arc::clone(&stopped);
                pairs.spawn(async move {
                    let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else { return };
                    let ((client_in, client_out), (server_in, server_out)) =
                        (client.into_split(), server.into_split());
                    tokio::select! {
                        () = pass(client_in, server_out, stopped.subscribe()) => (),
                        () = pass(server_in, client_out, stopped.subscribe()) => (),
                    }
                });
            }
        });
        Self { port, is_stopped, _tasks: tasks }
    }

    pub(crate) fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn stop(&self) {
        self.is_stopped.send_replace(true);
    }

    pub(crate) fn resume(&self) {
        self.is_stopped.send_replace(false);
    }
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut is_stopped: watch::Receiver<bool>,
) {
    let mut room = [0; 4096];
    loop {
        let Ok(length @ 1..) = from.read(&mut room).await else { return };
        if is_stopped.wait_for(|is_stopped| !is_stopped).await.is_err() {
            return;
        }
        if to.write_all(&room[..length]).await.is_err() {
            return;
        }
    }
}
