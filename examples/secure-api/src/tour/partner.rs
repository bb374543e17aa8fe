//! Another service whose tokens the server accepts, and the tokens it makes: good ones, and each kind of bad one.

use aetherflow_auth::jwt::{Grant, Minter};
use aetherflow_auth::key::{Algorithm, KeySet, SigningKey};
use aetherflow_auth::{ConfigError, Environment, MintError, ScopeSet};
use chrono::{TimeDelta, Utc};
use thiserror::Error;

use super::client::Secret;
use super::hand::{Hand, SignatureError, encoded};
use crate::cli::Options;

/// The holder of a key the server was told to trust.
#[derive(Debug)]
pub(super) struct Partner {
    audience: String,
    minter: Minter,
    elsewhere: Minter,
    /// The public key in the hands of one who takes it for a shared secret.
    confused: Minter,
    hand: Hand,
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
    #[error("{0}")]
    Signature(#[from] SignatureError),
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
        let (secret, here) = (jwks.as_bytes(), Environment::production());
        let confused = SigningKey::from_secret(key.id(), Algorithm::Hs256, secret, here)?;
        let (minter, elsewhere) = (Minter::new(&issuer, key)?, Minter::new(&issuer, elsewhere)?);
        let (confused, hand) = (Minter::new(&issuer, confused)?, Hand::new(&same)?);
        Ok(Self { audience, minter, elsewhere, confused, hand, jwks })
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

    /// The same under a name of its own, where there are several partners.
    pub(super) fn good_as(&self, name: &str) -> Result<Secret, PartnerError> {
        Ok(Secret::new(name, &self.good()?.text))
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

    /// A good token signed anew, once with the signature as JWS writes it, and once with the same one in DER.
    pub(super) fn in_both_forms(&self) -> Result<(Secret, Secret), PartnerError> {
        let good = self.good()?.text;
        let (signed, _) = good.rsplit_once('.').unwrap_or_default();
        let (plain, der) = self.hand.sign_in_both_forms(signed)?;
        Ok((Secret::new("token signed by hand", &plain), Secret::new("token with a DER signature", &der)))
    }

    /// A token whose header names an extension that must be understood, under a signature that holds.
    pub(super) fn with_crit(&self) -> Result<Secret, PartnerError> {
        let token = self.hand.with_header_member(&self.good()?.text, r#""crit":["exp"],"exp":1"#)?;
        Ok(Secret::new("token with crit", &token))
    }

    /// A token that says it needs no signature, and has none.
    pub(super) fn unsigned(&self) -> Result<Secret, PartnerError> {
        let good = self.good()?.text;
        let payload = good.split('.').nth(1).unwrap_or_default();
        let header = encoded(r#"{"alg":"none","typ":"at+jwt"}"#.as_bytes());
        Ok(Secret::new("unsigned token", &format!("{header}.{payload}.")))
    }

    /// A token under HS256, with the public key as the secret everyone knows.
    pub(super) fn by_the_public_key(&self) -> Result<Secret, PartnerError> {
        let grant = self.grant(Environment::production(), &self.audience);
        Ok(Secret::new("token by the public key", self.confused.mint_at(&grant, Utc::now())?.token()))
    }

    /// A good token with so many letters more at its end.
    pub(super) fn longer_by(&self, letters: usize) -> Result<Secret, PartnerError> {
        Ok(Secret::new("very long token", &format!("{}{}", self.good()?.text, "A".repeat(letters))))
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
