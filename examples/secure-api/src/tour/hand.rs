//! Tokens signed by hand: what no minter of ours makes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::Signer;
use thiserror::Error;

/// Signs whatever it is given with a key for ES256.
#[derive(Debug)]
pub(super) struct Hand(Box<dyn Signer>);

/// Why nothing was signed.
#[derive(Debug, Error)]
pub(super) enum SignatureError {
    #[error("{0}")]
    Key(#[from] rustls::Error),
    #[error("the key is none for ES256")]
    Scheme,
    #[error("the signature is not of its form")]
    Form,
    #[error("the token is not of its form")]
    Token,
}

impl Hand {
    /// Takes a private key in PKCS#8.
    pub(super) fn new(pkcs8: &[u8]) -> Result<Self, SignatureError> {
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8.to_vec()));
        let key = default_provider().key_provider.load_private_key(der)?;
        let signer = key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]);
        signer.map(Self).ok_or(SignatureError::Scheme)
    }

    /// The token of header and payload under one signature: as JWS writes it (RFC 7518 §3.4), and in DER.
    pub(super) fn sign_in_both_forms(&self, signed: &str) -> Result<(String, String), SignatureError> {
        let der = self.0.sign(signed.as_bytes())?;
        let plain = plain(&der).ok_or(SignatureError::Form)?;
        Ok((format!("{signed}.{}", encoded(&plain)), format!("{signed}.{}", encoded(&der))))
    }

    /// The token with one member more in its header, signed anew.
    pub(super) fn with_header_member(&self, token: &str, member: &str) -> Result<String, SignatureError> {
        let (header, rest) = token.split_once('.').ok_or(SignatureError::Token)?;
        let (payload, _) = rest.split_once('.').ok_or(SignatureError::Token)?;
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| SignatureError::Token)?;
        let header = String::from_utf8(header).map_err(|_| SignatureError::Token)?;
        let members = header.strip_suffix('}').ok_or(SignatureError::Token)?;
        let header = encoded(format!("{members},{member}}}").as_bytes());
        Ok(self.sign_in_both_forms(&format!("{header}.{payload}"))?.0)
    }
}

/// Bytes as JWS spells them.
pub(super) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The two numbers of a DER signature of P-256, 32 bytes each.
fn plain(der: &[u8]) -> Option<Vec<u8>> {
    let (r, rest) = number(der.strip_prefix(&[0x30])?.get(1..)?)?;
    let (s, _) = number(rest)?;
    Some([r, s].concat())
}

fn number(der: &[u8]) -> Option<([u8; 32], &[u8])> {
    let (length, rest) = der.strip_prefix(&[0x02])?.split_first()?;
    let (digits, rest) = rest.split_at_checked(usize::from(*length))?;
    // A zero before a high bit, which keeps the number positive, is none of its 32 bytes.
    let digits = digits.get(digits.len().saturating_sub(32)..)?;
    let mut number = [0; 32];
    number[32 - digits.len()..].copy_from_slice(digits);
    Some((number, rest))
}
