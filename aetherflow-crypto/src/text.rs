//! The text form of sealed bytes, for columns and documents that hold text only: `af1.` and base64url.

use crate::OpenError;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Writes sealed bytes as text.
///
/// # Examples
/// ```
/// use aetherflow_crypto::{OpenError, text};
///
/// assert_eq!(text::encode(&[0x01, 0xde, 0xad, 0xbe, 0xef]), "af1.Ad6tvu8");
/// assert_eq!(text::decode("af1.Ad6tvu8"), Ok(vec![0x01, 0xde, 0xad, 0xbe, 0xef]));
/// assert_eq!(text::decode("af1.Ad6tvu8="), Err(text::decode("af2.Ad6tvu8").unwrap_err()));
/// ```
#[must_use]
pub fn encode(sealed: &[u8]) -> String {
    let mut text = PREFIX.to_owned();
    URL_SAFE_NO_PAD.encode_string(sealed, &mut text);
    text
}

/// Reads sealed bytes back; every value has exactly one text form.
///
/// # Errors
/// [`OpenError`] if the text does not begin with `af1.`, or what follows is not canonical base64url: padding, bits
/// left over, another alphabet, white space.
pub fn decode(text: &str) -> Result<Vec<u8>, OpenError> {
    let encoded = text.strip_prefix(PREFIX).ok_or(OpenError)?;
    URL_SAFE_NO_PAD.decode(encoded).map_err(|_| OpenError)
}

const PREFIX: &str = "af1.";
