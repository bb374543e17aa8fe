use std::sync::OnceLock;

/// The first few headers whose signature held, each with the key it means among the keys between two swaps.
///
/// An issuer writes the same header again and again. One that is known letter by letter means what it meant, so it is
/// not decoded again. Only a holder of a key gets one in, and nothing is replaced.
#[derive(Debug, Default)]
pub(super) struct Familiar([OnceLock<Header>; MOST]);

#[derive(Debug)]
struct Header {
    /// As it stands in a token: encoded.
    text: Box<[u8]>,
    key: usize,
    typ: Option<Box<str>>,
}

impl Familiar {
    /// Where the key stands that the header means, and the header's `typ`.
    pub(super) fn find(&self, header: &[u8]) -> Option<(usize, Option<&str>)> {
        let mut known = self.0.iter().map_while(OnceLock::get);
        let known = known.find(|known| *known.text == *header)?;
        Some((known.key, known.typ.as_deref()))
    }

    /// Whether another header finds room.
    pub(super) fn has_room(&self) -> bool {
        self.0.iter().any(|place| place.get().is_none())
    }

    pub(super) fn insert(&self, header: &[u8], key: usize, typ: Option<&str>) {
        let mut new = Header { text: header.into(), key, typ: typ.map(Box::from) };
        for place in &self.0 {
            match place.set(new) {
                Ok(()) => return,
                // Another thread met the same header at the same time.
                Err(back) if place.get().is_some_and(|known| known.text == back.text) => return,
                Err(back) => new = back,
            }
        }
    }
}

const MOST: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_four_headers_are_known_by_every_letter() {
        let familiar = Familiar::default();
        assert_eq!(familiar.find(b"a"), None);
        for (header, key, typ) in
            [("a", 0, None), ("b", 1, Some("at+jwt")), ("c", 0, Some("JWT")), ("d", 2, None), ("e", 3, None)]
        {
            assert_eq!(familiar.has_room(), header != "e", "{header}");
            familiar.insert(header.as_bytes(), key, typ);
            familiar.insert(header.as_bytes(), key, typ);
        }
        let found = ["a", "b", "c", "d", "e", "", "ab"].map(|header: &str| familiar.find(header.as_bytes()));
        let known = [Some((0, None)), Some((1, Some("at+jwt"))), Some((0, Some("JWT"))), Some((2, None))];
        assert_eq!(found[..4], known);
        assert_eq!(found[4..], [None, None, None]);
    }
}
