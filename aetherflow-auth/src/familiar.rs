use std::sync::OnceLock;

/// The first few texts of one kind that came under a signature that held, each with what it means.
///
/// An issuer writes the same header and the same scopes again and again. A text that is known letter by letter means what
/// it meant, so it is not read again. Only a holder of a key gets one in, and nothing is replaced.
#[derive(Debug)]
pub(crate) struct Familiar<V, const MOST: usize>([OnceLock<(Box<[u8]>, V)>; MOST]);

impl<V, const MOST: usize> Familiar<V, MOST> {
    pub(crate) fn new() -> Self {
        Self([const { OnceLock::new() }; MOST])
    }

    pub(crate) fn find(&self, text: &[u8]) -> Option<&V> {
        let known = self.0.iter().map_while(OnceLock::get).find(|known| *known.0 == *text)?;
        Some(&known.1)
    }

    /// Whether another text finds room.
    pub(crate) fn has_room(&self) -> bool {
        self.0.iter().any(|place| place.get().is_none())
    }

    pub(crate) fn insert(&self, text: &[u8], meaning: V) {
        let mut new = (Box::from(text), meaning);
        for place in &self.0 {
            match place.set(new) {
                Ok(()) => return,
                // Another thread met the same text at the same time.
                Err(back) if place.get().is_some_and(|known| known.0 == back.0) => return,
                Err(back) => new = back,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_texts_are_known_by_every_letter() {
        let familiar = Familiar::<u8, 4>::new();
        assert_eq!(familiar.find(b"a"), None);
        for (text, meaning) in [("a", 0), ("b", 1), ("c", 0), ("d", 2), ("e", 3)] {
            assert_eq!(familiar.has_room(), text != "e", "{text}");
            familiar.insert(text.as_bytes(), meaning);
            familiar.insert(text.as_bytes(), 9);
        }
        let found = ["a", "b", "c", "d", "e", "", "ab"].map(|text| familiar.find(text.as_bytes()).copied());
        assert_eq!(found, [Some(0), Some(1), Some(0), Some(2), None, None, None]);
    }
}
