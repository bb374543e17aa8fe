use super::super::name::{Name, Packed};
use super::super::snapshot::{Entry, FOREVER};

/// What goes over the channel: a list of texts, each after its length (docs/formats/redis.md).
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Message {
    Beat { session: String, number: u64 },
    Revoked(Vec<Entry>),
}

impl Message {
    pub(super) fn write(&self) -> String {
        let texts = match self {
            Self::Beat { session, number } => vec!["beat".to_owned(), session.clone(), number.to_string()],
            Self::Revoked(entries) => std::iter::once("revoked".to_owned())
                .chain(entries.iter().flat_map(|entry| [end_to_text(entry.end), member_of(&entry.name)]))
                .collect(),
        };
        Packed::new(texts.iter().map(String::as_str)).as_str().to_owned()
    }

    /// Reads one message; `None` if it is of no known form.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let packed = Packed::read(std::str::from_utf8(text).ok()?)?;
        let texts: Vec<&str> = packed.parts().collect();
        match *texts.as_slice() {
            ["beat", session, number] => {
                Some(Self::Beat { session: session.to_owned(), number: number.parse().ok()? })
            }
            ["revoked", ref pairs @ ..] => {
                let (pairs, rest) = pairs.as_chunks();
                let entries = pairs.iter().map(|[end, member]| entry_of(member, end));
                if rest.is_empty() { entries.collect::<Option<_>>().map(Self::Revoked) } else { None }
            }
            _ => None,
        }
    }
}

/// A member of the sorted set and its score, as an entry.
pub(super) fn entry_of(member: &str, score: &str) -> Option<Entry> {
    Some(Entry { name: Name::unpack(member)?, end: end_of_text(score)? })
}

pub(super) fn member_of(name: &Name) -> String {
    name.packed().as_str().to_owned()
}

pub(super) fn end_to_text(end: i64) -> String {
    if end == FOREVER { "inf".to_owned() } else { end.to_string() }
}

fn end_of_text(text: &str) -> Option<i64> {
    if text == "inf" { Some(FOREVER) } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_spelt_as_documented() {
        let name = Name::unpack("5:token3:iss2:id").unwrap();
        let key = Name::unpack("3:key3:iss2:k1").unwrap();
        let revoked = vec![Entry { name, end: 1_775_001_661 }, Entry { name: key, end: FOREVER }];
        for (message, text) in [
            (Message::Beat { session: "s1".to_owned(), number: 7 }, "4:beat2:s11:7"),
            (Message::Revoked(revoked), "7:revoked10:177500166116:5:token3:iss2:id3:inf14:3:key3:iss2:k1"),
        ] {
            assert_eq!(message.write(), text);
            assert_eq!(Message::read(text.as_bytes()), Some(message));
        }
    }

    #[test]
    fn what_is_not_understood_is_never_half_read() {
        for text in [
            &b""[..],
            b"4:beat2:s1",
            b"4:beat2:s11:x",
            b"7:revoked1:5",
            b"7:revoked1:516:5:token3:iss2:id1:6",
            b"7:revoked3:5.516:5:token3:iss2:id",
            b"7:revoked1:511:5:other1:x1:y",
            b"7:unheard",
            b"4:beat2:\xff\xff1:7",
        ] {
            assert_eq!(Message::read(text), None, "{}", text.escape_ascii());
        }
    }
}
