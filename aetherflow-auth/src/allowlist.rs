//! From which addresses a credential may be used.
//!
//! 1. A range is a CIDR (`203.0.113.0/24`) or a bare address, with no bits set below its prefix.
//! 2. An IPv4-mapped IPv6 address is its IPv4 address, in ranges and in callers.
//! 3. An IPv6 range never holds an IPv4 caller, `::/0` included.
//! 4. An empty list refuses every address; so does any list an address that cannot be read.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// Address ranges from which a credential may be used.
///
/// # Examples
///
/// ```
/// use aetherflow_auth::Allowlist;
///
/// let office = Allowlist::parse(["203.0.113.0/24", "2001:db8::/32"])?;
/// assert!(office.contains_text("::ffff:203.0.113.9"));
/// assert!(!office.contains_text("198.51.100.1"));
/// # Ok::<(), aetherflow_auth::AllowlistError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
// Invariant: no host bits, and no range inside ::ffff:0:0/96. As written otherwise, so that a listing shows it so.
pub struct Allowlist(Box<[IpNet]>);

impl Allowlist {
    /// Reads CIDRs and bare addresses; none at all make a list that refuses every address.
    ///
    /// # Errors
    ///
    /// [`AllowlistError::Address`] for what is no address, [`AllowlistError::Prefix`] for a prefix length that is no
    /// plain number or too long, [`AllowlistError::HostBits`] for bits set below the prefix.
    pub fn parse<I>(ranges: I) -> Result<Self, AllowlistError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        ranges.into_iter().map(|range| parse_range(range.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a caller from `address` is admitted.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|range| range.contains(&address))
    }

    /// Whether a caller from the address `text` is admitted; a text that is no address never is.
    #[must_use]
    pub fn contains_text(&self, text: &str) -> bool {
        text.parse().is_ok_and(|address| self.contains(address))
    }

    /// Whether every address this list admits is admitted by `other` as well.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        // Joined first, since a range may lie across two neighbours of the other list.
        let joined = IpNet::aggregate(&other.0.to_vec());
        self.0.iter().all(|range| joined.iter().any(|outer| outer.contains(range)))
    }

    /// The ranges, as written.
    pub fn iter(&self) -> impl Iterator<Item = IpNet> {
        self.0.iter().copied()
    }

    /// Whether the list has no range, so that it refuses every address.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Allowlist {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(IpNet::to_string))
    }
}

impl<'de> Deserialize<'de> for Allowlist {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(Vec::<Cow<'_, str>>::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Why a text is no address range.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum AllowlistError {
    /// What stands before the slash is no IPv4 or IPv6 address.
    #[error("the range does not begin with an address")]
    Address,
    /// The prefix length is no plain decimal number, or longer than the address.
    #[error("the prefix length is no number of bits the address has")]
    Prefix,
    /// Bits are set below the prefix, so that the range is not the one meant or was mistyped.
    #[error("the range has bits set below its prefix")]
    HostBits,
}

fn parse_range(text: &str) -> Result<IpNet, AllowlistError> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| AllowlistError::Address)?;
    let range = match prefix {
        Some(prefix) => IpNet::new(address, parse_prefix(prefix)?).map_err(|_| AllowlistError::Prefix)?,
        None => IpNet::from(address),
    };
    if range.network() != address {
        return Err(AllowlistError::HostBits);
    }
    Ok(unmapped(range))
}

fn parse_prefix(text: &str) -> Result<u8, AllowlistError> {
    // `parse` alone would take "+8" and "08", which other readers of the same list may refuse or read otherwise.
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if !is_plain {
        return Err(AllowlistError::Prefix);
    }
    text.parse().map_err(|_| AllowlistError::Prefix)
}

fn unmapped(range: IpNet) -> IpNet {
    mapped(range).map_or(range, IpNet::V4)
}

fn mapped(range: IpNet) -> Option<Ipv4Net> {
    let IpNet::V6(range) = range else { return None };
    let address: Ipv4Addr = range.network().to_ipv4_mapped()?;
    Ipv4Net::new(address, range.prefix_len().checked_sub(MAPPED_PREFIX)?).ok()
}

const MAPPED_PREFIX: u8 = 96;
