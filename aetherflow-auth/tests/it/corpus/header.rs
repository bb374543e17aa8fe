use aetherflow_auth::TokenError::{self, Algorithm, Header, Malformed, Type, UnknownKey};

use super::Hostile;
use super::forge::{Members, signed};
use super::keys::Signer::Hs256;

pub(super) fn hostile(now: i64) -> Vec<Hostile> {
    let claims = Members::claims(now).text();
    let case = |change: String, rule, header: &[u8], want| Hostile {
        change,
        rule,
        signer: Hs256,
        token: signed(Hs256, header, &claims),
        want,
    };
    let member = |&(rule, name, value, want): &Member| {
        let change = if value.is_empty() { format!("no `{name}`") } else { format!("`\"{name}\":{value}`") };
        case(change, rule, Members::header(Hs256).with(name, value).text().as_bytes(), want)
    };
    let text = |&(change, rule, from, to, want): &Text| {
        let good = Members::header(Hs256).text();
        let bad = if from.is_empty() { to.to_owned() } else { good.replacen(from, to, 1) };
        assert_ne!(good, bad, "{change}");
        case(change.to_owned(), rule, bad.as_bytes(), want)
    };
    let bytes = |(change, rule, bytes): (&str, _, Vec<u8>)| case(change.to_owned(), rule, &bytes, Malformed);
    MEMBERS
        .iter()
        .map(member)
        .chain(TEXTS.iter().map(text))
        .chain(byte_strings().into_iter().map(bytes))
        .collect()
}

