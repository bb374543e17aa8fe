use crate::{email_of_42, refused, ring};
use proptest::prelude::*;

#[test]
fn every_single_flipped_bit_is_refused() {
    let ring = ring();
    let sealed = ring.seal(&email_of_42(), b"alice").unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut damaged = sealed.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(ring.open(&email_of_42(), &damaged), Err(refused()), "bit {bit}");
    }
}

#[test]
fn every_truncation_from_either_end_is_refused() {
    let ring = ring();
    let sealed = ring.seal(&email_of_42(), b"alice").unwrap();
    for cut in 1..=sealed.len() {
        let (head, tail) = (&sealed[..sealed.len() - cut], &sealed[cut..]);
        assert_eq!(ring.open(&email_of_42(), head), Err(refused()), "{cut} bytes off the end");
        assert_eq!(ring.open(&email_of_42(), tail), Err(refused()), "{cut} bytes off the start");
    }
}

#[test]
fn an_appended_byte_is_refused() {
    let ring = ring();
    let mut sealed = ring.seal(&email_of_42(), b"alice").unwrap();
    sealed.push(0);
    assert_eq!(ring.open(&email_of_42(), &sealed), Err(refused()));
}

proptest! {
    #[test]
    fn no_other_bytes_open(
        noise in prop::collection::vec(any::<u8>(), 0..100),
        with_a_good_header in any::<bool>(),
    ) {
        let header = if with_a_good_header { &b"\x01\xde\xad\xbe\xef"[..] } else { b"" };
        let bytes = [header, &noise].concat();
        prop_assert_eq!(ring().open(&email_of_42(), &bytes), Err(refused()));
    }
}
