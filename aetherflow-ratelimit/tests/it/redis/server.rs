//! A real redis-server on loopback.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::{Cmd, Connection, FromRedisValue};

/// A server of its own folder and port, killed by its process when dropped.
pub(crate) struct RedisServer {
    port: u16,
    folder: PathBuf,
    process: Child,
}

impl RedisServer {
    pub(crate) fn start(options: &[&str]) -> Self {
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("aetherflow-limits-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let process = spawn(port, &folder, options);
        let server = Self { port, folder, process };
        server.answers();
        server
    }

    pub(crate) fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
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

fn spawn(port: u16, folder: &PathBuf, options: &[&str]) -> Child {
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
