//! The one credential a request presents.
//!
//! 1. `Authorization: Bearer <b64token>` (RFC 6750 §2.1, the scheme in any case) is a token, `X-API-Key` a key. The
//!    kind is chosen by what is present, never by trial.
//! 2. Two of them, or two fields of one, are refused; an empty `X-API-Key` counts beside another, and alone is none.
//! 3. An `Authorization` of any other form is refused; [`is_b64token`] is asked of a token that is no good.
//! 4. The query parameter `access_token` (RFC 6750 §2.3) is refused: addresses end up in logs.

use std::fmt;

use http::HeaderName;
use http::header::AUTHORIZATION;

use crate::path::hex_pair;
use crate::rejection::Reason;
use crate::request::RequestView;

/// What a request presents, before anything of it is believed.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Presented<'a> {
    Nothing,
    One(Credential<'a>),
    Faulty(Reason),
}

/// A credential as it was sent.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Credential<'a> {
    Token(&'a [u8]),
    Key(&'a [u8]),
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token([redacted])",
            Self::Key(_) => "Key([redacted])",
        })
    }
}

/// Finds the credential of a request.
pub(crate) fn presented<V: RequestView>(view: &V) -> Presented<'_> {
    if view.query().is_some_and(has_access_token) {
        return Presented::Faulty(Reason::TokenInQuery);
    }
    let mut authorization = view.header(&AUTHORIZATION);
    let mut keys = view.header(&X_API_KEY);
    match (authorization.next(), keys.next()) {
        (None, None) => Presented::Nothing,
        (Some(_), Some(_)) => Presented::Faulty(Reason::TwoCredentials),
        (Some(_), None) if authorization.next().is_some() => Presented::Faulty(Reason::TwoCredentials),
        (None, Some(_)) if keys.next().is_some() => Presented::Faulty(Reason::TwoCredentials),
        (Some(field), None) => match bearer(field) {
            Some(token) => Presented::One(Credential::Token(token)),
            None => Presented::Faulty(Reason::NotBearer),
        },
        (None, Some([])) => Presented::Nothing,
        (None, Some(key)) => Presented::One(Credential::Key(key)),
    }
}

/// The token of `Bearer 1*SP b64token`, whose grammar is looked at only if it is no good token.
fn bearer(field: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = field.split_at_checked(SCHEME.len())?;
    let token = rest.trim_ascii_start();
    let gap = &rest[..rest.len() - token.len()];
    let is_bearer =
        scheme.eq_ignore_ascii_case(SCHEME) && !gap.is_empty() && gap.iter().all(|byte| *byte == b' ');
    (is_bearer && !token.is_empty()).then_some(token)
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
pub(crate) fn is_b64token(token: &[u8]) -> bool {
    let padding = token.iter().rev().take_while(|byte| **byte == b'=').count();
    let text = &token[..token.len() - padding];
    !text.is_empty() && text.iter().all(|byte| is_b64_character(*byte))
}

const fn is_b64_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}

fn has_access_token(query: &str) -> bool {
    query.split('&').any(|pair| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        decodes_to(name.as_bytes(), b"access_token")
    })
}

/// Whether the percent-encoded `text` is `want`, compared without allocating.
fn decodes_to(mut text: &[u8], want: &[u8]) -> bool {
    for byte in want {
        let Some((first, rest)) = text.split_first() else { return false };
        let escape = (*first == b'%').then(|| hex_pair(rest)).flatten();
        if escape.unwrap_or(*first) != *byte {
            return false;
        }
        text = if escape.is_some() { &rest[2..] } else { rest };
    }
    text.is_empty()
}

