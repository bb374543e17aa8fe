//! One permission, and a set of them.
//!
//! 1. A scope is a scope-token of RFC 6749 §3.3: one or more of `%x21 / %x23-5B / %x5D-7E`.
//! 2. With exactly one `:` between two non-empty sides, of which exactly one is an action (`read`, `write`,
//!    `execute`, `delete`, `manage`), it is spelt action first: `workflows:read` is `read:workflows`.
//! 3. Any other text is opaque and compared byte for byte. No scope implies another.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use smallvec::SmallVec;
use thiserror::Error;

/// One permission, an action on a resource, in its canonical spelling.
///
/// # Examples
///
/// ```
/// use aetherflow_auth::Scope;
///
/// let asked = Scope::parse("workflows:read")?;
/// assert_eq!(asked.as_str(), "read:workflows");
/// # Ok::<(), aetherflow_auth::ScopeError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Scope(Box<str>);

impl Scope {
    /// Reads one scope-token in either spelling.
    ///
    /// # Errors
    ///
    /// [`ScopeError::Empty`] for no text, [`ScopeError::Character`] for a byte outside RFC 6749 §3.3.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        check_characters(text)?;
        if text.contains(' ') {
            return Err(ScopeError::Character);
        }
        Ok(Self(canonical(text)?.into()))
    }

    /// The canonical spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        Self::parse(text)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Cow::<str>::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A set of scopes: sorted, each once, in canonical spelling, separated by single spaces.
///
/// Asking a set, or cloning it, allocates nothing.
///
/// # Examples
///
/// ```
/// use aetherflow_auth::ScopeSet;
///
/// let granted = ScopeSet::parse("workflows:write workflows:read read:workflows")?;
/// assert_eq!(granted.as_str(), "read:workflows write:workflows");
/// assert!(granted.contains_all(&ScopeSet::parse("read:workflows")?));
/// # Ok::<(), aetherflow_auth::ScopeError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
// Invariant: canonical tokens in strictly ascending byte order, one space between two of them.
pub struct ScopeSet(Arc<str>);

impl ScopeSet {
    /// Reads space-delimited scopes in any order and either spelling; no text is the empty set.
    ///
    /// # Errors
    ///
    /// [`ScopeError::Empty`] for a leading, trailing or doubled space, [`ScopeError::Character`] for a byte outside
    /// RFC 6749 §3.3.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        check_characters(text)?;
        let mut tokens: SmallVec<[Cow<'_, str>; 8]> = SmallVec::new();
        for token in cut(text) {
            tokens.push(canonical(token)?);
        }
        let is_as_written = tokens.iter().all(|token| matches!(token, Cow::Borrowed(_)));
        if is_as_written && tokens.is_sorted_by(|one, next| one < next) {
            return Ok(Self(text.into()));
        }
        Ok(Self::from_tokens(&mut tokens))
    }

    /// Whether the set holds this scope.
    #[must_use]
    pub fn contains(&self, scope: &Scope) -> bool {
        self.iter().any(|held| held == scope.as_str())
    }

    /// Whether the set holds every scope of `wanted`; the empty set is always held.
    #[must_use]
    pub fn contains_all(&self, wanted: &Self) -> bool {
        let mut held = self.iter();
        wanted.iter().all(|scope| held.by_ref().find(|held| *held >= scope) == Some(scope))
    }

    /// Whether `other` holds every scope of this set.
    #[must_use]
    pub fn is_subset_of(&self, other: &Self) -> bool {
        other.contains_all(self)
    }

    /// The scopes that are in both sets.
    #[must_use]
    pub fn both(&self, other: &Self) -> Self {
        let mut tokens =
            self.iter().filter(|held| other.iter().any(|scope| scope == *held)).map(Cow::Borrowed).collect();
        Self::from_tokens(&mut tokens)
    }

    /// The scopes in ascending order, canonically spelt.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        // An empty text is cut into one empty token, which no set holds.
        cut(&self.0).filter(|token| !token.is_empty())
    }

    /// The text form, as the claim `scope` carries it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the set holds no scope.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many scopes the set holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    fn from_tokens(tokens: &mut SmallVec<[Cow<'_, str>; 8]>) -> Self {
        tokens.sort_unstable();
        tokens.dedup();
        Self(tokens.join(" ").into())
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self::from_tokens(&mut scopes.into_iter().map(|scope| Cow::Owned(scope.0.into())).collect())
    }
}

impl FromStr for ScopeSet {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        Self::parse(text)
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Cow::<str>::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Why a text is no scope, or no list of scopes.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ScopeError {
    /// No characters where a scope belongs.
    #[error("a scope has at least one character")]
    Empty,
    /// A byte that RFC 6749 §3.3 does not allow in a scope-token.
    #[error("a scope holds a character that RFC 6749 does not allow")]
    Character,
}

/// Refuses what stands in no list of scopes (RFC 6749 §3.3): `%x20-7E` without `"` and `\` are allowed.
fn check_characters(list: &str) -> Result<(), ScopeError> {
    // Without an early end or a branch, so that the compiler looks at many bytes at once.
    let is_stranger = |byte: u8| (byte.wrapping_sub(b' ') > b'~' - b' ') | (byte == b'"') | (byte == b'\\');
    let strangers = list.bytes().fold(0, |found, byte| found | u8::from(is_stranger(byte)));
    if strangers == 0 { Ok(()) } else { Err(ScopeError::Character) }
}

/// The tokens of a list, which a space stands between.
fn cut(list: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    memchr::memchr_iter(b' ', list.as_bytes()).chain([list.len()]).map(move |end| {
        let token = &list[start..end];
        start = end + 1;
        token
    })
}

/// The canonical spelling of a token whose characters are allowed.
fn canonical(token: &str) -> Result<Cow<'_, str>, ScopeError> {
    if token.is_empty() {
        return Err(ScopeError::Empty);
    }
    let Some(colon) = memchr::memchr(b':', token.as_bytes()) else { return Ok(Cow::Borrowed(token)) };
    let (left, right) = (&token[..colon], &token[colon + 1..]);
    // A second colon would stand in `right`, which then is no action.
    if is_action(right) && !is_action(left) && !left.is_empty() {
        return Ok(Cow::Owned(format!("{right}:{left}")));
    }
    Ok(Cow::Borrowed(token))
}

fn is_action(word: &str) -> bool {
    matches!(word, "read" | "write" | "execute" | "delete" | "manage")
}
