use crate::{email_of_42, ring};
use aetherflow_crypto::{Context, text};
use proptest::{collection::vec, prelude::*};
use std::collections::HashSet;

proptest! {
    #[test]
    fn what_is_sealed_opens_in_its_context(
        plaintext in vec(any::<u8>(), 0..2_000),
        [tenant, table, column] in [".{1,40}", ".{1,40}", ".{1,40}"],
        row in vec(any::<u8>(), 0..200),
    ) {
        let column = Context::tenant(&tenant).table(&table).column(&column);
        let context = if row.is_empty() { column.without_row() } else { column.row(&row) }.unwrap();
        let sealed = ring().seal(&context, &plaintext).unwrap();
        prop_assert_eq!(sealed.len(), plaintext.len() + 45);
        prop_assert_eq!(&*ring().open(&context, &sealed).unwrap(), &plaintext[..]);
        prop_assert_eq!(text::decode(&text::encode(&sealed)), Ok(sealed));
    }
}

#[test]
fn nothing_and_a_mebibyte_seal_alike() {
    for plaintext in [vec![], vec![7; 1 << 20]] {
        let sealed = ring().seal(&email_of_42(), &plaintext).unwrap();
        assert_eq!(sealed.len(), plaintext.len() + 45);
        assert_eq!(*ring().open(&email_of_42(), &sealed).unwrap(), *plaintext);
    }
}

#[test]
fn every_seal_draws_a_nonce_of_its_own() {
    let ring = ring();
    let nonces: HashSet<Vec<u8>> =
        (0..1_000).map(|_| ring.seal(&email_of_42(), b"alice").unwrap()[5..29].to_vec()).collect();
    assert_eq!(nonces.len(), 1_000);
    let halves: HashSet<&[u8]> = nonces.iter().flat_map(|nonce| nonce.chunks(12)).collect();
    assert_eq!(halves.len(), 2_000);
}
