//! The compact form of a JWS (RFC 7515 §3.1, §7.1): three canonical base64url parts, and a strict header.

use std::borrow::Cow;
use std::mem::MaybeUninit;

use base64_simd::{AsOut as _, URL_SAFE_NO_PAD};

use super::json::{Malformed, Walker};
use crate::error::TokenError;

/// A token cut at its two dots; nothing is decoded or believed yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compact<'t> {
    /// Encoded.
    pub(crate) header: &'t str,
    claims: &'t str,
    signature: &'t str,
    /// Header and claims with the dot between: what the signature is over.
    pub(crate) signed: &'t str,
}

impl<'t> Compact<'t> {
    /// Cuts a token, whose length is looked at before anything else.
    pub(crate) fn cut(token: &'t str) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::TooLong);
        }
        let mut dots = memchr::memchr_iter(b'.', token.as_bytes());
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(TokenError::Malformed);
        };
        if first > MAX_HEADER {
            return Err(TokenError::TooLong);
        }
        let (header, claims, signature) = (&token[..first], &token[first + 1..second], &token[second + 1..]);
        if header.is_empty() || claims.is_empty() || signature.is_empty() {
            return Err(TokenError::Malformed);
        }
        Ok(Self { header, claims, signature, signed: &token[..second] })
    }

    /// Decodes the header and hands what it says to `read`.
    pub(crate) fn with_header<T>(
        &self,
        read: impl FnOnce(Header<'_>) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let mut room = [MaybeUninit::uninit(); MAX_HEADER];
        read(Header::read(text(self.header, &mut room)?)?)
    }

    /// Decodes the claims and hands their text to `read`.
    pub(crate) fn with_claims<T>(
        &self,
        read: impl FnOnce(&str) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let mut room = [MaybeUninit::uninit(); MAX_TOKEN];
        read(text(self.claims, &mut room)?)
    }

    /// Decodes what is signed, whatever it is.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, TokenError> {
        let mut room = [MaybeUninit::uninit(); MAX_TOKEN];
        decode(self.claims, &mut room).map(<[u8]>::to_vec)
    }

    /// Decodes the signature and hands it to `check`.
    pub(crate) fn with_signature<T>(&self, check: impl FnOnce(&[u8]) -> T) -> Result<T, TokenError> {
        let mut room = [MaybeUninit::uninit(); MAX_SIGNATURE];
        decode(self.signature, &mut room).map(check)
    }
}

/// What a JOSE header says that matters here.
#[derive(Debug)]
pub(crate) struct Header<'h> {
    pub(crate) algorithm: Cow<'h, str>,
    pub(crate) key_id: Option<Cow<'h, str>>,
    pub(crate) typ: Option<Cow<'h, str>>,
}

impl<'h> Header<'h> {
    fn read(text: &'h str) -> Result<Self, TokenError> {
        let (mut algorithm, mut key_id, mut typ, mut refused) = (None, None, None, false);
        let walked = Walker::new(text).whole_object(|name, walker| {
            match name {
                "alg" => algorithm = Some(walker.string()?),
                "kid" => key_id = Some(walker.string()?),
                "typ" => typ = Some(walker.string()?),
                "cty" => refused |= is_jwt(&walker.string()?),
                // RFC 7797: with `b64` false the signature is over other bytes than those read here.
                "b64" => refused |= !walker.boolean()?,
                _ if REFUSED.contains(&name) => {
                    refused = true;
                    walker.skip()?;
                }
                _ => walker.skip()?,
            }
            Ok(())
        });
        match walked {
            Err(Malformed) => Err(TokenError::Malformed),
            Ok(()) if refused => Err(TokenError::Header),
            Ok(()) => Ok(Self { algorithm: algorithm.ok_or(TokenError::Malformed)?, key_id, typ }),
        }
    }
}

fn is_jwt(content_type: &str) -> bool {
    let bare = content_type.strip_prefix("application/").unwrap_or(content_type);
    bare.eq_ignore_ascii_case("jwt")
}

fn text<'r>(part: &str, room: &'r mut [MaybeUninit<u8>]) -> Result<&'r str, TokenError> {
    std::str::from_utf8(decode(part, room)?).map_err(|_| TokenError::Malformed)
}

/// Decodes canonical base64url: no padding, and the bits that no byte uses are zero (RFC 4648 §3.5).
fn decode<'r>(part: &str, room: &'r mut [MaybeUninit<u8>]) -> Result<&'r [u8], TokenError> {
    // What is decoded is shorter than what it is decoded from.
    if part.len() > room.len() {
        return Err(TokenError::Malformed);
    }
    let decoded = URL_SAFE_NO_PAD.decode(part.as_bytes(), room.as_out());
    decoded.map(|bytes| &*bytes).map_err(|_| TokenError::Malformed)
}

/// Bytes of a token that are looked at; longer ones are refused unread.
pub(crate) const MAX_TOKEN: usize = 8 * 1024;
const MAX_HEADER: usize = 2 * 1024;
/// An RSA signature of 8,192 bits, encoded.
const MAX_SIGNATURE: usize = 1_366;

