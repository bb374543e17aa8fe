//! Strict JSON, walked once from left to right (RFC 8259, with RFC 8725 §2.6 in mind).
//!
//! Refused beyond the grammar: a member named twice in one object, however the name is escaped and however deep the
//! object; lone surrogates; nesting below [`MAX_DEPTH`]; anything after the value. Two readers of one text must not
//! see two different claims.

use std::borrow::Cow;

use smallvec::SmallVec;

/// The text is no strict JSON, or a member has another type than the reader asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Malformed;

type Walked<T> = Result<T, Malformed>;

/// A position in a JSON text, and the names seen in every object that is open there.
#[derive(Debug)]
pub(crate) struct Walker<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    names: SmallVec<[Name<'a>; 12]>,
}

impl<'a> Walker<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, names: SmallVec::new() }
    }

    /// Walks the whole text as one object; `visit` consumes the value of each member.
    pub(crate) fn whole_object<F>(mut self, visit: F) -> Walked<()>
    where
        F: FnMut(&str, &mut Self) -> Walked<()>,
    {
        self.space();
        self.object(visit)?;
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(Malformed) }
    }

    /// Reads a string; borrowed unless it holds an escape.
    pub(crate) fn string(&mut self) -> Walked<Cow<'a, str>> {
        self.expect(b'"')?;
        let start = self.at;
        let stop = self.string_stop()?;
        let plain = &self.text[start..stop];
        if self.text.as_bytes()[stop] == b'"' {
            self.at = stop + 1;
            return Ok(Cow::Borrowed(plain));
        }
        self.at = stop;
        self.escaped_string(plain.to_owned()).map(Cow::Owned)
    }

    /// Reads an array of strings.
    pub(crate) fn strings(&mut self) -> Walked<Vec<Cow<'a, str>>> {
        let mut all = Vec::new();
        self.array(|walker| {
            all.push(walker.string()?);
            Ok(())
        })?;
        Ok(all)
    }

    /// Walks over an array and gives the text of each of its values.
    pub(crate) fn raw_items(&mut self) -> Walked<Vec<&'a str>> {
        let mut all = Vec::new();
        self.array(|walker| {
            let start = walker.at;
            walker.skip()?;
            all.push(&walker.text[start..walker.at]);
            Ok(())
        })?;
        Ok(all)
    }

    /// Reads a number and gives its text, which is one of RFC 8259 §6.
    pub(crate) fn number(&mut self) -> Walked<&'a str> {
        let start = self.at;
        self.skip_if(b'-');
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(Malformed),
        }
        if self.skip_if(b'.') {
            self.digits()?;
        }
        if self.skip_if(b'e') || self.skip_if(b'E') {
            let _sign = self.skip_if(b'+') || self.skip_if(b'-');
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    /// Reads `true` or `false`.
    pub(crate) fn boolean(&mut self) -> Walked<bool> {
        if self.skip_word("true") {
            Ok(true)
        } else if self.skip_word("false") {
            Ok(false)
        } else {
            Err(Malformed)
        }
    }

    /// Whether the next value is an array.
    pub(crate) fn at_array(&self) -> bool {
        self.peek() == Some(b'[')
    }

    /// Whether the next value is an object.
    pub(crate) fn at_object(&self) -> bool {
        self.peek() == Some(b'{')
    }

    /// Walks over one value of any type, as strictly as over the others.
    pub(crate) fn skip(&mut self) -> Walked<()> {
        match self.peek().ok_or(Malformed)? {
            b'"' => self.string().map(drop),
            b'{' => self.object(|_, walker| walker.skip()),
            b'[' => self.array(Self::skip),
            b't' | b'f' => self.boolean().map(drop),
            b'n' if self.skip_word("null") => Ok(()),
            _ => self.number().map(drop),
        }
    }

    /// Walks an object; `visit` consumes the value of each member.
    pub(crate) fn object<F>(&mut self, mut visit: F) -> Walked<()>
    where
        F: FnMut(&str, &mut Self) -> Walked<()>,
    {
        self.expect(b'{')?;
        self.descend()?;
        let open = self.names.len();
        self.space();
        if !self.skip_if(b'}') {
            loop {
                let name = self.string()?;
                self.note(open, name.clone())?;
                self.space();
                self.expect(b':')?;
                self.space();
                visit(&name, self)?;
                if self.ends(b'}')? {
                    break;
                }
            }
        }
        self.names.truncate(open);
        self.depth -= 1;
        Ok(())
    }

    fn array<F>(&mut self, mut visit: F) -> Walked<()>
    where
        F: FnMut(&mut Self) -> Walked<()>,
    {
        self.expect(b'[')?;
        self.descend()?;
        self.space();
        if !self.skip_if(b']') {
            loop {
                visit(self)?;
                if self.ends(b']')? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn descend(&mut self) -> Walked<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(Malformed) } else { Ok(()) }
    }

    /// Steps over `close`, or over a comma and the space behind it.
    fn ends(&mut self, close: u8) -> Walked<bool> {
        self.space();
        if self.skip_if(close) {
            return Ok(true);
        }
        self.expect(b',')?;
        self.space();
        Ok(false)
    }

    /// Remembers a member's name, and refuses one that the object opened at `open` already has.
    fn note(&mut self, open: usize, text: Cow<'a, str>) -> Walked<()> {
        let tag = tag(&text);
        if self.names[open..].iter().any(|seen| seen.tag == tag && seen.text == text) {
            return Err(Malformed);
        }
        self.names.push(Name { tag, text });
        Ok(())
    }

    /// Where a string's next quote or backslash is.
    // By measure: a token has 14 strings, and to call this took as long as to scan a short one.
    #[inline(always)]
    fn string_stop(&self) -> Walked<usize> {
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        while let Some(word) = bytes[at..].first_chunk() {
            let stops = stops(*word);
            if stops != 0 {
                at += stops.trailing_zeros() as usize / 8;
                break;
            }
            at += 8;
        }
        // At the first stop, or within the last word.
        let stop = at + bytes[at..].iter().position(|&byte| is_stop(byte)).ok_or(Malformed)?;
        if bytes[stop] < b' ' { Err(Malformed) } else { Ok(stop) }
    }

    fn escaped_string(&mut self, mut read: String) -> Walked<String> {
        loop {
            let start = self.at;
            let stop = self.string_stop()?;
            read.push_str(&self.text[start..stop]);
            self.at = stop + 1;
            if self.text.as_bytes()[stop] == b'"' {
                return Ok(read);
            }
            read.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Walked<char> {
        let kind = self.peek().ok_or(Malformed)?;
        self.at += 1;
        Ok(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => return Err(Malformed),
        })
    }

    fn unicode_escape(&mut self) -> Walked<char> {
        let first = self.hex4()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or(Malformed);
        }
        self.expect(b'\\')?;
        self.expect(b'u')?;
        let second = self.hex4()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(Malformed);
        }
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(Malformed)
    }

    fn hex4(&mut self) -> Walked<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).ok_or(Malformed)?;
        let mut value = 0;
        for &digit in digits {
            value = value << 4 | char::from(digit).to_digit(16).ok_or(Malformed)?;
        }
        self.at += 4;
        Ok(value)
    }

    fn digits(&mut self) -> Walked<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(Malformed) } else { Ok(()) }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Walked<()> {
        if self.skip_if(byte) { Ok(()) } else { Err(Malformed) }
    }

    fn skip_if(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_word(&mut self, word: &str) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        if found {
            self.at += word.len();
        }
        found
    }
}

#[derive(Debug)]
struct Name<'a> {
    tag: u64,
    text: Cow<'a, str>,
}

/// A word that differs for most names, so that a text of a thousand members costs no thousand squared comparisons.
fn tag(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let word = match bytes.last_chunk() {
        Some(tail) => u64::from_le_bytes(*tail),
        None => bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    word.rotate_left(7) ^ bytes.len() as u64
}

/// Deeper texts are refused, so that no text can exhaust the stack.
pub(crate) const MAX_DEPTH: usize = 32;

/// Whether the byte ends a run of plain characters in a string.
fn is_stop(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// Eight bytes at once: the lowest bit set is the top bit of the first byte that [`is_stop`].
///
/// A borrow may set bits above that one, never below it.
fn stops(word: [u8; 8]) -> u64 {
    let word = u64::from_le_bytes(word);
    let equal = |byte: u8| {
        let differences = word ^ (ONES * u64::from(byte));
        differences.wrapping_sub(ONES) & !differences
    };
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (control | equal(b'"') | equal(b'\\')) & (ONES * 0x80)
}

const ONES: u64 = u64::MAX / 0xff;

#[cfg(test)]
mod tests;
