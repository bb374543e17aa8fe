/// Encodes parts so that no two lists of parts give the same bytes, and hands the encoding on.
///
/// `PAE(p0, …, pn-1) = LE64(n) || LE64(len p0) || p0 || …`, as in PASETO. Every length stands before its part, so
/// `("ab", "c")` and `("a", "bc")` differ. The encoding is lent, not returned, so that a short one never leaves the
/// stack.
pub(crate) fn with_pae<const N: usize, R>(parts: [&[u8]; N], then: impl FnOnce(&[u8]) -> R) -> R {
    let len = LENGTH + parts.iter().map(|part| LENGTH + part.len()).sum::<usize>();
    let (mut stack, mut heap);
    let encoding = if len <= STACK {
        stack = [0; STACK];
        &mut stack[..len]
    } else {
        heap = vec![0; len];
        &mut heap[..]
    };

    let mut rest = put(encoding, &length(N));
    for part in parts {
        rest = put(rest, &length(part.len()));
        rest = put(rest, part);
    }
    then(encoding)
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
        assert_eq!(pae([]), hex!("0000000000000000"));
        assert_eq!(pae([b""]), hex!("0100000000000000 0000000000000000"));
        assert_eq!(pae([b"ab", b"c"]), hex!("0200000000000000 0200000000000000 6162 0100000000000000 63"));
    }

    #[test]
    fn moving_a_byte_across_a_boundary_changes_the_encoding() {
        assert_ne!(pae([b"ab", b"c"]), pae([b"a", b"bc"]));
    }

    proptest! {
        // What can be decoded has one pre-image: this is injectivity, on both sides of the stack's end.
        #[test]
        fn the_parts_can_be_read_back(parts in [part(), part(), part(), part()]) {
            prop_assert_eq!(decode(&pae(parts.each_ref().map(Vec::as_slice))), parts);
        }

        #[test]
        fn different_parts_have_different_encodings(
            one in [tiny_part(), tiny_part(), tiny_part()],
            other in [tiny_part(), tiny_part(), tiny_part()],
        ) {
            let [a, b] = [&one, &other].map(|parts| pae(parts.each_ref().map(Vec::as_slice)));
            prop_assert_eq!(a == b, one == other);
        }
    }

    fn pae<const N: usize>(parts: [&[u8]; N]) -> Vec<u8> {
        with_pae(parts, <[u8]>::to_vec)
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
