use super::forge::{Members, encoded, good, signed, signed_text};
use super::keys::Signer::{self, EdDsa, Es256, Hs256, Rs256};
use super::signature::P256_ORDER;
use super::{AUDIENCE, Legal};

pub(super) fn legal(now: i64) -> Vec<Legal> {
    let all = [signatures(now), headers(now), claims(now), texts(now), sizes(now)].concat();
    all.into_iter().map(|(spelling, rule, signer, token)| Legal { spelling, rule, signer, token }).collect()
}

type Row = (&'static str, &'static str, Signer, String);

fn signatures(now: i64) -> Vec<Row> {
    let named = |signer: Signer, name, value| {
        let header = Members::header(signer).with(name, value).text();
        signed(signer, header, Members::claims(now).text())
    };
    let complement = {
        let token = good(Es256, now);
        let text = token.rsplit_once('.').unwrap().0;
        let mut signature = Es256.sign(text.as_bytes());
        let s = difference(&P256_ORDER, &signature[32..]);
        signature[32..].copy_from_slice(&s);
        format!("{text}.{}", encoded(signature))
    };
    vec![
        ("signed with HS256", "RFC 7518 §3.2", Hs256, good(Hs256, now)),
        ("signed with ES256", "RFC 7518 §3.4", Es256, good(Es256, now)),
        ("signed with EdDSA", "RFC 8037 §3.1", EdDsa, good(EdDsa, now)),
        ("signed with RS256", "RFC 7518 §3.3", Rs256, good(Rs256, now)),
        ("`alg` is Ed25519", "RFC 9864 §2.2", EdDsa, named(EdDsa, "alg", "\"Ed25519\"")),
        ("an ECDSA signature's complement", "RFC 7518 §3.4", Es256, complement),
        ("no `kid`, one key fits", "RFC 7515 §4.1.4", Hs256, named(Hs256, "kid", "")),
        ("no `kid`, one key of three fits", "RFC 7515 §4.1.4", Rs256, named(Rs256, "kid", "")),
    ]
}

