//! Accepting connections, so that no client keeps another waiting.
//!
//! 1. The handshake runs in the connection's own task, within [`HANDSHAKE`].
//! 2. All ports together hold at most as many connections as there are [`Slots`]; more wait in the system's queue.
//! 3. A failed accept (too many open files) is survived, with a pause.
//! 4. On closing, the ports close first and the connections finish, within [`DRAIN`].

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aetherflow_tower::Connection;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::closing::Closing;
use crate::routes::SecuredRouter;
use crate::{connection, operator};

/// A port, and how its connections begin.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    handshake: Option<Arc<ServerConfig>>,
}

impl Listener {
    /// A port of HTTPS.
    pub(crate) fn tls(socket: TcpListener, config: Arc<ServerConfig>) -> Self {
        Self { socket, handshake: Some(config) }
    }

    /// A port of plain HTTP: whether anything is answered there is the gate's to say.
    pub(crate) fn plain(socket: TcpListener) -> Self {
        Self { socket, handshake: None }
    }

    /// Accepts until `closing` turns true.
    pub(crate) async fn run(self, router: SecuredRouter, slots: Slots, closing: Closing) {
        let mut closed = closing.clone();
        loop {
            tokio::select! {
                accepted = self.accept(&slots) => match accepted {
                    Ok((stream, peer, slot)) => self.begin(stream, peer, &router, slot, closing.clone()),
                    Err(error) => pause(&error).await,
                },
                () = closed.heard() => return,
            }
        }
    }

    async fn accept(&self, slots: &Slots) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let slot = slots.take().await;
        let (stream, peer) = self.socket.accept().await?;
        Ok((stream, peer, slot))
    }

    fn begin(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        router: &SecuredRouter,
        slot: OwnedSemaphorePermit,
        closing: Closing,
    ) {
        let (router, handshake) = (router.clone(), self.handshake.clone());
        tokio::spawn(async move {
            let _slot = slot;
            // Small answers leave at once; a failure costs only speed.
            drop(stream.set_nodelay(true));
            match handshake {
                None => connection::serve(stream, Connection::plain(peer), router, closing).await,
                Some(config) => encrypted(stream, peer, config, router, closing).await,
            }
        });
    }
}

async fn encrypted(
    stream: TcpStream,
    peer: SocketAddr,
    config: Arc<ServerConfig>,
    router: SecuredRouter,
    mut closing: Closing,
) {
    let handshake = timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream));
    let finished = tokio::select! {
        finished = handshake => finished,
        () = closing.heard() => return,
    };
    // A handshake that failed or took too long is the peer's affair: there is nobody to answer.
    if let Ok(Ok(stream)) = finished {
        connection::serve(stream, Connection::tls(peer), router, closing).await;
    }
}

/// How many connections there may be at once.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    free: Arc<Semaphore>,
    all: u32,
}

impl Slots {
    /// As many as the system's limit on open files leaves, at most [`MOST_CONNECTIONS`].
    pub(crate) fn of_this_process() -> Self {
        let files = rlimit::increase_nofile_limit(u64::from(MOST_CONNECTIONS + OTHER_FILES));
        let files = files.ok().and_then(|files| u32::try_from(files).ok()).unwrap_or(FEWEST_FILES);
        let all = files.saturating_sub(OTHER_FILES).clamp(FEWEST_CONNECTIONS, MOST_CONNECTIONS);
        Self { free: Arc::new(Semaphore::new(all as usize)), all }
    }

    /// Waits for every connection to end, at most [`DRAIN`].
    pub(crate) async fn drain(&self) {
        drop(timeout(DRAIN, self.free.acquire_many(self.all)).await);
    }

    async fn take(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.free).acquire_owned().await.expect("the semaphore is never closed")
    }
}

async fn pause(error: &io::Error) {
    // A connection the peer gave up before it was accepted says nothing about the next one.
    if error.kind() != io::ErrorKind::ConnectionAborted {
        operator::tell(format_args!("cannot accept a connection: {error}"));
        sleep(PAUSE).await;
    }
}

const HANDSHAKE: Duration = Duration::from_secs(10);
const DRAIN: Duration = Duration::from_secs(12);
const PAUSE: Duration = Duration::from_millis(100);
const MOST_CONNECTIONS: u32 = 4_096;
const FEWEST_CONNECTIONS: u32 = 64;
const OTHER_FILES: u32 = 128;
const FEWEST_FILES: u32 = 256;
