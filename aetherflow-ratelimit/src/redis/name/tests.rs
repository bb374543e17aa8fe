use hex_literal::hex;

use super::*;

const SECRET: &[u8] = b"the secret that all nodes share.";

#[test]
fn a_spelling_is_the_documented_one() {
    let address = |text: &str| Key::address(text.parse().unwrap());
    assert_eq!(
        spelling(&Key::tenant("iss", "ab")),
        hex!(
            "0400000000000000 1300000000000000 6165746865 72666c6f77 2f6c696d69 742f7631"
            "0600000000000000 74656e616e74 0300000000000000 697373 0200000000000000 6162"
        )
    );
    assert_eq!(
        spelling(&address("2001:db8::1")),
        hex!(
            "0300000000000000 1300000000000000 6165746865 72666c6f77 2f6c696d69 742f7631"
            "0700000000000000 61646472657373 0800000000000000 20010db800000000"
        )
    );
    assert_eq!(spelling(&address("192.0.2.7"))[50..], hex!("0400000000000000 c0000207"));
}

#[test]
fn names_are_the_documented_ones() {
    let names = Names::new("production", SECRET).unwrap();
    for (key, want) in [
        (Key::tenant("https://auth.example", "acme"), "eC0QocpSnzvAUM96mhIPsQ"),
        (Key::identity("https://auth.example", "acme", "alice"), "OjFc9lIv15kmvWx6sRJWeg"),
        (Key::client("https://auth.example", "acme"), "Gr3nyzqInS-mTO42h5SXAg"),
        (Key::credential("https://auth.example", "acme"), "Jq1wVfh09vkFQ38G7ppazg"),
        (Key::address("192.0.2.7".parse().unwrap()), "8wLnAR22EbkLo8X2qtsh_g"),
        (Key::address("2001:db8::1".parse().unwrap()), "QSvsTtlddRnusJaHiAFcAg"),
    ] {
        assert_eq!(names.of(&key), format!("af:production:rl:{{{want}}}"), "{key:?}");
    }
}

#[test]
fn keys_that_differ_in_kind_or_split_have_different_names() {
    let names = Names::new("production", SECRET).unwrap();
    let mut all: Vec<String> = [
        Key::tenant("ab", "c"),
        Key::tenant("a", "bc"),
        Key::client("ab", "c"),
        Key::identity("ab", "c", ""),
        Key::identity("ab", "", "c"),
        Key::credential("ab", "c"),
    ]
    .iter()
    .map(|key| names.of(key))
    .collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6);
}