fn headers(now: i64) -> Vec<Row> {
    let row = |spelling, rule, header: String| {
        (spelling, rule, Hs256, signed(Hs256, header, Members::claims(now).text()))
    };
    let header = || Members::header(Hs256);
    vec![
        row("`typ` in capitals", "RFC 2045 §5.1", header().with("typ", "\"AT+JWT\"").text()),
        row("`typ` in full", "RFC 9068 §4", header().with("typ", "\"application/at+jwt\"").text()),
        row(
            "`typ` in full, in capitals",
            "RFC 2045 §5.1",
            header().with("typ", "\"Application/AT+JWT\"").text(),
        ),
        row("`cty` of something else", "RFC 7515 §4.1.10", header().with("cty", "\"json\"").text()),
        row("`x5t`", "RFC 7515 §4.1.7", header().with("x5t", "\"AAAA\"").text()),
        row("`b64` is true", "RFC 7797 §3", header().with("b64", "true").text()),
        row("unknown members", "RFC 7515 §4.2", header().with("nonce", r#"{"a":[1,null]}"#).text()),
        row("header members in reverse", "RFC 8259 §4", header().reversed().text()),
        row("a header with space", "RFC 8259 §2", format!(" \r\n{}\t", header().text().replace(':', " : "))),
        row(
            "escapes in the header",
            "RFC 8259 §7",
            header().text().replace("alg", r"\u0061lg").replace("h1", r"\u00681"),
        ),
    ]
}

fn claims(now: i64) -> Vec<Row> {
    let header = Members::header(Hs256).text();
    let row = |spelling, rule, name, value: &str| {
        (spelling, rule, Hs256, signed(Hs256, &header, Members::claims(now).with(name, value).text()))
    };
    let array = format!(r#"["{AUDIENCE}"]"#);
    let several = format!(r#"["https://billing.example","{AUDIENCE}","{AUDIENCE}",""]"#);
    vec![
        row("an array of one audience", "RFC 7519 §4.1.3", "aud", &array),
        row("an array of audiences", "RFC 7519 §4.1.3", "aud", &several),
        row("`exp` with a fraction", "RFC 7519 §2", "exp", &format!("{}.25", now + 60)),
        row("`exp` with an exponent", "RFC 7519 §2", "exp", &format!("{}E+1", (now + 600) / 10)),
        row(
            "`exp` with a fraction and an exponent",
            "RFC 7519 §2",
            "exp",
            &format!("{}.0e1", (now + 600) / 10),
        ),
        row("`exp` 90 days ahead", "maximum age", "exp", &(now + 7_776_000).to_string()),
        row("`nbf` is now", "RFC 7519 §4.1.5", "nbf", &now.to_string()),
        row("`nbf` before 1970", "RFC 7519 §2", "nbf", "-1"),
        row("`iat` with a fraction", "RFC 7519 §2", "iat", &format!("{}.999999999", now - 1)),
        row("`iat` four seconds ahead", "RFC 7519 §4.1.6", "iat", &(now + 4).to_string()),
        row("no scopes", "RFC 9068 §2.2.3", "scope", ""),
        row("an empty list of scopes", "RFC 9068 §2.2.3", "scope", "\"\""),
        row("scopes in the other spelling", "RFC 6749 §3.3", "scope", "\"workflows:read openid\""),
        row("no tenant", "access-token.md", "tenant", ""),
        row("no plan", "access-token.md", "plan", ""),
        row("no addresses", "access-token.md", "ip", ""),
        row("addresses of both kinds", "access-token.md", "ip", r#"["203.0.113.7","2001:db8::/32"]"#),
        row("a client", "RFC 9068 §2.2", "client_id", "\"afcl_0123456789ab\""),
        row("a subject of other letters", "RFC 7519 §4.1.2", "sub", "\"Алиса 🦀\""),
        row("a subject with a NUL", "RFC 8259 §7", "sub", r#""a\u0000b""#),
        row("a registered name in capitals is another", "RFC 7519 §10.1.1", "Sub", "7"),
        row("an unknown claim of any type", "RFC 7519 §4", "x", r#"[null,true,-0.5e-3,{},[],"",1e400]"#),
        row("one name in two objects", "RFC 8259 §4", "x", r#"[{"a":1},{"a":{"a":2}}]"#),
        row("31 arrays in one another", "depth cap", "x", &format!("{}{}", "[".repeat(31), "]".repeat(31))),
    ]
}

fn texts(now: i64) -> Vec<Row> {
    let plain = Members::claims(now).text();
    let row = |spelling, rule, claims: String| {
        (spelling, rule, Hs256, signed(Hs256, Members::header(Hs256).text(), claims))
    };
    let escape_all =
        |text: &str| text.chars().map(|letter| format!("\\u{:04X}", u32::from(letter))).collect::<String>();
    vec![
        row("claims in reverse", "RFC 8259 §4", Members::claims(now).reversed().text()),
        row(
            "space wherever it may be",
            "RFC 8259 §2",
            format!(" {} ", plain.replace(',', " ,\n\t").replace('{', "{\r ")),
        ),
        row("every letter of a name escaped", "RFC 8259 §7", plain.replace("sub", &escape_all("sub"))),
        row("every letter of a value escaped", "RFC 8259 §7", plain.replace("alice", &escape_all("alice"))),
        row("escapes in small letters", "RFC 8259 §7", plain.replace("alice", r"\u006alice")),
        row("slashes escaped", "RFC 8259 §7", plain.replace('/', r"\/")),
        row("a pair of surrogates", "RFC 8259 §7", plain.replace("alice", r"\ud83e\uDD80")),
        row("an empty name", "RFC 8259 §4", plain.replacen('{', r#"{"":1,"#, 1)),
        row("a delete character", "RFC 8259 §7", plain.replace("alice", "al\u{7f}ice")),
    ]
}

fn sizes(now: i64) -> Vec<Row> {
    let longest = |header: &str, most: usize| {
        let used = encoded(header).len() + 1;
        let mut claims = Members::claims(now).with("x", "\"\"").text();
        let room = (most - used - 44) / 4 * 3;
        claims.insert_str(claims.len() - 2, &"x".repeat(room - claims.len()));
        signed_text(Hs256, &format!("{}.{}", encoded(header), encoded(claims)))
    };
    let plain = Members::header(Hs256).text();
    let wide = Members::header(Hs256).with("x", "\"\"").text();
    let wide = wide.replace(r#""x":"""#, &format!(r#""x":"{}""#, "x".repeat(1536 - wide.len())));
    vec![
        ("8 KiB", "size cap", Hs256, longest(&plain, 8192)),
        ("a header of 2 KiB", "size cap", Hs256, signed(Hs256, wide, Members::claims(now).text())),
    ]
}

/// The difference of two big-endian numbers of one length.
fn difference(from: &[u8], take: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut low_first: Vec<u8> = from
        .iter()
        .zip(take)
        .rev()
        .map(|(from, take)| {
            let (first, under) = from.overflowing_sub(*take);
            let (byte, under_again) = first.overflowing_sub(borrow);
            borrow = u8::from(under || under_again);
            byte
        })
        .collect();
    low_first.reverse();
    low_first
}
