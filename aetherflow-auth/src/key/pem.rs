//! PEM as RFC 7468 gives it: one block, no headers, lines of 64 characters.

use pem_rfc7468::decode_vec;
use zeroize::Zeroizing;

use crate::error::ConfigError;

/// Decodes the one block of a text, if it is labelled `label`; other labels are refused by what they hold.
pub(super) fn decode(text: &str, label: &str) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let text = text.trim();
    // The first block's label, so that a traditional file, which RFC 7468 does not cover, is named as what it is.
    let found = text.split_once("-----BEGIN ").and_then(|(_, rest)| rest.split_once("-----"));
    let Some((found, _)) = found else {
        return Err(ConfigError::MalformedPem);
    };
    if found == "ENCRYPTED PRIVATE KEY" || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(ConfigError::EncryptedPem);
    }
    if TRADITIONAL.contains(&found) {
        return Err(ConfigError::TraditionalPem);
    }
    if found != label {
        return Err(ConfigError::PemLabel);
    }
    match decode_vec(text.as_bytes()) {
        Ok((decoded, bytes)) if decoded == label => Ok(Zeroizing::new(bytes)),
        Ok(_) | Err(_) => Err(ConfigError::MalformedPem),
    }
}

const TRADITIONAL: [&str; 5] =
    ["RSA PRIVATE KEY", "EC PRIVATE KEY", "EC PARAMETERS", "DSA PRIVATE KEY", "RSA PUBLIC KEY"];
