use aetherflow_auth::TokenError::{
    self, Audience, Bound, Environment, Expired, IssuedInFuture, Issuer, Lifetime, Malformed, MissingClaim,
    NotYetValid,
};

use super::Hostile;
use super::forge::{Members, signed};
use super::keys::Signer::Hs256;

pub(super) fn hostile(now: i64) -> Vec<Hostile> {
    let header = Members::header(Hs256).text();
    let case = |change: String, rule, claims: &[u8], want| Hostile {
        change,
        rule,
        signer: Hs256,
        token: signed(Hs256, &header, claims),
        want,
    };
    let member = |&(rule, name, value, want): &Member| {
        let change = if value.is_empty() { format!("no `{name}`") } else { format!("`\"{name}\":{value}`") };
        case(change, rule, Members::claims(now).with(name, value).text().as_bytes(), want)
    };
    let time = |(change, rule, name, value, want): Time| {
        case(change.to_owned(), rule, Members::claims(now).with(name, &value).text().as_bytes(), want)
    };
    let text = |&(change, rule, from, to): &Text| {
        let good = Members::claims(now).text();
        let bad = if from.is_empty() { to.to_owned() } else { good.replacen(from, to, 1) };
        assert_ne!(good, bad, "{change}");
        case(change.to_owned(), rule, bad.as_bytes(), Malformed)
    };
    let bytes = |(change, rule, bytes): (&str, _, Vec<u8>)| case(change.to_owned(), rule, &bytes, Malformed);
    let named = MEMBERS.iter().map(member).chain(times(now).into_iter().map(time));
    named.chain(TEXTS.iter().map(text)).chain(byte_strings(now).into_iter().map(bytes)).collect()
}

