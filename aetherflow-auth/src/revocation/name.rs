use std::fmt::Write as _;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a revocation is about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Kind {
    /// Issuer, token id.
    Token,
    /// Issuer, tenant, subject.
    Subject,
    /// Issuer, client.
    Client,
    /// Issuer, client, tenant, subject.
    Grant,
    /// Issuer, key id.
    Key,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [Self::Token, Self::Subject, Self::Client, Self::Grant, Self::Key];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Subject => "subject",
            Self::Client => "client",
            Self::Grant => "grant",
            Self::Key => "key",
        }
    }

    const fn parts(self) -> usize {
        match self {
            Self::Token | Self::Client | Self::Key => 2,
            Self::Subject => 3,
            Self::Grant => 4,
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Texts one after the other, each after its length, so that two lists never look alike: netstrings without the comma.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(super) struct Packed(Box<str>);

impl Packed {
    pub(super) fn new<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut text = String::new();
        for part in parts {
            // Writing to a String never fails.
            let _ = write!(text, "{}:{part}", part.len());
        }
        Self(text.into())
    }

    /// Takes a text that came from outside; `None` if it is not what [`new`](Self::new) writes.
    #[cfg(feature = "redis")]
    pub(super) fn read(text: &str) -> Option<Self> {
        let packed = Self(text.into());
        let parts: Vec<&str> = packed.parts().collect();
        (Self::new(parts) == packed).then_some(packed)
    }

    #[cfg(feature = "redis")]
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The texts, as far as they can be read.
    pub(super) fn parts(&self) -> impl Iterator<Item = &str> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let (length, text) = rest.split_once(':')?;
            let (part, after) = text.split_at_checked(length.parse().ok()?)?;
            rest = after;
            Some(part)
        })
    }

    pub(super) fn is(&self, parts: &[&str]) -> bool {
        self.parts().eq(parts.iter().copied())
    }
}

/// The name of something revoked: its kind, and as many texts as the kind has.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Name {
    kind: Kind,
    parts: Packed,
}

impl Name {
    pub(super) fn new(kind: Kind, parts: Packed) -> Self {
        Self { kind, parts }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn parts(&self) -> Vec<&str> {
        self.parts.parts().collect()
    }

    /// Kind and texts as one text; equal names have equal ones.
    #[cfg(feature = "redis")]
    pub(super) fn packed(&self) -> Packed {
        Packed::new(self.texts())
    }

    /// The name in a text of [`packed`](Self::packed).
    #[cfg(feature = "redis")]
    pub(super) fn unpack(text: &str) -> Option<Self> {
        let packed = Packed::read(text)?;
        Self::from_texts(packed.parts())
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.kind.as_str()).chain(self.parts.parts())
    }

    fn from_texts<'a>(mut texts: impl Iterator<Item = &'a str>) -> Option<Self> {
        let kind = Kind::named(texts.next()?)?;
        let parts = Packed::new(texts);
        (parts.parts().count() == kind.parts()).then_some(Self { kind, parts })
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.texts())
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        Self::from_texts(texts.iter().map(String::as_str))
            .ok_or_else(|| D::Error::custom("no name of something revoked"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_that_join_to_the_same_text_stay_apart() {
        for (one, other) in [
            (vec!["ab", "c"], vec!["a", "bc"]),
            (vec!["a", ""], vec!["", "a"]),
            (vec!["1:a"], vec!["1", "a"]),
            (vec![""], vec![]),
        ] {
            assert_ne!(Packed::new(one.clone()), Packed::new(other.clone()), "{one:?} {other:?}");
        }
    }

    #[cfg(feature = "redis")]
    #[test]
    fn a_text_of_another_form_is_no_list() {
        assert_eq!(Packed::read("2:ab1:c"), Some(Packed::new(["ab", "c"])));
        for text in
            ["2:ab1:", "2:ab1:cd", "02:ab1:c", "+2:ab1:c", "2:ab1c", "1:é", "2ab", "18446744073709551616:a"]
        {
            assert_eq!(Packed::read(text), None, "{text}");
        }
    }

    #[cfg(feature = "redis")]
    #[test]
    fn a_name_has_a_known_kind_and_as_many_parts_as_it_says() {
        let name = Name::new(Kind::Token, Packed::new(["iss", "id"]));
        assert_eq!(name.packed().as_str(), "5:token3:iss2:id");
        assert_eq!(Name::unpack("5:token3:iss2:id"), Some(name));
        for text in ["", "5:token3:iss", "5:token3:iss2:id1:x", "5:tokem3:iss2:id", "7:subject3:iss2:id"] {
            assert_eq!(Name::unpack(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked(parts in prop::collection::vec(any::<String>(), 0..6)) {
            let packed = Packed::new(parts.iter().map(String::as_str));
            prop_assert_eq!(packed.parts().collect::<Vec<_>>(), parts);
            #[cfg(feature = "redis")]
            prop_assert_eq!(Packed::read(packed.as_str()), Some(packed));
        }
    }
}
