use std::fmt;

use aetherflow_auth::TokenError;
use aetherflow_auth::api_key::ApiKeyError;

/// Why a request was refused, for the operator.
///
/// Many reasons share one public answer, so that it says nothing about which credentials exist.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The accept loop inserted no [`Connection`](crate::Connection).
    NoConnection,
    /// The request came over plain HTTP.
    PlainHttp,
    /// The gate's own address rules.
    AddressRule,
    /// Too many failed credentials came from the address.
    FailureBudget,
    /// The path could be read in two ways.
    AmbiguousPath,
    /// `Authorization` is no `Bearer` and one b64token.
    NotBearer,
    /// Two credentials, or two fields of one.
    TwoCredentials,
    /// The query holds `access_token`.
    TokenInQuery,
    /// No credential.
    NoCredential,
    /// The token did not verify.
    Token(TokenError),
    /// The API key did not verify.
    Key(ApiKeyError),
    /// An API key, where the gate keeps none.
    UnknownKey,
    /// The store of API keys is out of reach.
    KeyStore,
    /// A window of the plan is used up.
    PlanLimit,
    /// No route is listed for the path.
    Unlisted,
    /// The path is listed, the method is not.
    Method,
    /// The route does not take this kind of credential.
    OtherKind,
    /// The route no longer takes API keys.
    AfterSunset,
    /// A third party's credential on a route that refuses them.
    ThirdParty,
    /// The plan does not include the route.
    OtherPlan,
    /// A scope the route demands is missing.
    MissingScope,
    /// The address is not on the credential's own list.
    OffCredentialsList,
    /// The address is not on the route's list.
    OffRoutesList,
    /// The handler was registered under another policy than the gate decided by, or behind no gate.
    OtherPolicy,
}

impl Reason {
    /// The reason in words, as the audit event has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoConnection => "the request carries no connection: insert one in the accept loop",
            Self::PlainHttp => "plain HTTP",
            Self::AddressRule => "an address rule of the gate",
            Self::FailureBudget => "the failure budget of the address is spent",
            Self::AmbiguousPath => "an ambiguous path",
            Self::NotBearer => "an Authorization field that is no bearer token",
            Self::TwoCredentials => "two credentials",
            Self::TokenInQuery => "a token in the query",
            Self::NoCredential => "no credential",
            Self::Token(error) => token_reason(error),
            Self::Key(error) => key_reason(error),
            Self::UnknownKey => "API key: none is kept here",
            Self::KeyStore => "the store of API keys is out of reach",
            Self::PlanLimit => "the plan's limit",
            Self::Unlisted => "no such route",
            Self::Method => "no such method of the route",
            Self::OtherKind => "another kind of credential than the route takes",
            Self::AfterSunset => "an API key after its sunset",
            Self::ThirdParty => "a third party's credential",
            Self::OtherPlan => "another plan than the route demands",
            Self::MissingScope => "a scope is missing",
            Self::OffCredentialsList => "an address off the credential's list",
            Self::OffRoutesList => "an address off the route's list",
            Self::OtherPolicy => "the handler is registered under another policy than the gate decided by",
        }
    }

    /// Whether the credential may have been a guess: it failed its checksum, parse, key look-up, signature or MAC.
    ///
    /// A genuine credential that is expired, revoked or out of place costs its address nothing, and neither does one
    /// that was refused without look-up or cryptography.
    pub(crate) fn is_charged(self) -> bool {
        match self {
            Self::Token(error) => !error.is_genuine(),
            Self::Key(ApiKeyError::Environment) => false,
            Self::Key(error) => !error.is_genuine(),
            Self::UnknownKey => true,
            Self::NoConnection
            | Self::PlainHttp
            | Self::AddressRule
            | Self::FailureBudget
            | Self::AmbiguousPath
            | Self::NotBearer
            | Self::TwoCredentials
            | Self::TokenInQuery
            | Self::NoCredential
            | Self::KeyStore
            | Self::PlanLimit
            | Self::Unlisted
            | Self::Method
            | Self::OtherKind
            | Self::AfterSunset
            | Self::ThirdParty
            | Self::OtherPlan
            | Self::MissingScope
            | Self::OffCredentialsList
            | Self::OffRoutesList
            | Self::OtherPolicy => false,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const fn token_reason(error: TokenError) -> &'static str {
    match error {
        TokenError::TooLong => "token: too long",
        TokenError::Malformed => "token: malformed",
        TokenError::Header => "token: a header member that is refused",
        TokenError::Algorithm => "token: another algorithm than the key's",
        TokenError::UnknownKey => "token: no key fits",
        TokenError::Signature => "token: the signature does not hold",
        TokenError::Type => "token: another type",
        TokenError::MissingClaim => "token: a mandatory claim is absent",
        TokenError::Issuer => "token: another issuer",
        TokenError::Audience => "token: another audience",
        TokenError::Environment => "token: another environment",
        TokenError::Expired => "token: expired",
        TokenError::NotYetValid => "token: not valid yet",
        TokenError::IssuedInFuture => "token: issued in the future",
        TokenError::Lifetime => "token: lives too long",
        TokenError::Ceiling => "token: a plan or tenant beyond its issuer's",
        TokenError::Bound => "token: bound to a key that was not proven",
        TokenError::Revoked => "token: revoked",
        TokenError::RevocationsUnknown => "token: what other nodes revoked is not known",
        _ => "token: refused",
    }
}

const fn key_reason(error: ApiKeyError) -> &'static str {
    match error {
        ApiKeyError::Malformed => "API key: malformed",
        ApiKeyError::Checksum => "API key: the checksum does not hold",
        ApiKeyError::Environment => "API key: another environment",
        ApiKeyError::Unknown => "API key: not on record",
        ApiKeyError::UnknownPepper => "API key: its pepper is not configured",
        ApiKeyError::Mismatch => "API key: not the recorded one",
        ApiKeyError::Expired => "API key: expired",
        _ => "API key: refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_have_been_a_guess_is_charged() {
        for (reason, want) in [
            (Reason::UnknownKey, true),
            (Reason::Token(TokenError::Signature), true),
            (Reason::Token(TokenError::UnknownKey), true),
            (Reason::Key(ApiKeyError::Mismatch), true),
            (Reason::Key(ApiKeyError::Checksum), true),
            (Reason::Token(TokenError::Revoked), false),
            (Reason::Token(TokenError::RevocationsUnknown), false),
            (Reason::Key(ApiKeyError::Expired), false),
            (Reason::Key(ApiKeyError::Environment), false),
            (Reason::KeyStore, false),
            (Reason::NoCredential, false),
        ] {
            assert_eq!(reason.is_charged(), want, "{reason}");
        }
    }
}