/// A rule, the claim's name, its value as written (none takes it away), and the answer.
type Member = (&'static str, &'static str, &'static str, TokenError);
type Time = (&'static str, &'static str, &'static str, String, TokenError);
/// The change, the rule, and what is replaced (nothing is all) by what.
type Text = (&'static str, &'static str, &'static str, &'static str);

const ISS: &str = "RFC 7519 §4.1.1, RFC 8725 §3.8";
const SUB: &str = "RFC 7519 §4.1.2, RFC 9068 §2.2";
const AUD: &str = "RFC 7519 §4.1.3, RFC 8725 §3.9";
const EXP: &str = "RFC 7519 §4.1.4";
const NBF: &str = "RFC 7519 §4.1.5";
const IAT: &str = "RFC 7519 §4.1.6";
const JTI: &str = "RFC 7519 §4.1.7, RFC 9068 §2.2";
const SCOPE: &str = "RFC 8693 §4.2, RFC 6749 §3.3";
const CLIENT: &str = "RFC 8693 §4.3";
const ENV: &str = "access-token.md, `env`";
const TENANT: &str = "access-token.md, `tenant`";
const PLAN: &str = "access-token.md, `plan`";
const IP: &str = "access-token.md, `ip`";
const CNF: &str = "RFC 7800 §3.1";
const JSON: &str = "RFC 7519 §7.2, RFC 8259";
const TWICE: &str = "RFC 7519 §4";
const UNICODE: &str = "RFC 8725 §3.7, RFC 8259 §8";

const MEMBERS: [Member; 85] = [
    (ISS, "iss", "", MissingClaim),
    (ISS, "iss", r#""https://evil.example""#, Issuer),
    (ISS, "iss", r#""https://auth.example/""#, Issuer),
    (ISS, "iss", r#""https://AUTH.example""#, Issuer),
    (ISS, "iss", r#""https://auth.example.evil.example""#, Issuer),
    (ISS, "iss", r#""http://auth.example""#, Issuer),
    (ISS, "iss", r#""https://auth.example\u0000""#, Issuer),
    (ISS, "iss", r#""""#, Malformed),
    (ISS, "iss", r#"["https://auth.example"]"#, Malformed),
    (ISS, "iss", r#"["https://evil.example","https://auth.example"]"#, Malformed),
    (ISS, "iss", "null", Malformed),
    (ISS, "iss", "7", Malformed),
    (SUB, "sub", "", MissingClaim),
    (SUB, "sub", r#""""#, Malformed),
    (SUB, "sub", "null", Malformed),
    (SUB, "sub", "7", Malformed),
    (SUB, "sub", r#"["alice"]"#, Malformed),
    (SUB, "sub", r#"{"name":"alice"}"#, Malformed),
    (AUD, "aud", "", MissingClaim),
    (AUD, "aud", r#""https://billing.example""#, Audience),
    (AUD, "aud", r#""https://api.example/""#, Audience),
    (AUD, "aud", r#""https://API.example""#, Audience),
    (AUD, "aud", r#""*""#, Audience),
    (AUD, "aud", r#""https://api.example https://billing.example""#, Audience),
    (AUD, "aud", "[]", Audience),
    (AUD, "aud", r#""""#, Audience),
    (AUD, "aud", r#"["https://billing.example"]"#, Audience),
    (AUD, "aud", "7", Malformed),
    (AUD, "aud", "true", Malformed),
    (AUD, "aud", "null", Malformed),
    (AUD, "aud", r#"{"https://api.example":1}"#, Malformed),
    (AUD, "aud", r#"["https://api.example",7]"#, Malformed),
    (AUD, "aud", r#"["https://api.example",null]"#, Malformed),
    (AUD, "aud", r#"[["https://api.example"]]"#, Malformed),
    (EXP, "exp", "", MissingClaim),
    (EXP, "exp", "null", Malformed),
    (EXP, "exp", "true", Malformed),
    (EXP, "exp", r#""1767229200""#, Malformed),
    (EXP, "exp", r#""2026-01-01T01:00:00Z""#, Malformed),
    (EXP, "exp", "[1767229200]", Malformed),
    (EXP, "exp", "0", Expired),
    (EXP, "exp", "-1", Expired),
    ("maximum age", "exp", "99999999999999999999", Lifetime),
    ("maximum age", "exp", "1e300", Lifetime),
    (EXP, "exp", "Infinity", Malformed),
    (EXP, "exp", "NaN", Malformed),
    (EXP, "exp", "+1767229200", Malformed),
    (EXP, "exp", "0x69565B10", Malformed),
    (EXP, "exp", "1767229200.", Malformed),
    (NBF, "nbf", "null", Malformed),
    (NBF, "nbf", r#""0""#, Malformed),
    (NBF, "nbf", "false", Malformed),
    (NBF, "nbf", "1e300", NotYetValid),
    (IAT, "iat", "", MissingClaim),
    (IAT, "iat", "null", Malformed),
    (IAT, "iat", r#""0""#, Malformed),
    (IAT, "iat", "[0]", Malformed),
    ("maximum age", "iat", "0", Lifetime),
    (JTI, "jti", "", MissingClaim),
    (JTI, "jti", r#""""#, Malformed),
    (JTI, "jti", "7", Malformed),
    (JTI, "jti", "null", Malformed),
    (SCOPE, "scope", r#"["read:workflows"]"#, Malformed),
    (SCOPE, "scope", "null", Malformed),
    (SCOPE, "scope", r#""read:workflows  write:workflows""#, Malformed),
    (SCOPE, "scope", r#"" read:workflows""#, Malformed),
    (SCOPE, "scope", r#""read:workflows\twrite:workflows""#, Malformed),
    (SCOPE, "scope", r#""read:\"workflows\"""#, Malformed),
    (SCOPE, "scope", r#""lire:tâches""#, Malformed),
    (CLIENT, "client_id", r#""""#, Malformed),
    (CLIENT, "client_id", "{}", Malformed),
    (ENV, "env", "", MissingClaim),
    (ENV, "env", r#""staging""#, Environment),
    (ENV, "env", r#""Production""#, Environment),
    (ENV, "env", r#""live""#, Environment),
    (ENV, "env", r#"["production"]"#, Malformed),
    (TENANT, "tenant", r#""""#, Malformed),
    (TENANT, "tenant", "7", Malformed),
    (PLAN, "plan", "{}", Malformed),
    (IP, "ip", r#""203.0.113.0/24""#, Malformed),
    (IP, "ip", r#"["203.0.113.0/33"]"#, Malformed),
    (IP, "ip", r#"["203.0.113.1/24"]"#, Malformed),
    (CNF, "cnf", r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#, Bound),
    (CNF, "cnf", "{}", Bound),
    (CNF, "cnf", "null", Bound),
];

fn times(now: i64) -> Vec<Time> {
    vec![
        ("`exp` is now", EXP, "exp", now.to_string(), Expired),
        ("`exp` was a second ago", EXP, "exp", (now - 1).to_string(), Expired),
        ("`exp` was half a second ago", EXP, "exp", format!("{}.5", now - 1), Expired),
        ("`exp` in milliseconds", "maximum age", "exp", ((now + 3600) * 1000).to_string(), Lifetime),
        ("`exp` 90 days and a second ahead", "maximum age", "exp", (now + 7_776_001).to_string(), Lifetime),
        ("`nbf` in two seconds", NBF, "nbf", (now + 2).to_string(), NotYetValid),
        ("`iat` ten seconds ahead", IAT, "iat", (now + 10).to_string(), IssuedInFuture),
    ]
}

const TEXTS: [Text; 24] = [
    (
        "an array in field order",
        JSON,
        "",
        r#"["https://auth.example","alice","https://api.example",9999999999]"#,
    ),
    ("no members and an array", JSON, "", "[]"),
    ("null", JSON, "", "null"),
    ("a text", JSON, "", r#""alice""#),
    ("nothing but space", JSON, "", " "),
    ("`sub` twice", TWICE, "{", r#"{"sub":"bob","#),
    ("`sub` twice, the same", TWICE, "{", r#"{"sub":"alice","#),
    ("`sub` twice, once escaped", TWICE, "{", r#"{"s\u0075b":"bob","#),
    ("`exp` twice", TWICE, "{", r#"{"exp":9999999999,"#),
    ("an unknown claim twice", TWICE, "{", r#"{"x":1,"x":1,"#),
    ("a member twice inside an unknown claim", TWICE, "{", r#"{"x":{"a":1,"a":2},"#),
    ("a member twice, deep and escaped", TWICE, "{", r#"{"x":[[{"a":1,"\u0061":2}]],"#),
    ("a comma behind", JSON, "]}", "],}"),
    ("single quotes", JSON, r#""alice""#, "'alice'"),
    ("a comment", JSON, "{", "{//\n"),
    ("a second object behind", JSON, "]}", "]}{}"),
    ("a NUL behind", JSON, "]}", "]}\0"),
    ("a byte order mark in front", UNICODE, "{", "\u{feff}{"),
    ("no end", JSON, "]}", "]"),
    ("a tab within a text", JSON, "alice", "al\tice"),
    ("a lone high surrogate", UNICODE, "alice", r"\ud83d"),
    ("surrogates in the wrong order", UNICODE, "alice", r"\ude00\ud83d"),
    ("an escape of three digits", JSON, "alice", r"\u061lice"),
    ("a word that is no literal", JSON, "{", r#"{"x":True,"#),
];

fn byte_strings(now: i64) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let good = Members::claims(now).text();
    let holding = |bytes: &[u8]| {
        let (head, tail) = good.split_once("alice").unwrap();
        [head.as_bytes(), bytes, tail.as_bytes()].concat()
    };
    vec![
        ("a byte that is no UTF-8", UNICODE, holding(&[b'a', 0xff])),
        ("a cut letter", UNICODE, holding(&[0xc3])),
        ("an overlong letter", UNICODE, holding(&[0xc1, 0xa1])),
        ("a surrogate in UTF-8", UNICODE, holding(&[0xed, 0xa0, 0xbd])),
        ("UTF-16", UNICODE, good.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("33 objects in one another", "depth cap", {
            format!(r#"{{"x":{}1{},{}"#, r#"{"a":"#.repeat(33), "}".repeat(33), &good[1..]).into_bytes()
        }),
    ]
}