/// A rule, the member's name, its value as written (none takes it away), and the answer.
type Member = (&'static str, &'static str, &'static str, TokenError);
/// The change, the rule, what is replaced (nothing is all) by what, and the answer.
type Text = (&'static str, &'static str, &'static str, &'static str, TokenError);

const ALG: &str = "RFC 7515 §4.1.1, RFC 8725 §3.1";
const NONE: &str = "RFC 8725 §2.1, §3.2";
const TYP: &str = "RFC 9068 §4, RFC 8725 §3.11";
const KID: &str = "RFC 7515 §4.1.4, RFC 8725 §3.10";
const CRIT: &str = "RFC 7515 §4.1.11";
const B64: &str = "RFC 7797 §3, §6";
const EMBEDDED: &str = "RFC 7515 §4.1.2 to §4.1.6, RFC 8725 §3.10";
const JWE: &str = "RFC 7516 §4.1";
const JWE_ALGORITHM: &str = "RFC 7518 §4.6 to §4.8";
const NESTED: &str = "RFC 7519 §5.2";
const JSON: &str = "RFC 7515 §5.2, RFC 8259";
const TWICE: &str = "RFC 7515 §4";
const UNICODE: &str = "RFC 8725 §3.7, RFC 8259 §8";

const MEMBERS: [Member; 80] = [
    (ALG, "alg", "", Malformed),
    (ALG, "alg", "null", Malformed),
    (ALG, "alg", "256", Malformed),
    (ALG, "alg", r#"["HS256"]"#, Malformed),
    (ALG, "alg", r#""""#, Algorithm),
    (NONE, "alg", r#""none""#, Algorithm),
    (NONE, "alg", r#""None""#, Algorithm),
    (NONE, "alg", r#""NONE""#, Algorithm),
    (NONE, "alg", r#""nOnE""#, Algorithm),
    (ALG, "alg", r#""hs256""#, Algorithm),
    (ALG, "alg", r#""HS256 ""#, Algorithm),
    (ALG, "alg", r#""HS256\u0000""#, Algorithm),
    (ALG, "alg", r#""HS384""#, Algorithm),
    (ALG, "alg", r#""HS512""#, Algorithm),
    (ALG, "alg", r#""RS256""#, Algorithm),
    (ALG, "alg", r#""ES256""#, Algorithm),
    (ALG, "alg", r#""EdDSA""#, Algorithm),
    (ALG, "alg", r#""dir""#, Algorithm),
    (ALG, "alg", r#""PBES2-HS256+A128KW""#, Algorithm),
    (TYP, "typ", "", Type),
    (TYP, "typ", r#""""#, Type),
    (TYP, "typ", r#""JWT""#, Type),
    (TYP, "typ", r#""application/jwt""#, Type),
    (TYP, "typ", r#""id+jwt""#, Type),
    (TYP, "typ", r#""logout+jwt""#, Type),
    (TYP, "typ", r#""dpop+jwt""#, Type),
    (TYP, "typ", r#""at+jwt;charset=utf-8""#, Type),
    (TYP, "typ", r#""text/at+jwt""#, Type),
    (TYP, "typ", r#""application/x/at+jwt""#, Type),
    (TYP, "typ", r#"" at+jwt""#, Type),
    (TYP, "typ", r#""at+jwt\u0000""#, Type),
    ("RFC 7519 §5.1", "typ", "null", Malformed),
    ("RFC 7519 §5.1", "typ", "1", Malformed),
    ("RFC 7519 §5.1", "typ", r#"["at+jwt"]"#, Malformed),
    (KID, "kid", r#""h2""#, UnknownKey),
    (KID, "kid", r#""H1""#, UnknownKey),
    (KID, "kid", r#""h""#, UnknownKey),
    (KID, "kid", r#""h1\u0000""#, UnknownKey),
    (KID, "kid", r#""../h1""#, UnknownKey),
    (KID, "kid", r#""h1' OR '1'='1""#, UnknownKey),
    (KID, "kid", r#""https://evil.example/h1""#, UnknownKey),
    (KID, "kid", r#""""#, UnknownKey),
    (KID, "kid", "null", Malformed),
    (KID, "kid", "1", Malformed),
    (KID, "kid", r#"["h1"]"#, Malformed),
    (KID, "kid", r#"{"h1":1}"#, Malformed),
    (CRIT, "crit", r#"["exp"]"#, Header),
    (CRIT, "crit", "[]", Header),
    (CRIT, "crit", "null", Header),
    (CRIT, "crit", r#""exp""#, Header),
    (CRIT, "crit", "{}", Header),
    (CRIT, "crit", r#"["alg"]"#, Header),
    (CRIT, "crit", r#"["typ","typ"]"#, Header),
    (CRIT, "crit", r#"["http://example.com/UNDEFINED"]"#, Header),
    (CRIT, "crit", r#"["b64"],"b64":true"#, Header),
    (CRIT, r"\u0063rit", r#"["exp"]"#, Header),
    (B64, "b64", "false", Header),
    (B64, "b64", "null", Malformed),
    (B64, "b64", r#""false""#, Malformed),
    (EMBEDDED, "jwk", r#"{"kty":"oct","k":"AAAA"}"#, Header),
    (EMBEDDED, "jwk", "null", Header),
    (EMBEDDED, r"j\u0077k", "{}", Header),
    (EMBEDDED, "jku", r#""https://auth.example/jwks""#, Header),
    (EMBEDDED, "x5u", r#""https://auth.example/x5u""#, Header),
    (EMBEDDED, "x5c", r#"["MIIB"]"#, Header),
    (EMBEDDED, "x5c", "[]", Header),
    (JWE, "enc", r#""A256GCM""#, Header),
    (JWE, "zip", r#""DEF""#, Header),
    (JWE, "zip", "null", Header),
    (JWE_ALGORITHM, "epk", r#"{"kty":"EC"}"#, Header),
    (JWE_ALGORITHM, "apu", r#""QQ""#, Header),
    (JWE_ALGORITHM, "apv", r#""QQ""#, Header),
    (JWE_ALGORITHM, "iv", r#""AA""#, Header),
    (JWE_ALGORITHM, "tag", r#""AA""#, Header),
    (JWE_ALGORITHM, "p2s", r#""AA""#, Header),
    (JWE_ALGORITHM, "p2c", "1000000000", Header),
    (NESTED, "cty", r#""JWT""#, Header),
    (NESTED, "cty", r#""application/jwt""#, Header),
    (NESTED, "cty", r#""jWt""#, Header),
    ("RFC 7515 §4.1.10", "cty", "7", Malformed),
];

const TEXTS: [Text; 28] = [
    ("an array in field order", JSON, "", r#"["HS256","at+jwt","h1"]"#, Malformed),
    ("an array around", JSON, "", r#"[{"alg":"HS256","typ":"at+jwt","kid":"h1"}]"#, Malformed),
    ("no members", ALG, "", "{}", Malformed),
    ("null", JSON, "", "null", Malformed),
    ("a text", JSON, "", r#""HS256""#, Malformed),
    ("`alg` in capitals", ALG, r#""alg""#, r#""ALG""#, Malformed),
    ("`alg` twice", TWICE, "{", r#"{"alg":"none","#, Malformed),
    ("`alg` twice, the same", TWICE, "{", r#"{"alg":"HS256","#, Malformed),
    ("`alg` twice, once escaped", TWICE, "{", r#"{"\u0061lg":"none","#, Malformed),
    ("`kid` twice", TWICE, "{", r#"{"kid":"h2","#, Malformed),
    ("an unknown member twice", TWICE, "{", r#"{"x":1,"x":1,"#, Malformed),
    ("a nested member twice", TWICE, "{", r#"{"x":[{"a":1,"a":1}],"#, Malformed),
    ("a comma behind", JSON, r#""h1"}"#, r#""h1",}"#, Malformed),
    ("a comma in front", JSON, "{", "{,", Malformed),
    ("a comma missing", JSON, r#","typ""#, r#" "typ""#, Malformed),
    ("single quotes", JSON, r#""HS256""#, "'HS256'", Malformed),
    ("a name without quotes", JSON, r#""alg""#, "alg", Malformed),
    ("a comment", JSON, "{", "{/* */", Malformed),
    ("a second object behind", JSON, r#""h1"}"#, r#""h1"}{}"#, Malformed),
    ("a letter behind", JSON, r#""h1"}"#, r#""h1"}x"#, Malformed),
    ("a NUL behind", JSON, r#""h1"}"#, "\"h1\"}\0", Malformed),
    ("a byte order mark in front", UNICODE, "{", "\u{feff}{", Malformed),
    ("no end", JSON, r#""h1"}"#, r#""h1""#, Malformed),
    ("a line end within a text", JSON, "h1", "h\n1", Malformed),
    ("an unknown escape", JSON, "h1", r"h\x31", Malformed),
    ("a lone high surrogate", UNICODE, "{", r#"{"x":"\ud800","#, Malformed),
    ("a lone low surrogate in a name", UNICODE, "{", r#"{"\udc00":1,"#, Malformed),
    ("a number of no form", JSON, "{", r#"{"x":01,"#, Malformed),
];

fn byte_strings() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let good = Members::header(Hs256).text();
    let holding = |bytes: &[u8]| {
        let mut text = br#"{"x":""#.to_vec();
        text.extend_from_slice(bytes);
        text.extend_from_slice(br#"","#);
        text.extend_from_slice(&good.as_bytes()[1..]);
        text
    };
    vec![
        ("a byte that is no UTF-8", UNICODE, holding(&[0xff])),
        ("a letter in Latin-1", UNICODE, holding(&[0xe9])),
        ("an overlong slash", UNICODE, holding(&[0xc0, 0xaf])),
        ("a surrogate in UTF-8", UNICODE, holding(&[0xed, 0xa0, 0x80])),
        ("a code point beyond Unicode", UNICODE, holding(&[0xf4, 0x90, 0x80, 0x80])),
        ("UTF-16", UNICODE, good.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("33 arrays in one another", "depth cap", {
            format!(r#"{{"x":{}{},{}"#, "[".repeat(33), "]".repeat(33), &good[1..]).into_bytes()
        }),
    ]
}