/// Members that bring a key along, change what is signed, or belong to encryption (RFC 7515 §4.1, RFC 7516 §4.1,
/// RFC 7518 §4). `crit` is here whatever it lists: no extension is understood.
const REFUSED: [&str; 14] =
    ["crit", "jwk", "jku", "x5u", "x5c", "zip", "enc", "epk", "apu", "apv", "iv", "tag", "p2s", "p2c"];

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use proptest::prelude::*;

    use super::{Compact, Cow, MAX_HEADER, MAX_SIGNATURE, MAX_TOKEN, MaybeUninit, TokenError, decode};

    fn header_of(text: &str) -> Result<(String, Option<String>, Option<String>), TokenError> {
        let token = format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(text));
        Compact::cut(&token)?.with_header(|header| {
            let owned = |text: Cow<'_, str>| text.into_owned();
            Ok((owned(header.algorithm), header.key_id.map(owned), header.typ.map(owned)))
        })
    }

    #[test]
    fn a_header_gives_its_algorithm_key_id_and_type() {
        let (algorithm, key_id, typ) =
            header_of(r#"{"typ":"at+jwt","x5t":"abc","\u0061lg":"ES256","other":{"a":[1]},"kid":"k1","cty":"x","b64":true}"#)
                .unwrap();
        assert_eq!(
            (algorithm.as_str(), key_id.as_deref(), typ.as_deref()),
            ("ES256", Some("k1"), Some("at+jwt"))
        );
    }

    #[test]
    fn members_that_change_how_a_token_is_read_are_refused_whatever_they_hold() {
        for member in [
            r#""crit":["exp"]"#,
            r#""crit":[]"#,
            r#""crit":null"#,
            r#""crit":["b64"],"b64":true"#,
            r#""b64":false"#,
            r#""jwk":{}"#,
            r#""\u006awk":{}"#,
            r#""jku":"https://keys.example""#,
            r#""x5u":"https://keys.example""#,
            r#""x5c":[]"#,
            r#""zip":"DEF""#,
            r#""enc":"A256GCM""#,
            r#""epk":{}"#,
            r#""p2c":1"#,
            r#""cty":"JWT""#,
            r#""cty":"application/jwt""#,
        ] {
            assert_eq!(
                header_of(&format!(r#"{{"alg":"ES256",{member}}}"#)).unwrap_err(),
                TokenError::Header,
                "{member}"
            );
        }
    }

    #[test]
    fn headers_that_are_no_strict_object_are_malformed() {
        for text in [
            r#"["ES256"]"#,
            r#"{"typ":"JWT"}"#,
            r#"{"alg":null}"#,
            r#"{"alg":["ES256"]}"#,
            r#"{"alg":"ES256","alg":"ES256"}"#,
            r#"{"alg":"ES256","kid":7}"#,
            r#"{"alg":"ES256","kid":null}"#,
            r#"{"alg":"ES256","typ":{}}"#,
            r#"{"alg":"ES256","cty":1}"#,
            r#"{"alg":"ES256","b64":"true"}"#,
            r#"{"alg":"ES256"} "x""#,
        ] {
            assert_eq!(header_of(text).unwrap_err(), TokenError::Malformed, "{text}");
        }
    }

    #[test]
    fn only_three_canonical_parts_are_cut_and_decoded() {
        assert_eq!(Compact::cut("e30.e30.c2ln").unwrap().signed, "e30.e30");
        for token in
            ["", ".", "..", "a.b", "e30.e30.", ".e30.c2ln", "e30..c2ln", "e30.e30.c2ln.", "a.b.c.d.e"]
        {
            assert_eq!(Compact::cut(token).unwrap_err(), TokenError::Malformed, "{token}");
        }
        for claims in ["e30=", "e31", "e3 0", "e3+0", "e", "é30"] {
            let token = format!("e30.{claims}.c2ln");
            let cut = Compact::cut(&token).unwrap();
            assert_eq!(cut.with_claims(|_| Ok(())), Err(TokenError::Malformed), "{claims}");
        }
    }

    #[test]
    fn sizes_are_refused_before_anything_is_decoded() {
        let longest = format!("e30.{}.c2ln", "A".repeat(MAX_TOKEN - 9));
        assert_eq!(Compact::cut(&longest).unwrap().signed.len(), MAX_TOKEN - 5);
        assert_eq!(Compact::cut(&format!("{longest}A")).unwrap_err(), TokenError::TooLong);
        assert_eq!(
            Compact::cut(&format!("{}.e30.c2ln", "A".repeat(MAX_HEADER + 1))).unwrap_err(),
            TokenError::TooLong
        );
        let signed_by = |characters: usize| format!("e30.e30.{}", "A".repeat(characters));
        let length = |token: &str| Compact::cut(token).and_then(|cut| cut.with_signature(<[u8]>::len));
        assert_eq!(length(&signed_by(MAX_SIGNATURE)), Ok(1_024));
        assert_eq!(length(&signed_by(MAX_SIGNATURE + 2)), Err(TokenError::Malformed));
    }

    proptest! {
        #[test]
        fn a_part_is_decoded_as_the_strict_scalar_decoder_does(part in "[-_A-Za-z0-9]{0,80}[-_A-Za-z0-9+/= .]{0,4}") {
            let mut room = [MaybeUninit::uninit(); MAX_HEADER];
            let want = URL_SAFE_NO_PAD.decode(&part).map_err(|_| TokenError::Malformed);
            prop_assert_eq!(decode(&part, &mut room).map(<[u8]>::to_vec), want);
        }
    }
}
