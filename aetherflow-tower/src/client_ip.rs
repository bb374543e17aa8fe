//! Where a request comes from, and whether it came over TLS.
//!
//! 1. The client is the socket's peer, unless the peer is a declared trusted proxy. Nobody else is asked.
//! 2. A trusted proxy is asked through one family of headers, `X-Forwarded-For` with `X-Forwarded-Proto`, or
//!    `Forwarded` (RFC 7239). The other family is ignored.
//! 3. The hops are walked from the right, all header lines joined, to the first that is no trusted proxy. There is no
//!    way to believe the leftmost: anyone may write it.
//! 4. What is no address ends the walk at the hop before it.
//! 5. Where no hop is left that is no trusted proxy, the last one walked to serves limits and the audit log, and
//!    satisfies no allowlist.
//! 6. The client used TLS if the connection is TLS, or if the proxy says so in exactly one value.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use aetherflow_auth::Allowlist;
use http::HeaderName;
use http::header::FORWARDED;
use ipnet::IpNet;

use crate::client_ip::forwarded::Element;
use crate::error::Fault;
use crate::request::{Connection, RequestView};

pub(crate) mod forwarded;

/// The proxies whose word is taken for where a request comes from, and the headers they say it in.
///
/// # Security
///
/// Declare only addresses that nobody but the proxies can connect from, and only proxies that append to the named
/// header: one that passes a client's header on unchanged lets the client choose its address.
///
/// # Examples
///
/// ```
/// use aetherflow_tower::TrustedProxies;
///
/// let load_balancers = TrustedProxies::x_forwarded_for(["10.0.0.0/24", "2001:db8:1::/64"]);
/// ```
#[derive(Clone, Debug)]
pub struct TrustedProxies {
    family: Family,
    ranges: Vec<String>,
}

impl TrustedProxies {
    /// Believes `X-Forwarded-For` and `X-Forwarded-Proto` from these addresses and CIDRs.
    ///
    /// A range wider than /8 (IPv4) or /16 (IPv6), or one that cannot be read, is a fault that building the gate
    /// reports.
    #[must_use]
    pub fn x_forwarded_for<I: IntoIterator<Item: Into<String>>>(ranges: I) -> Self {
        Self { family: Family::XForwarded, ranges: ranges.into_iter().map(Into::into).collect() }
    }

    /// Believes `Forwarded` (RFC 7239) from these addresses and CIDRs, with the same bounds.
    #[must_use]
    pub fn forwarded<I: IntoIterator<Item: Into<String>>>(ranges: I) -> Self {
        Self { family: Family::Forwarded, ranges: ranges.into_iter().map(Into::into).collect() }
    }

    /// Reads all that were declared, which must be of one family.
    pub(crate) fn read_all(declared: Vec<Self>, faults: &mut Vec<Fault>) -> Option<Proxies> {
        let mut declared = declared.into_iter();
        let mut all = declared.next()?;
        for more in declared {
            if more.family != all.family {
                faults.push(Fault::ProxyFamilies);
            }
            all.ranges.extend(more.ranges);
        }
        all.read(faults)
    }

    fn read(self, faults: &mut Vec<Fault>) -> Option<Proxies> {
        for range in &self.ranges {
            match Allowlist::parse([range]) {
                Ok(parsed) if parsed.iter().any(is_too_wide) => {
                    faults.push(Fault::WideProxyRange { range: range.clone() });
                }
                Ok(_) => {}
                Err(cause) => faults.push(Fault::ProxyRange { range: range.clone(), cause }),
            }
        }
        // An unreadable range is among the faults already, and then no gate is built.
        Allowlist::parse(&self.ranges).ok().map(|ranges| Proxies { family: self.family, ranges })
    }
}

fn is_too_wide(range: IpNet) -> bool {
    match range {
        IpNet::V4(range) => range.prefix_len() < 8,
        IpNet::V6(range) => range.prefix_len() < 16,
    }
}

/// The client of one request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// Whether the address is one no trusted proxy has: only such a one satisfies an allowlist.
    pub(crate) is_proven: bool,
    pub(crate) is_tls: bool,
}

impl Client {
    /// Whether the client's address is proven and on the list.
    pub(crate) fn is_on(&self, list: &Allowlist) -> bool {
        self.is_proven && list.contains(self.address)
    }

    fn direct(connection: Connection) -> Self {
        let address = connection.peer().ip().to_canonical();
        Self { address, is_proven: true, is_tls: connection.is_tls() }
    }
}

