/// Parts encoded so that no two lists of parts give the same bytes.
///
/// `PAE(p0, …, pn-1) = LE64(n) || LE64(len p0) || p0 || …`, as in PASETO. Every length stands before its part, so
/// `("ab", "c")` and `("a", "bc")` differ.
pub(crate) struct Pae {
    stack: [u8; STACK],
    // Used in place of `stack` when the encoding is longer.
    heap: Vec<u8>,
    len: usize,
}

impl Pae {
    pub(crate) fn new<const N: usize>(parts: [&[u8]; N]) -> Self {
        let len = LENGTH + parts.iter().map(|part| LENGTH + part.len()).sum::<usize>();
        let heap = if len > STACK { vec![0; len] } else { Vec::new() };
        let mut pae = Self { stack: [0; STACK], heap, len };

        let mut rest = put(pae.as_mut_slice(), &length(N));
        for part in parts {
            rest = put(rest, &length(part.len()));
            rest = put(rest, part);
        }
        pae
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        if self.len > STACK { &self.heap } else { &self.stack[..self.len] }
    }

    fn as_mut_slice(&mut self) -> &mut [u8] {
        if self.len > STACK { &mut self.heap } else { &mut self.stack[..self.len] }
    }
}

fn length(bytes: usize) -> [u8; LENGTH] {
    (bytes as u64).to_le_bytes()
}

fn put<'a>(rest: &'a mut [u8], bytes: &[u8]) -> &'a mut [u8] {
    let (head, tail) = rest.split_at_mut(bytes.len());
    head.copy_from_slice(bytes);
    tail
}

const LENGTH: usize = 8;

// Holds a field's context with two UUIDs as text and 117 bytes of names without allocating.
const STACK: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use proptest::{collection::vec, prelude::*};

    #[test]
    fn the_encoding_is_the_documented_one() {
        assert_eq!(Pae::new([]).as_slice(), hex!("0000000000000000"));
        assert_eq!(Pae::new([b""]).as_slice(), hex!("0100000000000000 0000000000000000"));
        assert_eq!(
            Pae::new([b"ab", b"c"]).as_slice(),
            hex!("0200000000000000 0200000000000000 6162 0100000000000000 63")
        );
    }

    #[test]
    fn moving_a_byte_across_a_boundary_changes_the_encoding() {
        assert_ne!(Pae::new([b"ab", b"c"]).as_slice(), Pae::new([b"a", b"bc"]).as_slice());
    }

    proptest! {
        // What can be decoded has one pre-image: this is injectivity, on both sides of the stack's end.
        #[test]
        fn the_parts_can_be_read_back(parts in [part(), part(), part(), part()]) {
            let encoded = Pae::new(parts.each_ref().map(Vec::as_slice));
            prop_assert_eq!(decode(encoded.as_slice()), parts);
        }

        #[test]
        fn different_parts_have_different_encodings(
            one in [tiny_part(), tiny_part(), tiny_part()],
            other in [tiny_part(), tiny_part(), tiny_part()],
        ) {
            let [a, b] = [&one, &other].map(|parts| Pae::new(parts.each_ref().map(Vec::as_slice)));
            prop_assert_eq!(a.as_slice() == b.as_slice(), one == other);
        }
    }

    fn part() -> impl Strategy<Value = Vec<u8>> {
        vec(any::<u8>(), 0..100)
    }

    fn tiny_part() -> impl Strategy<Value = Vec<u8>> {
        vec(0..2_u8, 0..3)
    }

    fn decode(mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let count = decode_length(&mut bytes);
        let parts = (0..count)
            .map(|_| {
                let length = decode_length(&mut bytes);
                bytes.split_off(..length).unwrap().to_vec()
            })
            .collect();
        assert_eq!(bytes, b"", "bytes after the last part");
        parts
    }

    fn decode_length(bytes: &mut &[u8]) -> usize {
        let length = bytes.split_off(..LENGTH).unwrap();
        usize::try_from(u64::from_le_bytes(length.try_into().unwrap())).unwrap()
    }
}