const SCHEME: &[u8] = b"Bearer";
static X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request};

    use super::*;

    #[test]
    fn one_well_formed_credential_is_found() {
        for (field, want) in [
            ("Bearer a.b.c", "a.b.c"),
            ("bearer a.b.c", "a.b.c"),
            ("BEARER a.b.c", "a.b.c"),
            ("Bearer   a.b.c", "a.b.c"),
            ("Bearer a-._~+/9==", "a-._~+/9=="),
        ] {
            let found = request(&[("authorization", field)], "/");
            assert_eq!(presented(&found), Presented::One(Credential::Token(want.as_bytes())), "{field}");
        }
        let found = request(&[("x-api-key", "anything")], "/");
        assert_eq!(presented(&found), Presented::One(Credential::Key(b"anything")));
        assert_eq!(presented(&request(&[], "/?page=2&token=x")), Presented::Nothing);
        assert_eq!(presented(&request(&[("x-api-key", "")], "/")), Presented::Nothing);
    }

    #[test]
    fn exactly_the_characters_of_rfc_6750_make_a_token() {
        let allowed: Vec<u8> = (0..=u8::MAX).filter(|byte| is_b64_character(*byte)).collect();
        assert_eq!(
            str::from_utf8(&allowed),
            Ok("+-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~")
        );
    }

    #[test]
    fn an_authorization_of_another_form_is_refused() {
        for field in [
            "",
            "Bearer",
            "Bearer ",
            "Bearera.b.c",
            "Bearer\ta.b.c",
            "Bearer \ta.b.c",
            "Basic dTpw",
            " Bearer a.b.c",
            "a.b.c",
            "Token a.b.c",
        ] {
            let found = request(&[("authorization", field)], "/");
            assert_eq!(presented(&found), Presented::Faulty(Reason::NotBearer), "{field:?}");
        }
    }

    #[test]
    fn a_token_that_is_none_of_rfc_6750_is_told_when_it_is_asked() {
        for (token, want) in [
            ("a.b.c", true),
            ("a-._~+/9==", true),
            ("a b", false),
            ("a,b", false),
            ("=", false),
            ("==", false),
            ("a=b", false),
            ("a.b.c ", false),
            ("\"a\"", false),
            ("a\u{e9}", false),
            ("a%20", false),
            ("a.b.c, Bearer d.e.f", false),
        ] {
            let found = request(&[("authorization", &format!("Bearer {token}"))], "/");
            assert_eq!(presented(&found), Presented::One(Credential::Token(token.as_bytes())), "{token:?}");
            assert_eq!(is_b64token(token.as_bytes()), want, "{token:?}");
        }
    }

    #[test]
    fn two_credentials_are_refused_whatever_they_are() {
        for (first, second) in [
            (("authorization", "Bearer a"), ("authorization", "Bearer a")),
            (("authorization", "Bearer a"), ("authorization", "Basic b")),
            (("authorization", "Bearer a"), ("x-api-key", "b")),
            (("authorization", "Bearer a"), ("x-api-key", "")),
            (("authorization", "Basic a"), ("x-api-key", "b")),
            (("x-api-key", "a"), ("x-api-key", "a")),
            (("x-api-key", ""), ("x-api-key", "a")),
        ] {
            let found = request(&[first, second], "/");
            assert_eq!(presented(&found), Presented::Faulty(Reason::TwoCredentials), "{first:?} {second:?}");
        }
    }

    #[test]
    fn a_token_in_the_query_is_refused_however_its_name_is_spelt() {
        for query in [
            "access_token=a",
            "access_token=",
            "access_token",
            "a=b&access_token=c",
            "access%5ftoken=a",
            "%61ccess%5Ftoke%6E=a",
            "access_token=a&access_token=b",
        ] {
            let found = request(&[("authorization", "Bearer a")], &format!("/?{query}"));
            assert_eq!(presented(&found), Presented::Faulty(Reason::TokenInQuery), "{query}");
        }
        for query in
            ["access_tokens=a", "xaccess_token=a", "a=access_token", "Access_Token=a", "access_toke%=n", ""]
        {
            assert_eq!(presented(&request(&[], &format!("/?{query}"))), Presented::Nothing, "{query}");
        }
    }

    fn request(fields: &[(&'static str, &str)], path: &str) -> Request<()> {
        let mut request = Request::builder().uri(path);
        for (name, value) in fields {
            request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        request.body(()).unwrap()
    }
}
