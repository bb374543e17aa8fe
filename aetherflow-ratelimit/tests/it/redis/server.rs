//! Real redis-servers on loopback, alone or as a cluster, and a proxy that can stop without closing anything.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{Cmd, Connection, FromRedisValue};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A server of its own folder and port, killed by its process when dropped.
pub(crate) struct RedisServer {
    port: u16,
    folder: PathBuf,
    options: Vec<String>,
    process: Child,
}

impl RedisServer {
    pub(crate) fn start(options: &[&str]) -> Self {
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("aetherflow-limits-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        let process = spawn(port, &folder, &options);
        let server = Self { port, folder, options, process };
        server.answers();
        server
    }

    pub(crate) fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// As `kill -9` does, and waits for the end.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts again on the same port, with nothing kept.
    pub(crate) fn restart(&mut self) {
        self.process = spawn(self.port, &self.folder, &self.options);
        self.answers();
    }

    pub(crate) fn connection(&self) -> Connection {
        redis::Client::open(self.address()).unwrap().get_connection().unwrap()
    }

    /// Sends one command of words without spaces.
    pub(crate) fn ask<T: FromRedisValue>(&self, command: &str) -> T {
        let mut words = command.split(' ');
        let mut packed = Cmd::new();
        words.by_ref().for_each(|word| {
            packed.arg(word);
        });
        packed.query(&mut self.connection()).unwrap()
    }

    /// How often the server ran the command since it started.
    pub(crate) fn calls(&self, command: &str) -> u64 {
        let stats: String = self.ask("INFO commandstats");
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        line.map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap())
    }

    #[expect(clippy::disallowed_methods, reason = "how long to wait for another process")]
    fn answers(&self) {
        let patience = Instant::now() + Duration::from_secs(20);
        let client = redis::Client::open(self.address()).unwrap();
        while client
            .get_connection()
            .and_then(|mut link| Cmd::new().arg("PING").query::<()>(&mut link))
            .is_err()
        {
            assert!(Instant::now() < patience, "redis-server does not answer");
            std::thread::yield_now();
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
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
        .spawn()
        .expect("these tests start redis-server: install it (Debian: apt-get install redis-server)")
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Three masters and nothing else.
pub(crate) struct RedisCluster(pub(crate) [RedisServer; 3]);

impl RedisCluster {
    pub(crate) fn start() -> Self {
        let cluster = Self([0; 3].map(|_| {
            let bus = free_port().to_string();
            RedisServer::start(&["--cluster-enabled", "yes", "--cluster-port", &bus])
        }));
        let hosts = cluster.0.iter().map(|server| format!("127.0.0.1:{}", server.port));
        let made = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(hosts)
            .arg("--cluster-yes")
            .output()
            .expect("these tests run redis-cli: install it (Debian: apt-get install redis-tools)");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        cluster
    }

    pub(crate) fn addresses(&self) -> [String; 3] {
        [0, 1, 2].map(|at| self.0[at].address())
    }
}

/// Passes bytes both ways until it is stopped; a stopped proxy keeps its sockets open and silent.
pub(crate) struct Proxy {
    port: u16,
    is_stopped: Arc<watch::Sender<bool>>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn start(to: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_stopped = Arc::new(watch::Sender::new(false));
        let mut tasks = JoinSet::new();
        let stopped = Arc::clone(&is_stopped);
        tasks.spawn(async move {
            let mut pairs = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let stopped = Arc::clone(&stopped);
                pairs.spawn(async move {
                    let Ok(server) = tokio::net::TcpStream::connect(("127.0.0.1", to)).await else { return };
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

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut is_stopped: watch::Receiver<bool>) {
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
