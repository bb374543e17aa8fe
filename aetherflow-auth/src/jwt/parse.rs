//! The compact form of a JWS (RFC 7515 §3.1, §7.1): three canonical base64url parts, and a strict header.

use std::borrow::Cow;
use std::mem::MaybeUninit;

use base64_simd::{AsOut as _, URL_SAFE_NO_PAD};

use super::json::{Malformed, Walker};
use crate::error::TokenError;

/// A token in its three parts, each of them canonical base64url; nothing is believed yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'p> {
    /// Encoded.
    pub(crate) header: &'p [u8],
    pub(crate) payload: &'p [u8],
    pub(crate) signature: &'p [u8],
    /// Header and payload as they were sent, with the dot between: what the signature is over.
    pub(crate) signed: &'p [u8],
}

impl Parts<'_> {
    /// Cuts a token, whose length is looked at before anything else, and hands its parts to `read`.
    pub(crate) fn of<T>(
        token: &[u8],
        read: impl FnOnce(&Parts<'_>) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::TooLong);
        }
        let (header, rest) = cut(token)?;
        if header.len() > MAX_HEADER {
            return Err(TokenError::TooLong);
        }
        // A third dot would be a character of the signature, and is none of base64url.
        let (payload, signature) = cut(rest)?;
        let signed = &token[..header.len() + 1 + payload.len()];
        let (mut payload_room, mut signature_room) =
            ([MaybeUninit::uninit(); MAX_TOKEN], [MaybeUninit::uninit(); MAX_SIGNATURE]);
        let (payload, signature) =
            (decode(payload, &mut payload_room)?, decode(signature, &mut signature_room)?);
        read(&Parts { header, payload, signature, signed })
    }

    /// Decodes the header and hands what it says to `read`.
    pub(crate) fn with_header<T>(
        &self,
        read: impl FnOnce(Header<'_>) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let mut room = [MaybeUninit::uninit(); MAX_HEADER];
        read(Header::read(text(decode(self.header, &mut room)?)?)?)
    }

    /// Whether the header is canonical base64url.
    pub(crate) fn check_header(&self) -> Result<(), TokenError> {
        decode(self.header, &mut [MaybeUninit::uninit(); MAX_HEADER]).map(|_| ())
    }

    /// The payload as the text of claims.
    pub(crate) fn claims(&self) -> Result<&str, TokenError> {
        text(self.payload)
    }
}

/// What stands before the first dot, which is something, and what behind it.
fn cut(token: &[u8]) -> Result<(&[u8], &[u8]), TokenError> {
    match memchr::memchr(b'.', token) {
        None | Some(0) => Err(TokenError::Malformed),
        Some(dot) => Ok((&token[..dot], &token[dot + 1..])),
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

fn text(bytes: &[u8]) -> Result<&str, TokenError> {
    std::str::from_utf8(bytes).map_err(|_| TokenError::Malformed)
}

/// Decodes canonical base64url: no padding, and the bits that no byte uses are zero (RFC 4648 §3.5).
fn decode<'r>(part: &[u8], room: &'r mut [MaybeUninit<u8>]) -> Result<&'r [u8], TokenError> {
    // What is decoded is shorter than what it is decoded from.
    if part.is_empty() || part.len() > room.len() {
        return Err(TokenError::Malformed);
    }
    let decoded = URL_SAFE_NO_PAD.decode(part, room.as_out());
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

    use super::{Cow, MAX_HEADER, MAX_SIGNATURE, MAX_TOKEN, MaybeUninit, Parts, TokenError, decode};

    fn header_of(text: &str) -> Result<(String, Option<String>, Option<String>), TokenError> {
        let token = format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(text));
        Parts::of(token.as_bytes(), |parts| {
            parts.with_header(|header| {
                let owned = |text: Cow<'_, str>| text.into_owned();
                Ok((owned(header.algorithm), header.key_id.map(owned), header.typ.map(owned)))
            })
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
        let cut = |token: &str| {
            Parts::of(token.as_bytes(), |parts| Ok([parts.signed, parts.payload].map(<[u8]>::to_vec)))
        };
        assert_eq!(cut("e30.e30.c2ln").unwrap(), [b"e30.e30".to_vec(), b"{}".to_vec()]);
        for token in
            ["", ".", "..", "a.b", "e30.e30.", ".e30.c2ln", "e30..c2ln", "e30.e30.c2ln.", "a.b.c.d.e"]
        {
            assert_eq!(cut(token).unwrap_err(), TokenError::Malformed, "{token}");
        }
        for part in ["e30=", "e31", "e3 0", "e3+0", "e", "é30"] {
            for token in [format!("e30.{part}.c2ln"), format!("e30.e30.{part}")] {
                assert_eq!(cut(&token).unwrap_err(), TokenError::Malformed, "{token}");
            }
        }
    }

    #[test]
    fn sizes_are_refused_before_anything_is_decoded() {
        let longest = format!("e30.{}.c2ln", "A".repeat(MAX_TOKEN - 9));
        let signed = |token: &str| Parts::of(token.as_bytes(), |parts| Ok(parts.signed.len()));
        assert_eq!(signed(&longest), Ok(MAX_TOKEN - 5));
        assert_eq!(signed(&format!("{longest}A")), Err(TokenError::TooLong));
        assert_eq!(signed(&format!("{}.e30.c2ln", "A".repeat(MAX_HEADER + 1))), Err(TokenError::TooLong));
        let signed_by = |characters: usize| format!("e30.e30.{}", "A".repeat(characters));
        let length = |token: &str| Parts::of(token.as_bytes(), |parts| Ok(parts.signature.len()));
        assert_eq!(length(&signed_by(MAX_SIGNATURE)), Ok(1_024));
        assert_eq!(length(&signed_by(MAX_SIGNATURE + 2)), Err(TokenError::Malformed));
    }

    proptest! {
        #[test]
        fn a_part_is_decoded_as_the_strict_scalar_decoder_does(part in "[-_A-Za-z0-9]{1,80}[-_A-Za-z0-9+/= .]{0,4}") {
            let mut room = [MaybeUninit::uninit(); MAX_HEADER];
            let want = URL_SAFE_NO_PAD.decode(&part).map_err(|_| TokenError::Malformed);
            prop_assert_eq!(decode(part.as_bytes(), &mut room).map(<[u8]>::to_vec), want);
        }
    }
}
