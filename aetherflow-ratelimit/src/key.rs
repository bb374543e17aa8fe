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
pub struct Key<'a> {
    kind: Kind,
    /// A kind with fewer leaves the last ones empty.
    parts: [&'a str; 3],
    /// 0 for what is none.
    address: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Tenant,
    Identity,
    Client,
    Credential,
    Ipv4,
    Ipv6,
}

impl<'a> Key<'a> {
    /// Counts all requests for a tenant together.
    #[must_use]
    pub fn tenant(issuer: &'a str, tenant: &'a str) -> Self {
        Self::named(Kind::Tenant, [issuer, tenant, ""])
    }

    /// Counts the requests of one subject of a tenant.
    ///
    /// A subject without a tenant is its own: give its name twice.
    #[must_use]
    pub fn identity(issuer: &'a str, tenant: &'a str, subject: &'a str) -> Self {
        Self::named(Kind::Identity, [issuer, tenant, subject])
    }

    /// Counts the requests of one OAuth client, for whomever it acts.
    #[must_use]
    pub fn client(issuer: &'a str, client: &'a str) -> Self {
        Self::named(Kind::Client, [issuer, client, ""])
    }

    /// Counts the requests of one credential, by its id (never by its secret).
    #[must_use]
    pub fn credential(issuer: &'a str, id: &'a str) -> Self {
        Self::named(Kind::Credential, [issuer, id, ""])
    }

    fn named(kind: Kind, parts: [&'a str; 3]) -> Self {
        Self { kind, parts, address: 0 }
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
        let (kind, address) = match address.to_canonical() {
            IpAddr::V4(address) => (Kind::Ipv4, u64::from(address.to_bits())),
            IpAddr::V6(address) => (Kind::Ipv6, prefix(address)),
        };
        Self { kind, parts: [""; 3], address }
    }
}

impl Hash for Key<'_> {
    /// In whole words, which a hasher takes at less cost than bytes.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts.iter().for_each(|part| hash_words(part.as_bytes(), state));
        if self.is_address() {
            state.write_u64(self.address);
        }
        // Where the parts were split, which also says how their last words overlap.
        let [a, b, c] = self.parts.map(str::len);
        if a | b | c <= 0xff {
            #[expect(clippy::cast_possible_truncation, reason = "each has eight bits")]
            state.write_u32((self.kind as usize | a << 8 | b << 16 | c << 24) as u32);
        } else {
            (self.kind as u8, self.parts.map(str::len)).hash(state);
        }
    }
}

/// Parts of one length are different words whenever they are different bytes.
fn hash_words<H: Hasher>(part: &[u8], state: &mut H) {
    let (words, rest) = part.as_chunks();
    words.iter().for_each(|word| state.write_u64(u64::from_le_bytes(*word)));
    match (part, rest) {
        (_, []) => {}
        ([.., a, b, c, d, e, f, g, h], _) => {
            state.write_u64(u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]));
        }
        _ => state.write_u64(short_word(part)),
    }
}

/// One to seven bytes.
fn short_word(part: &[u8]) -> u64 {
    part.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

impl Key<'_> {
    /// Whether anyone may have it who has an address.
    pub(crate) fn is_address(&self) -> bool {
        matches!(self.kind, Kind::Ipv4 | Kind::Ipv6)
    }

    /// The bytes by which a stored key is known.
    pub(crate) fn encoded(&self) -> Box<[u8]> {
        let mut bytes = vec![self.kind as u8];
        bytes.extend_from_slice(&self.address.to_le_bytes());
        for part in self.parts {
            bytes.extend_from_slice(&length(part));
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes.into_boxed_slice()
    }

    /// Whether `stored` is this key's encoding, without making one.
    pub(crate) fn is_encoded_as(&self, stored: &[u8]) -> bool {
        let rest = stored.strip_prefix(&[self.kind as u8]);
        let rest = rest.and_then(|rest| rest.strip_prefix(&self.address.to_le_bytes()));
        let rest = self
            .parts
            .iter()
            .fold(rest, |rest, part| rest?.strip_prefix(&length(part))?.strip_prefix(part.as_bytes()));
        rest == Some(&[])
    }

    /// The name of the kind, and the parts it has, as bytes; an address is its own only part.
    #[cfg(feature = "redis")]
    pub(crate) fn spelt(&self) -> (&'static str, Vec<Vec<u8>>) {
        let parts = |count: usize| self.parts[..count].iter().map(|part| part.as_bytes().to_vec()).collect();
        match self.kind {
            Kind::Tenant => ("tenant", parts(2)),
            Kind::Identity => ("identity", parts(3)),
            Kind::Client => ("client", parts(2)),
            Kind::Credential => ("credential", parts(2)),
            Kind::Ipv4 => ("address", vec![self.address.to_be_bytes()[4..].to_vec()]),
            Kind::Ipv6 => ("address", vec![self.address.to_be_bytes().to_vec()]),
        }
    }
}

/// The first 64 bits.
fn prefix(address: Ipv6Addr) -> u64 {
    let [a, b, c, d, ..] = address.segments().map(u64::from);
    a << 48 | b << 32 | c << 16 | d
}

fn length(part: &str) -> [u8; 8] {
    (part.len() as u64).to_le_bytes()
}

#[cfg(test)]
mod tests;
