use aetherflow_auth::TokenError::{self, Malformed, TooLong};

use super::Hostile;
use super::forge::{Members, encoded, good, good_text, signed, signed_text};
use super::keys::Signer::Hs256;

const COMPACT: &str = "RFC 7515 §7.1";
const BASE64: &str = "RFC 7515 §2, RFC 4648 §5";
const CANONICAL: &str = "RFC 4648 §3.5";
const SIZE: &str = "RFC 7515 §3.1, size cap";

pub(super) fn hostile(now: i64) -> Vec<Hostile> {
    let token = good(Hs256, now);
    let all = [parts(&token), letters(&token), encodings(now), sizes(now)].concat();
    let case = |(change, rule, token, want): Row| {
        let change = String::from(change);
        Hostile { change, rule, signer: Hs256, token, want }
    };
    all.into_iter().map(case).collect()
}

type Row = (&'static str, &'static str, String, TokenError);

fn parts(token: &str) -> Vec<Row> {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let row = |change, token| (change, COMPACT, token, Malformed);
    vec![
        row("no text", String::new()),
        row("two dots alone", "..".to_owned()),
        row("the header alone", header.to_owned()),
        row("no signature part", signed.to_owned()),
        row("an empty signature", format!("{signed}.")),
        row("an empty header", format!(".{claims}.{signature}")),
        row("detached claims", format!("{header}..{signature}")),
        row("a dot behind", format!("{token}.")),
        row("a dot in front", format!(".{token}")),
        row("a fourth part", format!("{token}.{signature}")),
        ("five parts, as of encryption", "RFC 7516 §3.1", format!("{token}.AA.AA"), Malformed),
        (
            "the flattened JSON form",
            "RFC 7515 §7.2.2",
            format!(r#"{{"protected":"{header}","payload":"{claims}","signature":"{signature}"}}"#),
            Malformed,
        ),
        row("its scheme in front", format!("Bearer {token}")),
        row("two tokens in a list", format!("{token},{token}")),
        row("quotes around", format!("\"{token}\"")),
        row("commas for dots", token.replace('.', ",")),
        row("dots in percent form", token.replace('.', "%2E")),
        row("full-width dots", token.replace('.', "\u{ff0e}")),
        ("claims not encoded", BASE64, signed_text(Hs256, &format!("{header}.{{}}")), Malformed),
    ]
}

fn letters(token: &str) -> Vec<Row> {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let row = |change, token| (change, BASE64, token, Malformed);
    let inside = |text: &str| format!("{}{text}{}", &token[..8], &token[8..]);
    vec![
        row("a space in front", format!(" {token}")),
        row("a space behind", format!("{token} ")),
        row("a line end behind", format!("{token}\r\n")),
        row("a line end inside", inside("\n")),
        row("a tab inside", inside("\t")),
        row("a NUL behind", format!("{token}\0")),
        row("a byte order mark in front", format!("\u{feff}{token}")),
        row("a zero-width space inside", inside("\u{200b}")),
        row("a Cyrillic letter for a Latin one", token.replacen('e', "\u{435}", 1)),
        row("a star inside", inside("*")),
        row("padding behind the signature", format!("{token}=")),
        row("one letter short of four", format!("{signed}.{}", &signature[..41])),
        row("the signature in hexadecimal with a dash", format!("{signed}.{}-=", &signature[..40])),
        (
            "trailing bits in the signature",
            CANONICAL,
            format!("{signed}.{}", loosened(signature.to_owned())),
            Malformed,
        ),
    ]
}

/// Encodings that carry a good signature over their own letters.
fn encodings(now: i64) -> Vec<Row> {
    let header = Members::header(Hs256).text();
    // Of a length that leaves bits over, with letters of the alphabet's end.
    let mut claims = Members::claims(now).with("x", r#""??>>~~""#).text();
    while claims.len() % 3 != 1 {
        claims.push(' ');
    }
    let mut spaced = header.clone();
    while spaced.len() % 3 != 1 {
        spaced.push(' ');
    }
    let text = |header: &str, claims: &str| signed_text(Hs256, &format!("{header}.{claims}"));
    let (head, body) = (encoded(&spaced), encoded(&claims));
    vec![
        ("padding behind the header", BASE64, text(&format!("{head}=="), &body), Malformed),
        ("padding behind the claims", BASE64, text(&head, &format!("{body}==")), Malformed),
        ("trailing bits in the header", CANONICAL, text(&loosened(head.clone()), &body), Malformed),
        ("trailing bits in the claims", CANONICAL, text(&head, &loosened(body.clone())), Malformed),
        (
            "the other alphabet in the claims",
            BASE64,
            text(&head, &body.replace('_', "/").replace('-', "+")),
            Malformed,
        ),
        (
            "a line end in the claims",
            BASE64,
            text(&head, &format!("{}\n{}", &body[..64], &body[64..])),
            Malformed,
        ),
        ("the header encoded twice", BASE64, text(&encoded(&head), &body), Malformed),
        ("the claims encoded twice", BASE64, text(&head, &encoded(&body)), Malformed),
        ("one letter more than a byte needs", CANONICAL, text(&head, &format!("{body}AAA")), Malformed),
    ]
}

fn sizes(now: i64) -> Vec<Row> {
    let header = Members::header(Hs256);
    let padded =
        |length: usize| Members::claims(now).with("x", &format!("\"{}\"", "x".repeat(length))).text();
    let wide = header.clone().with("x", &format!("\"{}\"", "x".repeat(1536))).text();
    vec![
        ("8 KiB and some bytes", SIZE, signed(Hs256, header.text(), padded(6_000)), TooLong),
        ("a megabyte", SIZE, signed(Hs256, header.text(), padded(786_432)), TooLong),
        ("a megabyte of dots", SIZE, ".".repeat(1 << 20), TooLong),
        ("a header of more than 2 KiB", SIZE, signed(Hs256, wide, padded(1)), TooLong),
        (
            "a signature of more than 1 KiB",
            SIZE,
            format!("{}.{}", good_text(Hs256, now), "A".repeat(2048)),
            Malformed,
        ),
    ]
}

/// The same bytes by another last letter, whose lowest bit means nothing.
fn loosened(mut part: String) -> String {
    let last = part.pop().unwrap();
    part.push(char::from(u8::try_from(last).unwrap() + 1));
    part
}
