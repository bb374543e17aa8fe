//! Whose requests are counted together.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr};

/// Names whose requests count together, by borrowed parts.
///
/// Keys of different kinds are never equal, and neither are keys whose parts are split differently: `("ab", "c")` and
/// `("a", "bc")` are two. Parts are compared byte for byte.
///
/// # Security
/// A key is believed. Build it from what was verified (a token's claims, the socket's address), never from a header
/// anyone may send: who chooses their key has no limit.
///
/// # Examples
/// ```
/// use aetherflow_ratelimit::Key;
///
/// assert_eq!(Key::address("2001:db8::1".parse()?), Key::address("2001:db8::ffff".parse()?));
/// assert_eq!(Key::address("::ffff:192.0.2.7".parse()?), Key::address("192.0.2.7".parse()?));
/// assert_ne!(Key::tenant("https://a.example", "acme"), Key::client("https://a.example", "acme"));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Key<'a>(Kind<'a>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind<'a> {
    Tenant { issuer: &'a str, tenant: &'a str },
    Identity { issuer: &'a str, tenant: &'a str, subject: &'a str },
    Client { issuer: &'a str, client: &'a str },
    Credential { issuer: &'a str, id: &'a str },
    Ipv4([u8; 4]),
    Ipv6([u8; 8]),
}

impl<'a> Key<'a> {
    /// Counts all requests for a tenant together.
    #[must_use]
    pub fn tenant(issuer: &'a str, tenant: &'a str) -> Self {
        Self(Kind::Tenant { issuer, tenant })
    }

    /// Counts the requests of one subject of a tenant.
    ///
    /// A subject without a tenant is its own: give its name twice.
    #[must_use]
    pub fn identity(issuer: &'a str, tenant: &'a str, subject: &'a str) -> Self {
        Self(Kind::Identity { issuer, tenant, subject })
    }

    /// Counts the requests of one OAuth client, for whomever it acts.
    #[must_use]
    pub fn client(issuer: &'a str, client: &'a str) -> Self {
        Self(Kind::Client { issuer, client })
    }

    /// Counts the requests of one credential, by its id (never by its secret).
    #[must_use]
    pub fn credential(issuer: &'a str, id: &'a str) -> Self {
        Self(Kind::Credential { issuer, id })
    }
}

impl Key<'static> {
    /// Counts the requests from an address: one IPv4 address, or one IPv6 /64 prefix.
    ///
    /// An IPv4-mapped address (`::ffff:a.b.c.d`) counts as the IPv4 address it is.
    ///
    /// # Security
    /// A single host commonly owns a whole /64; counting single IPv6 addresses would give it 2⁶⁴ quotas.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(Kind::Ipv4(address.octets())),
            IpAddr::V6(address) => Self(Kind::Ipv6(prefix(address))),
        }
    }
}

impl Hash for Key<'_> {
    /// In four words to the hasher, where a derived one says seven.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (kind, parts) = self.parts();
        let mut shape = u64::from(kind);
        for part in parts {
            state.write(part);
            shape = shape.rotate_left(20) ^ part.len() as u64;
        }
        // Where the parts were split.
        state.write_u64(shape);
    }
}

impl Key<'_> {
    /// Whether anyone may have it who has an address.
    pub(crate) fn is_address(&self) -> bool {
        matches!(self.0, Kind::Ipv4(_) | Kind::Ipv6(_))
    }

    /// The bytes by which a stored key is known.
    pub(crate) fn encoded(&self) -> Box<[u8]> {
        let (kind, parts) = self.parts();
        let mut bytes = Vec::with_capacity(1 + parts.iter().map(|part| 8 + part.len()).sum::<usize>());
        bytes.push(kind);
        for part in parts {
            bytes.extend_from_slice(&length(part));
            bytes.extend_from_slice(part);
        }
        bytes.into_boxed_slice()
    }

    /// Whether `stored` is this key's encoding, without making one.
    pub(crate) fn is_encoded_as(&self, stored: &[u8]) -> bool {
        let (kind, parts) = self.parts();
        let rest = stored.strip_prefix(&[kind]);
        let rest =
            parts.iter().fold(rest, |rest, part| rest?.strip_prefix(&length(part))?.strip_prefix(*part));
        rest == Some(&[])
    }

    /// The kind's own byte, and the parts; a kind with fewer leaves the last ones empty.
    fn parts(&self) -> (u8, [&[u8]; 3]) {
        match &self.0 {
            Kind::Tenant { issuer, tenant } => (1, [issuer.as_bytes(), tenant.as_bytes(), b""]),
            Kind::Identity { issuer, tenant, subject } => {
                (2, [issuer.as_bytes(), tenant.as_bytes(), subject.as_bytes()])
            }
            Kind::Client { issuer, client } => (3, [issuer.as_bytes(), client.as_bytes(), b""]),
            Kind::Credential { issuer, id } => (4, [issuer.as_bytes(), id.as_bytes(), b""]),
            Kind::Ipv4(address) => (5, [address, b"", b""]),
            Kind::Ipv6(prefix) => (6, [prefix, b"", b""]),
        }
    }
}

fn prefix(address: Ipv6Addr) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = address.octets();
    [a, b, c, d, e, f, g, h]
}

fn length(part: &[u8]) -> [u8; 8] {
    (part.len() as u64).to_le_bytes()
}

#[cfg(test)]
mod tests;
