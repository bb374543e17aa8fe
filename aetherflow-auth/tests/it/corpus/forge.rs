//! Tokens made by hand: any text as header and claims, signed.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::keys::Signer;
use super::{AUDIENCE, ISSUER};

/// The members of an object in their order, values as they are written.
#[derive(Clone)]
pub(crate) struct Members(Vec<(String, String)>);

impl Members {
    pub(crate) fn header(signer: Signer) -> Self {
        let quoted = |text: &str| format!("\"{text}\"");
        Self::of([
            ("alg", quoted(signer.name())),
            ("typ", quoted("at+jwt")),
            ("kid", quoted(signer.key_id())),
        ])
    }

    pub(crate) fn claims(now: i64) -> Self {
        let quoted = |text: &str| format!("\"{text}\"");
        Self::of([
            ("iss", quoted(ISSUER)),
            ("sub", quoted("alice")),
            ("aud", quoted(AUDIENCE)),
            ("exp", (now + 3600).to_string()),
            ("iat", now.to_string()),
            ("jti", quoted("t1")),
            ("env", quoted("production")),
            ("scope", quoted("read:workflows")),
            ("tenant", quoted("acme")),
            ("plan", quoted("pro")),
            ("ip", r#"["203.0.113.0/24"]"#.to_owned()),
        ])
    }

    fn of<const N: usize>(members: [(&str, String); N]) -> Self {
        Self(members.map(|(name, value)| (name.to_owned(), value)).into())
    }

    /// One member changed, added, or with no value taken away.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        let known = self.0.iter().position(|(known, _)| known == name);
        match known {
            Some(at) if value.is_empty() => drop(self.0.remove(at)),
            Some(at) => self.0[at].1 = value.to_owned(),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    pub(crate) fn reversed(mut self) -> Self {
        self.0.reverse();
        self
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::from("{");
        for (name, value) in &self.0 {
            let comma = if text.len() > 1 { "," } else { "" };
            write!(text, "{comma}\"{name}\":{value}").unwrap();
        }
        text.push('}');
        text
    }
}

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token of any header and claims, signed well.
pub(crate) fn signed(signer: Signer, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    signed_text(signer, &format!("{}.{}", encoded(header), encoded(claims)))
}

/// A text signed as it stands.
pub(crate) fn signed_text(signer: Signer, text: &str) -> String {
    format!("{text}.{}", encoded(signer.sign(text.as_bytes())))
}

pub(crate) fn good(signer: Signer, now: i64) -> String {
    signed(signer, Members::header(signer).text(), Members::claims(now).text())
}

/// Header and claims of a good token, encoded, with the dot between.
pub(crate) fn good_text(signer: Signer, now: i64) -> String {
    good(signer, now).rsplit_once('.').unwrap().0.to_owned()
}
