use crate::refused;
use aetherflow_crypto::text;

#[test]
fn a_value_has_one_text_form() {
    // One byte over three: `Ad6t` and two more characters, of which the last carries two spare bits.
    assert_eq!(text::decode("af1.Ad6tvg"), Ok(vec![0x01, 0xde, 0xad, 0xbe]));
    for (change, bad) in [
        ("padded", "af1.Ad6tvg=="),
        ("half padded", "af1.Ad6tvg="),
        ("spare bit set", "af1.Ad6tvh"),
        ("another spare bit set", "af1.Ad6tvo"),
        ("a character short", "af1.Ad6tv"),
        ("another version", "af2.Ad6tvg"),
        ("prefix in upper case", "AF1.Ad6tvg"),
        ("no full stop", "af1Ad6tvg"),
        ("no prefix", "Ad6tvg"),
        ("prefix twice", "af1.af1.Ad6tvg"),
        ("nothing", ""),
        ("leading space", " af1.Ad6tvg"),
        ("trailing newline", "af1.Ad6tvg\n"),
        ("inner space", "af1.Ad6t vg"),
        ("standard alphabet", "af1.+d6tvg"),
        ("standard alphabet's slash", "af1./d6tvg"),
        ("no ASCII", "af1.Ad6tvğ"),
    ] {
        assert_eq!(text::decode(bad), Err(refused()), "{change}");
    }
}

#[test]
fn the_alphabet_is_that_of_urls() {
    assert_eq!(text::encode(&[0xfb, 0xef, 0xff]), "af1.--__");
    assert_eq!(text::decode("af1.--__"), Ok(vec![0xfb, 0xef, 0xff]));
}

#[test]
fn the_empty_value_is_the_prefix_alone() {
    assert_eq!(text::encode(&[]), "af1.");
    assert_eq!(text::decode("af1."), Ok(vec![]));
}
