//! What the gate reads of a request, whatever framework holds it.

use std::net::SocketAddr;

use http::{HeaderName, Method, Request, Version, request::Parts};

/// The parts of a request that the gate reads.
///
/// It is implemented for the types of the `http` crate; a framework with types of its own implements it in ten lines.
///
/// # Security
///
/// Every value of a header must be given, in the order received: a view that shows one of two `Authorization` fields
/// lets the gate and the handler see different credentials.
pub trait RequestView {
    /// The method.
    fn method(&self) -> &Method;

    /// The path as the client sent it, not decoded and without the query.
    fn path(&self) -> &str;

    /// The query as the client sent it, without the question mark.
    fn query(&self) -> Option<&str>;

    /// Every value of a header, in the order received.
    fn header<'a>(&'a self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &'a [u8]>;

    /// The version of HTTP.
    fn version(&self) -> Version;

    /// What the accept loop knows of the connection; `None` if it said nothing, and the request is refused.
    fn connection(&self) -> Option<Connection>;
}

/// The connection a request came over, as the accept loop saw it.
///
/// The accept loop inserts it into the extensions of every request.
///
/// # Security
///
/// It is what the gate believes without proof. Make it from the socket, never from a header.
///
/// # Examples
///
/// ```
/// use aetherflow_tower::Connection;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(Connection::tls(([203, 0, 113, 9], 50_000)));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Connection {
    peer: SocketAddr,
    is_tls: bool,
}

impl Connection {
    /// A TLS connection from `peer`, ended in this process.
    #[must_use]
    pub fn tls(peer: impl Into<SocketAddr>) -> Self {
        Self { peer: peer.into(), is_tls: true }
    }

    /// A plain-text connection from `peer`.
    #[must_use]
    pub fn plain(peer: impl Into<SocketAddr>) -> Self {
        Self { peer: peer.into(), is_tls: false }
    }

    /// The other end of the socket: the client, or the nearest proxy.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Whether the connection itself is encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }
}

impl<B> RequestView for Request<B> {
    fn method(&self) -> &Method {
        self.method()
    }

    fn path(&self) -> &str {
        self.uri().path()
    }

    fn query(&self) -> Option<&str> {
        self.uri().query()
    }

    fn header<'a>(&'a self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.headers().get_all(name).into_iter().map(AsRef::as_ref)
    }

    fn version(&self) -> Version {
        self.version()
    }

    fn connection(&self) -> Option<Connection> {
        self.extensions().get().copied()
    }
}

impl RequestView for Parts {
    fn method(&self) -> &Method {
        &self.method
    }

    fn path(&self) -> &str {
        self.uri.path()
    }

    fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    fn header<'a>(&'a self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.headers.get_all(name).into_iter().map(AsRef::as_ref)
    }

    fn version(&self) -> Version {
        self.version
    }

    fn connection(&self) -> Option<Connection> {
        self.extensions.get().copied()
    }
}
