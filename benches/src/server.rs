use std::io;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

/// A redis-server of its own port on loopback that keeps nothing, killed when dropped.
pub struct RedisServer {
    port: u16,
    process: Child,
}

impl RedisServer {
    /// Starts it; it may not answer yet.
    pub fn start() -> io::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("redis-server");
        command.args([
            "--bind",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        Ok(Self { port, process })
    }

    pub fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
