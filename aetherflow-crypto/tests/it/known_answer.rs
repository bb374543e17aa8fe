use crate::{email_of_42, ring};
use aetherflow_crypto::{Context, text};
use hex_literal::hex;

#[test]
fn the_cell_of_the_format_page_opens() {
    assert_eq!(*ring().open(&email_of_42(), &CELL).unwrap(), *b"alice@example.com");
}

#[test]
fn the_column_value_of_the_format_page_opens() {
    let column = Context::tenant("tenant-7").table("users").column("email").without_row().unwrap();
    assert_eq!(*ring().open(&column, &COLUMN).unwrap(), *b"alice@example.com");
}

#[test]
fn the_text_form_of_the_format_page_is_that_of_the_cell() {
    assert_eq!(text::encode(&CELL), TEXT);
    assert_eq!(text::decode(TEXT), Ok(CELL.to_vec()));
}

const CELL: [u8; 62] = hex!(
    "01deadbeef4142434445464748494a4b4c4d4e4f505152535455565758f77942c674ee964929b80528b9fdca95b5105038d02e04"
    "0cdc7fb71a48b11f891f"
);
const COLUMN: [u8; 62] = hex!(
    "01deadbeef4142434445464748494a4b4c4d4e4f505152535455565758f77942c674ee964929b80528b9fdca95b5f623e8393a8d"
    "7e4371e4fd7d574ef302"
);
const TEXT: &str = "af1.Ad6tvu9BQkNERUZHSElKS0xNTk9QUVJTVFVWV1j3eULGdO6WSSm4BSi5_cqVtRBQONAuBAzcf7caSLEfiR8";
