use chrono::{DateTime, Utc};

use super::parse::{Header, Parts};
use crate::error::{ConfigError, TokenError};
use crate::key::KeySet;

/// Decides whether a JWS is good whose payload is bytes, not claims (RFC 7515).
///
/// Size, form, header and choice of key are judged as for a token. The payload is not looked at, so nothing is said
/// about issuer, audience, time or revocation.
///
/// # Security
///
/// A key that signs different things can have one taken for the other. `typ`, which the signature covers, tells them
/// apart (RFC 8725 §3.11): give each kind of payload a name of its own.
///
/// # Examples
///
/// ```
/// use aetherflow_auth::jwt::JwsVerifier;
/// use aetherflow_auth::key::{KeySet, VerifyingKey};
/// use aetherflow_auth::{Environment, TokenError};
///
/// let key = VerifyingKey::from_jwk(r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#)?;
/// let keys = KeySet::new("https://auth.example", Environment::production(), [key])?;
/// // RFC 8037 A.4
/// let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
///
/// let untyped = JwsVerifier::untyped(keys.clone()).verify_bytes(signed)?;
/// assert_eq!(untyped.payload(), b"Example of Ed25519 signing");
/// let typed = JwsVerifier::new("notice+jws", keys)?.verify_bytes(signed);
/// assert_eq!(typed.unwrap_err(), TokenError::Type);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct JwsVerifier {
    typ: Option<Box<str>>,
    keys: KeySet,
}

impl JwsVerifier {
    /// Demands a `typ`, compared without case and without the prefix `application/` (RFC 7515 §4.1.9).
    ///
    /// # Errors
    ///
    /// [`ConfigError::TokenType`] if `typ` is empty, or one of tokens (`JWT`, `at+jwt`), whose claims only a
    /// [`Verifier`](super::Verifier) judges.
    pub fn new(typ: &str, keys: KeySet) -> Result<Self, ConfigError> {
        let typ = bare(typ);
        if typ.is_empty() || TOKENS.iter().any(|token| typ.eq_ignore_ascii_case(token)) {
            return Err(ConfigError::TokenType);
        }
        Ok(Self { typ: Some(typ.into()), keys })
    }

    /// Demands that there is no `typ`, and so gives up telling apart what the keys sign.
    ///
    /// # Security
    ///
    /// A token of an issuer that names no `typ` is accepted here as bytes. Its claims are not judged.
    #[must_use]
    pub fn untyped(keys: KeySet) -> Self {
        Self { typ: None, keys }
    }

    /// Decides at `now`, which counts for keys that were fetched and may be stale.
    ///
    /// A payload of no bytes is refused: in the compact form it cannot be told from a detached one (RFC 7515 F).
    ///
    /// # Errors
    ///
    /// [`TokenError::TooLong`], [`TokenError::Malformed`], [`TokenError::Header`], [`TokenError::UnknownKey`],
    /// [`TokenError::Algorithm`] or [`TokenError::Signature`] as for a token, then [`TokenError::Type`].
    pub fn verify_bytes_at(
        &self,
        jws: impl AsRef<[u8]>,
        now: DateTime<Utc>,
    ) -> Result<SignedBytes, TokenError> {
        Parts::of(jws.as_ref(), |parts| parts.with_header(|header| self.judge(parts, &header, now)))
    }

    /// Decides now, by the system's clock.
    ///
    /// # Errors
    ///
    /// Those of [`verify_bytes_at`](Self::verify_bytes_at).
    #[expect(clippy::disallowed_methods, reason = "the thin form that reads the clock")]
    pub fn verify_bytes(&self, jws: impl AsRef<[u8]>) -> Result<SignedBytes, TokenError> {
        self.verify_bytes_at(jws, Utc::now())
    }

    fn judge(
        &self,
        parts: &Parts<'_>,
        header: &Header<'_>,
        now: DateTime<Utc>,
    ) -> Result<SignedBytes, TokenError> {
        let keys = self.keys.current_at(now);
        let key = keys.at(self.keys.meant_among(&keys, header.key_id.as_deref(), &header.algorithm, now)?);
        if !key.holds(parts.signed, parts.signature) {
            return Err(TokenError::Signature);
        }
        if !self.accepts_type(header.typ.as_deref()) {
            return Err(TokenError::Type);
        }
        Ok(SignedBytes { payload: parts.payload.to_vec(), key_id: key.id().into() })
    }

    fn accepts_type(&self, found: Option<&str>) -> bool {
        match (&self.typ, found) {
            (None, None) => true,
            (Some(wanted), Some(found)) => bare(found).eq_ignore_ascii_case(wanted),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }
}

/// Bytes that a trusted key did sign; nothing else is known of them.
///
/// Only a [`JwsVerifier`] makes it. It is no [`Verified`](super::Verified): whoever needs a caller cannot be given
/// bytes.
#[derive(Clone, Eq, PartialEq)]
pub struct SignedBytes {
    payload: Vec<u8>,
    key_id: Box<str>,
}

impl SignedBytes {
    /// What was signed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// What was signed, for keeping.
    #[must_use]
    pub fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    /// The id of the key that signed.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }
}

impl std::fmt::Debug for SignedBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedBytes").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

fn bare(typ: &str) -> &str {
    match typ.get(..PREFIX.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => &typ[PREFIX.len()..],
        Some(_) | None => typ,
    }
}

const PREFIX: &str = "application/";
const TOKENS: [&str; 2] = ["JWT", "at+jwt"];
