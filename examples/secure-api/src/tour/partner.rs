//! Another service whose tokens the server accepts, and the tokens it makes: good ones, and each kind of bad one.

use aetherflow_auth::jwt::{Grant, Minter};
use aetherflow_auth::key::{Algorithm, KeySet, SigningKey};
use aetherflow_auth::{ConfigError, Environment, MintError, ScopeSet};
use chrono::{TimeDelta, Utc};
use thiserror::Error;

use super::client::Secret;
use crate::cli::Options;

/// The holder of a key the server was told to trust.
#[derive(Debug)]
pub(super) struct Partner {
    audience: String,
    minter: Minter,
    elsewhere: Minter,
    jwks: String,
}

/// Why there is no token.
#[derive(Debug, Error)]
pub(super) enum PartnerError {
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Mint(#[from] MintError),
    #[error("the key has no private form")]
    Private,
}

impl Partner {
    /// Draws a key.
    pub(super) fn new() -> Result<Self, PartnerError> {
        let Options { issuer, audience, .. } = Options::default();
        let key = SigningKey::generate(Algorithm::Es256, Environment::production())?;
        let same = key.to_pkcs8().ok_or(PartnerError::Private)?;
        let jwks = KeySet::new(&issuer, Environment::production(), [key.verifying_key()])?.to_jwks();
        // The same key under another environment's name: what must not be enough.
        let elsewhere = SigningKey::from_pkcs8(Algorithm::Es256, &same, Environment::staging())?;
        let (minter, elsewhere) = (Minter::new(&issuer, key)?, Minter::new(&issuer, elsewhere)?);
        Ok(Self { audience, minter, elsewhere, jwks })
    }

    /// The public half, as the server is told of it.
    pub(super) fn jwks(&self) -> &str {
        &self.jwks
    }

    /// A token as it should be.
    pub(super) fn good(&self) -> Result<Secret, PartnerError> {
        let token =
            self.minter.mint_at(&self.grant(Environment::production(), &self.audience), Utc::now())?;
        Ok(Secret::new("partner's token", token.token()))
    }

    /// A token that was good until an hour ago.
    pub(super) fn expired(&self) -> Result<Secret, PartnerError> {
        let issued = Utc::now() - LIFETIME * 2;
        let token = self.minter.mint_at(&self.grant(Environment::production(), &self.audience), issued)?;
        Ok(Secret::new("expired token", token.token()))
    }

    /// A token for another service.
    pub(super) fn for_another_audience(&self) -> Result<Secret, PartnerError> {
        let audience = format!("{}/billing", self.audience);
        let token = self.minter.mint_at(&self.grant(Environment::production(), &audience), Utc::now())?;
        Ok(Secret::new("token for another audience", token.token()))
    }

    /// A token of another environment.
    pub(super) fn of_another_environment(&self) -> Result<Secret, PartnerError> {
        let token =
            self.elsewhere.mint_at(&self.grant(Environment::staging(), &self.audience), Utc::now())?;
        Ok(Secret::new("staging token", token.token()))
    }

    /// A good token with one bit of its signature flipped.
    pub(super) fn flipped(&self) -> Result<Secret, PartnerError> {
        let good = self.good()?.text;
        let (signed, signature) = good.rsplit_once('.').unwrap_or((&good, ""));
        let flipped: String = signature.chars().take(1).map(flip).chain(signature.chars().skip(1)).collect();
        Ok(Secret::new("token with one bit flipped", &format!("{signed}.{flipped}")))
    }

    fn grant(&self, environment: Environment, audience: &str) -> Grant {
        let scopes = ScopeSet::parse("read:workflows").unwrap_or_default();
        Grant::new(environment, "partner", audience, LIFETIME).with_scopes(scopes)
    }
}

/// The base64url digit whose last bit is the other one.
fn flip(digit: char) -> char {
    let value = DIGITS.find(digit).unwrap_or_default();
    DIGITS.chars().nth(value ^ 1).unwrap_or(digit)
}

const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LIFETIME: TimeDelta = TimeDelta::hours(1);
