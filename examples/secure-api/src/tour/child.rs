//! The server the tour visits: this program itself, in a folder and on ports of its own.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

/// The keys a server is told to trust beside its own.
#[derive(Debug)]
pub(super) enum Trusted {
    /// A JWKS, in a file.
    File(String),
    /// Where a JWKS is, and the authority of that server's certificate in PEM.
    Url { url: String, authority: String },
}

impl Trusted {
    fn options(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).map(|()| path.into_os_string())
        };
        Ok(match self {
            Self::File(jwks) => vec!["--trust-jwks".into(), write("partner.jwks", jwks)?],
            Self::Url { url, authority } => vec![
                "--trust-jwks".into(),
                url.into(),
                "--trust-jwks-ca".into(),
                write("partner-ca.pem", authority)?,
            ],
        })
    }
}

/// A running server, which ends with this value.
#[derive(Debug)]
pub(super) struct ChildServer {
    process: Child,
    folder: TempDir,
    pub(super) https: SocketAddr,
    pub(super) plain: SocketAddr,
    pub(super) proxied: SocketAddr,
}

impl ChildServer {
    /// Starts a server that also accepts tokens signed by the trusted keys.
    pub(super) fn start(trusted: &Trusted) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("secure-api-tour-").tempdir()?;
        let mut process = Command::new(std::env::current_exe()?)
            .args(["serve", "--listen", FREE, "--listen-plain", FREE, "--listen-proxied", FREE])
            .args(["--trusted-proxy", "127.0.0.1"])
            .args(trusted.options(folder.path())?)
            .arg("--data")
            .arg(folder.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let ports = process.stdout.take().map(BufReader::new).map(read_ports);
        match ports {
            Some(Ok([https, plain, proxied])) => Ok(Self { process, folder, https, plain, proxied }),
            Some(Err(_)) | None => {
                drop(process.kill());
                process.wait()?;
                Err(io::Error::other("the server did not start"))
            }
        }
    }

    /// The bytes of a file of the server's data.
    pub(super) fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.data().join(name))
    }

    /// All bytes of the database, those not yet in its main file included.
    pub(super) fn database(&self) -> io::Result<Vec<u8>> {
        let mut bytes = self.read("secure-api.db")?;
        bytes.extend(self.read("secure-api.db-wal").unwrap_or_default());
        Ok(bytes)
    }

    /// Where the server's data is.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Asks the server to end, and waits for it.
    pub(super) fn stop(&mut self) -> io::Result<ExitStatus> {
        let id = self.process.id().to_string();
        // The shell's own kill: sending a signal oneself takes unsafe code.
        Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id]).status()?;
        self.process.wait()
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        // Of no effect on one that has ended.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn read_ports(out: impl BufRead) -> io::Result<[SocketAddr; 3]> {
    let mut lines = out.lines();
    let mut port = |prefix: &str| {
        let line = lines.next().unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))?;
        let address = line.strip_prefix(prefix).and_then(|text| text.parse().ok());
        address.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
    };
    Ok([
        port("listening on https://")?,
        port("refusing plain http on http://")?,
        port("behind a proxy on http://")?,
    ])
}

const FREE: &str = "127.0.0.1:0";
