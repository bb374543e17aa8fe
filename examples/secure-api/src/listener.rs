//! Accepting connections, so that no client keeps another waiting.
//!
//! 1. The handshake runs in the connection's own task, within [`HANDSHAKE`].
//! 2. No more are accepted than there are [`Slots`], and of one address no more than it may hold.
//! 3. A failed accept (too many open files) is survived, with a pause.
//! 4. On closing, the ports close first and the connections finish, within a time.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aetherflow_tower::Connection;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::closing::Closing;
use crate::routes::SecuredRouter;
use crate::slots::{Slot, Slots};
use crate::{connection, operator};

/// A port, and how its connections begin.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    handshake: Option<Arc<ServerConfig>>,
    slots: Slots,
}

impl Listener {
    /// A port of HTTPS.
    pub(crate) fn tls(socket: TcpListener, config: Arc<ServerConfig>, slots: Slots) -> Self {
        Self { socket, handshake: Some(config), slots }
    }

    /// A port of plain HTTP: whether anything is answered there is the gate's to say.
    pub(crate) fn plain(socket: TcpListener, slots: Slots) -> Self {
        Self { socket, handshake: None, slots }
    }

    /// Accepts until `closing` turns true.
    pub(crate) async fn run(self, router: SecuredRouter, closing: Closing) {
        let mut closed = closing.clone();
        loop {
            tokio::select! {
                accepted = self.accept() => match accepted {
                    Ok(None) => {}
                    Ok(Some((stream, peer, slot))) => self.begin(stream, peer, &router, slot, closing.clone()),
                    Err(error) => pause(&error).await,
                },
                () = closed.heard() => return,
            }
        }
    }

    /// Accepts the next connection; none if its address has as many as one may, which closes it.
    async fn accept(&self) -> io::Result<Option<(TcpStream, SocketAddr, Slot)>> {
        let free = self.slots.wait().await;
        let (stream, peer) = self.socket.accept().await?;
        Ok(self.slots.give(free, peer.ip()).map(|slot| (stream, peer, slot)))
    }

    fn begin(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        router: &SecuredRouter,
        slot: Slot,
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

async fn pause(error: &io::Error) {
    // A connection the peer gave up before it was accepted says nothing about the next one.
    if error.kind() != io::ErrorKind::ConnectionAborted {
        operator::tell(format_args!("cannot accept a connection: {error}"));
        sleep(PAUSE).await;
    }
}

const HANDSHAKE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);