/// The declared proxies, once their ranges are read.
#[derive(Clone, Debug)]
pub(crate) struct Proxies {
    family: Family,
    ranges: Allowlist,
}

impl Proxies {
    /// Whether this address is a trusted proxy's.
    fn trust(&self, address: IpAddr) -> bool {
        self.ranges.contains(address)
    }

    fn client<V: RequestView>(&self, view: &V, connection: Connection) -> Client {
        let peer = connection.peer().ip().to_canonical();
        let client = match self.family {
            Family::XForwarded => self.walk_x_forwarded(view, peer),
            Family::Forwarded => self.walk_forwarded(view, peer),
        };
        Client { is_tls: client.is_tls || connection.is_tls(), ..client }
    }

    fn walk_x_forwarded<V: RequestView>(&self, view: &V, peer: IpAddr) -> Client {
        let is_tls = says_https(view);
        let mut address = peer;
        let lines = view.header(&X_FORWARDED_FOR).rev();
        for hop in lines.flat_map(|line| line.rsplit(|byte| *byte == b',')) {
            let Some(hop) = hop_address(hop.trim_ascii()) else { break };
            address = hop;
            if !self.trust(hop) {
                return Client { address, is_proven: true, is_tls };
            }
        }
        Client { address, is_proven: false, is_tls }
    }

    fn walk_forwarded<V: RequestView>(&self, view: &V, peer: IpAddr) -> Client {
        let mut client = Client { address: peer, is_proven: false, is_tls: false };
        for element in view.header(&FORWARDED).rev().flat_map(forwarded::from_right) {
            let Some((element, address)) =
                Element::parse(element).and_then(|found| Some((found, found.address()?)))
            else {
                // Who stands behind the junk is unknown, and so is how they came.
                return Client { is_tls: false, ..client };
            };
            client = Client { address, is_proven: !self.trust(address), is_tls: element.is_https() };
            if client.is_proven {
                break;
            }
        }
        client
    }
}

/// Finds the client of a request that came over `connection`.
pub(crate) fn client<V: RequestView>(proxies: Option<&Proxies>, view: &V, connection: Connection) -> Client {
    let direct = Client::direct(connection);
    match proxies {
        Some(proxies) if proxies.trust(direct.address) => proxies.client(view, connection),
        Some(_) | None => direct,
    }
}

/// Whether forwarding headers came from a peer that is no trusted proxy.
pub(crate) fn is_undeclared_proxy<V: RequestView>(
    proxies: Option<&Proxies>,
    view: &V,
    peer: SocketAddr,
) -> bool {
    let is_declared = proxies.is_some_and(|proxies| proxies.trust(peer.ip()));
    let mut names = [&FORWARDED, &X_FORWARDED_FOR, &X_FORWARDED_PROTO].into_iter();
    !is_declared && names.any(|name| view.header(name).next().is_some())
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Family {
    XForwarded,
    Forwarded,
}

/// Two values, on two lines or on one, are one too many: nobody knows whose the right one is.
fn says_https<V: RequestView>(view: &V) -> bool {
    let mut values = view.header(&X_FORWARDED_PROTO);
    let only = values.next().filter(|_| values.next().is_none());
    only.is_some_and(|value| value.eq_ignore_ascii_case(b"https"))
}

/// The address in one entry of `X-Forwarded-For`: bare, in brackets, or with a port.
fn hop_address(entry: &[u8]) -> Option<IpAddr> {
    let entry = str::from_utf8(entry).ok()?;
    match entry.parse::<IpAddr>() {
        Ok(address) => Some(address.to_canonical()),
        Err(_) => node_address(entry),
    }
}

/// The address of a node of RFC 7239 §6: IPv6 stands in brackets, either may have a port.
fn node_address(node: &str) -> Option<IpAddr> {
    let (address, port) = match node.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (IpAddr::V6(address.parse::<Ipv6Addr>().ok()?), port)
        }
        None => {
            let end = node.find(':').unwrap_or(node.len());
            (IpAddr::V4(node[..end].parse().ok()?), &node[end..])
        }
    };
    (port.is_empty() || is_port(port.strip_prefix(':')?)).then(|| address.to_canonical())
}

/// `1*5DIGIT`, or an obfuscated port: `"_" 1*(ALPHA / DIGIT / "." / "_" / "-")`.
fn is_port(text: &str) -> bool {
    match text.strip_prefix('_') {
        Some(name) => {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        }
        None => (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

#[cfg(test)]
mod tests;
