//! What can go wrong: once for the operator, once for a request.

use thiserror::Error;

/// Why keys, rules or peppers were refused when they were built.
///
/// For the operator: every variant names one mistake in the configuration.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// Neither the feature `aws-lc-rs` nor `rust-crypto` is on.
    #[error("no cryptographic backend: turn on the feature `aws-lc-rs` or `rust-crypto`")]
    NoBackend,
    /// A secret is shorter than the hash it keys (RFC 7518 §3.2).
    #[error("the secret has fewer than {least} bytes")]
    ShortSecret {
        /// The least number of bytes.
        least: usize,
    },
    /// An RSA modulus below 2,048 or above 8,192 bits.
    #[error("the RSA modulus must have 2048 to 8192 bits")]
    RsaSize,
    /// An RSA modulus longer than the backend verifies with: 4,096 bits with `rust-crypto`.
    #[error("the RSA modulus has more bits than this backend verifies with")]
    RsaBackendSize,
    /// An even RSA modulus, which has 2 as a factor.
    #[error("the RSA modulus is even")]
    RsaEven,
    /// An RSA exponent that is even, below 65,537 or above 32 bits.
    #[error("the RSA exponent must be odd, at least 65537 and of at most 32 bits")]
    RsaExponent,
    /// An RSA modulus with the fingerprint of CVE-2017-15361 (ROCA).
    #[error("the RSA modulus has the ROCA weakness (CVE-2017-15361)")]
    RsaRoca,
    /// A public key that is no point of its curve.
    #[error("the public key is not a point of its curve")]
    OffCurve,
    /// An Ed25519 point with a part of small order, which no private key has as its public half.
    #[error("the public key has a part of small order")]
    SmallOrder,
    /// A point written with one coordinate only.
    #[error("the public key is a compressed point")]
    CompressedPoint,
    /// A key of another type or curve than the algorithm it is to serve.
    #[error("the key is of another type or curve than the algorithm")]
    WrongKeyType,
    /// A text that is no block of RFC 7468.
    #[error("the text is not one PEM block of the strict form of RFC 7468")]
    MalformedPem,
    /// A PEM block that holds a key under a password.
    #[error("the PEM is encrypted: decrypt it with `openssl pkey` first")]
    EncryptedPem,
    /// A PEM block of the forms before PKCS#8 and SubjectPublicKeyInfo.
    #[error("the PEM is of a traditional form: convert it with `openssl pkey` first")]
    TraditionalPem,
    /// A PEM block that holds something else than is asked for, such as a certificate.
    #[error("the PEM block is labelled as something else than the key asked for")]
    PemLabel,
    /// Bytes that are no key of the named algorithm.
    #[error("the key cannot be read as one of its algorithm")]
    UnreadableKey,
    /// The algorithm signs only with another backend, or not at all.
    #[error("this backend does not sign with the algorithm")]
    CannotSign,
    /// A JWK or JWKS that is not strict JSON of the form RFC 7517 gives.
    #[error("the JWK is not of the form RFC 7517 gives")]
    MalformedJwk,
    /// A key type, curve or algorithm outside those listed in [`Algorithm`](crate::key::Algorithm).
    #[error("the JWK names a key type, curve or algorithm that is not supported")]
    UnsupportedJwk,
    /// `use`, `key_ops`, `alg` and `crv` of a JWK that do not agree on verifying.
    #[error("use, key_ops, alg and crv of the JWK disagree")]
    ContradictoryJwk,
    /// A private key where a public one belongs.
    #[error("the JWK holds a private key")]
    PrivateJwk,
    /// A public key where a private one belongs.
    #[error("the JWK holds no private key")]
    PublicJwk,
    /// A JWK whose private and public members belong to different keys.
    #[error("the private and public members of the JWK belong to different keys")]
    MismatchedJwk,
    /// A key id of no characters or of more than 256.
    #[error("a key id has 1 to 256 characters")]
    KeyId,
    /// Two keys of one set share an id.
    #[error("two keys of the set share an id")]
    DuplicateKeyId,
    /// A set that holds both shared secrets and public keys.
    #[error("a key set mixes shared secrets and public keys")]
    MixedKeySet,
    /// A key set, pepper or signing key of another environment.
    #[error("keys of different environments are mixed")]
    MixedEnvironments,
    /// A key set that is refreshed already.
    #[error("the key set has a refresh already")]
    DuplicateRefresh,
    /// Rules and key set that name different issuers.
    #[error("the rules and the key set name different issuers")]
    MixedIssuers,
    /// Two key sets for one issuer.
    #[error("the issuer is trusted twice")]
    DuplicateIssuer,
    /// An empty issuer, audience or other name.
    #[error("an issuer, an audience and a name have at least one character")]
    EmptyName,
    /// A leeway above 60 seconds, or below none.
    #[error("the leeway is 0 to 60 seconds")]
    Leeway,
    /// A greatest token age that is not positive.
    #[error("the greatest age of a token is more than nothing")]
    MaxAge,
    /// A claim that cannot be given another meaning, or has one already.
    #[error("a claim's name is empty, registered or used twice")]
    ClaimName,
    /// A token type that says nothing.
    #[error("the type of a token is a name of its own, not `JWT`")]
    TokenType,
    /// A rotation whose times cannot all be kept.
    #[error("the ages, overlaps, reminders and lifetimes of the rotation cannot all be kept")]
    Rotation,
    /// Two peppers share an id.
    #[error("two peppers share an id")]
    DuplicatePepper,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}

