//! Paths that two programs could read as two different paths.
//!
//! Such a path is refused and never normalised: whoever normalises guesses which of the two the handler, a proxy or a
//! file system will see. Refused are
//!
//! 1. `//`, and the segments `.` and `..`;
//! 2. a byte outside `pchar` of RFC 3986 §3.3 and `/`; of `pchar` itself `;`, which some routers cut a segment at;
//! 3. a `%` that two hexadecimal digits do not follow;
//! 4. an escape of an unreserved character (RFC 3986 §2.3), which may also be written plainly: `%61`, `%2e`;
//! 5. `%2f`, `%5c`, `%00`, and these and `%2e` escaped once more, any number of times: `%252f`.

/// Whether `path` could be read in two ways.
pub(crate) fn is_ambiguous(path: &str) -> bool {
    let bytes = path.as_bytes();
    let mut before = 0;
    let mut is_plain = true;
    for byte in bytes {
        if !ALLOWED[usize::from(*byte)] || (*byte == b'/' && before == b'/') {
            return true;
        }
        is_plain &= *byte != b'.' && *byte != b'%';
        before = *byte;
    }
    !is_plain && (has_dot_segment(bytes) || has_ambiguous_escape(bytes))
}

fn has_dot_segment(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(|segment| segment == b"." || segment == b"..")
}

/// [`is_allowed`] of every byte; NUL is not.
static ALLOWED: [bool; 256] = {
    let mut allowed = [false; 256];
    let mut byte = u8::MAX;
    while byte > 0 {
        allowed[byte as usize] = is_allowed(byte);
        byte -= 1;
    }
    allowed
};

const fn is_allowed(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(byte, b'/' | b'%' | b':' | b'@')
        || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=')
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn has_ambiguous_escape(mut rest: &[u8]) -> bool {
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        let after = &rest[at + 1..];
        let Some(byte) = hex_pair(after) else { return true };
        if is_separator(byte) || is_unreserved(byte) || (byte == b'%' && is_escaped_again(&after[2..])) {
            return true;
        }
        rest = &after[2..];
    }
    false
}

/// Whether the text after `%25` makes, when it is decoded once or more, a separator or a dot.
fn is_escaped_again(mut after: &[u8]) -> bool {
    while let Some(deeper) = after.strip_prefix(b"25") {
        after = deeper;
    }
    hex_pair(after).is_some_and(|byte| is_separator(byte) || byte == b'.')
}

const fn is_separator(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\' | 0)
}

/// The byte that two hexadecimal digits at the start of `text` stand for.
pub(crate) fn hex_pair(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_with_one_reading_is_let_through() {
        for path in [
            "/",
            "/v2/workflows",
            "/v2/workflows/",
            "/a.b/..c/d..",
            "/v2/a:b@c",
            "/a%20b",
            "/%C3%A9",
            "/100%25",
            "/100%2541",
            "/a+b,c=d!$&'()*",
            "/...",
            "*",
            "",
            "/a%3Bb",
        ] {
            assert!(!is_ambiguous(path), "{path}");
        }
    }

    #[test]
    fn a_path_with_two_readings_is_refused() {
        for path in [
            "//",
            "/a//b",
            "/v2/workflows//",
            "/.",
            "/..",
            "/a/./b",
            "/a/../b",
            "/a/..",
            "../a",
            "/%2e",
            "/%2E%2e/b",
            "/.%2e/b",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a%5Cb",
            "/a%00",
            "/a%252fb",
            "/a%252Fb",
            "/a%255cb",
            "/a%2500",
            "/%252e%252e/b",
            "/a%25252fb",
            "/%61",
            "/%7e",
            "/%5f",
            "/%2d",
            "/%30",
            "/a%",
            "/a%2",
            "/a%2g",
            "/a%g2",
            "/a%%20",
            "/a;b",
            "/a\\b",
            "/a b",
            "/a\u{e9}",
            "/a\"b",
            "/a<b",
            "/a|b",
            "/a{b}",
            "/a^b",
            "/a`b",
            "/a#b",
            "/a?b",
            "/a[b]",
            "/a\u{7f}",
            "/a\tb",
            "/a\u{0}",
        ] {
            assert!(is_ambiguous(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_let_through_decodes_to_the_same_segments(path in "(/|%2[0-9a-fA-F]|%5[cC]|%25|[a-c.;~%]){0,12}") {
            if !is_ambiguous(&path) {
                let decoded = decode(path.as_bytes());
                prop_assert_eq!(count(path.as_bytes(), b'/'), count(&decoded, b'/'));
                prop_assert_eq!(count(path.as_bytes(), b'.'), count(&decoded, b'.'));
                prop_assert_eq!(count(&decoded, b'\\'), 0);
            }
        }
    }

    fn decode(mut text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some((first, rest)) = text.split_first() {
            let escape = (*first == b'%').then(|| hex_pair(rest)).flatten();
            out.push(escape.unwrap_or(*first));
            text = if escape.is_some() { &rest[2..] } else { rest };
        }
        out
    }

    fn count(text: &[u8], byte: u8) -> usize {
        text.iter().filter(|found| **found == byte).count()
    }
}
