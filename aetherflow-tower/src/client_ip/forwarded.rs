//! The elements of `Forwarded`, RFC 7239 §4.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::client_ip::node_address;

/// The elements of one header line, from the right.
///
/// # Security
///
/// The right end is a proxy's own text, the left may be a client's. Reading from the left, a client's unclosed quote
/// would swallow what the proxy appended.
pub(crate) fn from_right(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let comma = last_comma(line);
        rest = comma.map(|at| &line[..at]);
        Some(comma.map_or(line, |at| &line[at + 1..]).trim_ascii())
    })
}

/// The last comma outside a quoted-string.
fn last_comma(line: &[u8]) -> Option<usize> {
    let mut in_quotes = false;
    for (at, byte) in line.iter().enumerate().rev() {
        match byte {
            b'"' if !is_escaped(&line[..at]) => in_quotes = !in_quotes,
            b',' if !in_quotes => return Some(at),
            _ => {}
        }
    }
    None
}

/// Whether the byte after `before` follows an odd number of backslashes.
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// One hop: who asked (`for`), and by which protocol (`proto`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Element<'a> {
    node: Option<&'a [u8]>,
    proto: Option<&'a [u8]>,
}

impl<'a> Element<'a> {
    /// Reads `[ pair ] *( ";" [ pair ] )`; `None` if it is no such text, or names `for` or `proto` twice.
    pub(crate) fn parse(mut rest: &'a [u8]) -> Option<Self> {
        let mut element = Self::default();
        loop {
            let end = rest.iter().position(|byte| !is_token(*byte)).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            rest = after;
            if !name.is_empty() {
                let (value, after) = value(after.strip_prefix(b"=")?)?;
                rest = after;
                element.set(name, value)?;
            }
            match rest.split_first() {
                None => return Some(element),
                Some((b';', after)) => rest = after,
                Some(_) => return None,
            }
        }
    }

    fn set(&mut self, name: &[u8], value: &'a [u8]) -> Option<()> {
        let member = match () {
            () if name.eq_ignore_ascii_case(b"for") => &mut self.node,
            () if name.eq_ignore_ascii_case(b"proto") => &mut self.proto,
            () => return Some(()),
        };
        member.replace(value).is_none().then_some(())
    }

    /// The address of the hop; `unknown` and obfuscated names have none.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        node_address(str::from_utf8(&unquoted(self.node?)).ok()?)
    }

    /// Whether the hop used TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.proto.is_some_and(|proto| unquoted(proto).eq_ignore_ascii_case(b"https"))
    }
}

/// Splits a token or a quoted-string, its quotes included, off the front.
fn value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = match text.first()? {
        b'"' => {
            let inner = &text[1..];
            let close = (0..inner.len()).find(|at| inner[*at] == b'"' && !is_escaped(&inner[..*at]))?;
            close + 2
        }
        _ => text.iter().position(|byte| !is_token(*byte)).unwrap_or(text.len()),
    };
    (end > 0).then(|| text.split_at(end))
}

fn unquoted(value: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = value.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\"")) else {
        return Cow::Borrowed(value);
    };
    if !inner.contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut escaped = false;
    let keep = |byte: &u8| {
        escaped = *byte == b'\\' && !escaped;
        !escaped
    };
    Cow::Owned(inner.iter().copied().filter(keep).collect())
}

/// `tchar`, RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