/// Why a token was refused.
///
/// For the operator and the audit log; a caller is told one text for all of them.
#[derive(Clone, Copy, Debug, Eq, Error, Hash, PartialEq)]
#[non_exhaustive]
pub enum TokenError {
    /// Longer than 8 KiB, or a header longer than 2 KiB.
    #[error("the token is too long")]
    TooLong,
    /// Not three canonical base64url parts of strict JSON, or a registered member of another type.
    #[error("the token is malformed")]
    Malformed,
    /// The header holds `crit`, an embedded key, an encryption member, or another one that changes how it is read.
    #[error("the header holds a member that is refused")]
    Header,
    /// The header's `alg` is not the key's.
    #[error("the algorithm is not the key's")]
    Algorithm,
    /// No key, or more than one, fits the header.
    #[error("no key fits")]
    UnknownKey,
    /// The signature does not hold.
    #[error("the signature does not hold")]
    Signature,
    /// `typ` is not one the rules accept.
    #[error("the type is not accepted")]
    Type,
    /// A claim the rules demand is absent.
    #[error("a mandatory claim is absent")]
    MissingClaim,
    /// `iss` is no trusted issuer, or not the key's.
    #[error("the issuer is not the key's")]
    Issuer,
    /// `aud` does not name this service.
    #[error("the audience is another")]
    Audience,
    /// `env` is not this environment.
    #[error("the environment is another")]
    Environment,
    /// `exp` is now or past.
    #[error("the token is expired")]
    Expired,
    /// `nbf` is still to come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` is further ahead than clocks may differ.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// `exp - iat` is above the greatest age.
    #[error("the token lives too long")]
    Lifetime,
    /// The token names a plan or a tenant beyond what its issuer may give.
    #[error("the plan or tenant is beyond the issuer's ceiling")]
    Ceiling,
    /// `cnf` binds the token to a key, and nothing proves the binding.
    #[error("the token is bound to a key that was not proven")]
    Bound,
    /// The token's id, subject, client or key is revoked.
    #[error("the token is revoked")]
    Revoked,
    /// Nothing says against the token, but what other nodes revoked is not known: the feed is lost, or not there yet.
    #[error("what is revoked is not known")]
    RevocationsUnknown,
    /// The claims do not fit the type the caller asked for.
    #[error("the claims do not fit the type asked for")]
    Claims,
}

impl TokenError {
    /// Whether a trusted key did sign the token, so that only its claims or its time were refused.
    ///
    /// Failure budgets count the others: guesses, not worn-out credentials.
    #[must_use]
    pub fn is_genuine(self) -> bool {
        match self {
            Self::TooLong
            | Self::Malformed
            | Self::Header
            | Self::Algorithm
            | Self::UnknownKey
            | Self::Signature => false,
            Self::Type
            | Self::MissingClaim
            | Self::Issuer
            | Self::Audience
            | Self::Environment
            | Self::Expired
            | Self::NotYetValid
            | Self::IssuedInFuture
            | Self::Lifetime
            | Self::Ceiling
            | Self::Bound
            | Self::Revoked
            | Self::RevocationsUnknown
            | Self::Claims => true,
        }
    }
}

/// Why no token was minted.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum MintError {
    /// The grant names another environment than the signing key.
    #[error("the signing key is of another environment")]
    Environment,
    /// A lifetime that is not positive or above 90 days.
    #[error("a token lives more than nothing and at most 90 days")]
    Lifetime,
    /// An empty subject, audience, tenant, plan or client.
    #[error("a subject, an audience and every other name has at least one character")]
    EmptyName,
    /// The token would be longer than a verifier accepts (8 KiB).
    #[error("the token would be too long")]
    TooLong,
    /// The backend did not sign.
    #[error("the backend did not sign")]
    Backend,
}
