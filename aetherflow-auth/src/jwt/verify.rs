use std::sync::Arc;

use arc_swap::Guard;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

use super::cache::{Cache, Memo};
use super::claims::Claims;
use super::parse::Parts;
use super::rules::{FamiliarScopes, Judged, TokenRules};
use super::verified::Verified;
use crate::error::{ConfigError, TokenError};
use crate::key::set::Keys;
use crate::key::{KeySet, VerifyingKey};
use crate::revocation::{Clearance, Revocations};

/// Decides whether a token is good, by the rules and keys of each issuer it trusts.
#[derive(Debug)]
pub struct Verifier {
    trusts: Vec<Trust>,
    cache: Option<Cache>,
    revocations: Option<Arc<Revocations>>,
}

impl Verifier {
    /// Trusts one issuer, and remembers the last 10,000 genuine tokens.
    ///
    /// # Errors
    ///
    /// [`ConfigError::MixedIssuers`] or [`ConfigError::MixedEnvironments`] if rules and keys name different ones.
    pub fn new(rules: TokenRules, keys: KeySet) -> Result<Self, ConfigError> {
        let trusts = vec![Trust::new(rules, keys)?];
        Ok(Self { trusts, cache: Some(Cache::new(DEFAULT_CACHE)), revocations: None })
    }

    /// Trusts one more issuer in the same environment.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new), [`ConfigError::DuplicateIssuer`] if the issuer is trusted already, and
    /// [`ConfigError::MixedEnvironments`] if its environment is another than the first's.
    pub fn with_issuer(mut self, rules: TokenRules, keys: KeySet) -> Result<Self, ConfigError> {
        let trust = Trust::new(rules, keys)?;
        if self.trusts.iter().any(|known| known.rules.issuer() == trust.rules.issuer()) {
            return Err(ConfigError::DuplicateIssuer);
        }
        if trust.rules.environment() != self.environment() {
            return Err(ConfigError::MixedEnvironments);
        }
        self.trusts.push(trust);
        Ok(self)
    }

    /// Refuses what is revoked there, from the next request on; what was remembered before is forgotten.
    #[must_use]
    pub fn with_revocations(self, revocations: Arc<Revocations>) -> Self {
        // What is remembered was cleared by other revocations.
        let cache = self.cache.map(|cache| Cache::new(cache.capacity()));
        Self { revocations: Some(revocations), cache, ..self }
    }

    /// Remembers so many genuine tokens; with 0 every token is verified anew.
    #[must_use]
    pub fn with_cache(self, tokens: usize) -> Self {
        Self { cache: (tokens > 0).then(|| Cache::new(tokens)), ..self }
    }

    /// The environment whose tokens are accepted.
    #[must_use]
    pub fn environment(&self) -> crate::Environment {
        self.trusts[0].rules.environment()
    }

    /// Decides at `now`.
    ///
    /// # Errors
    ///
    /// The [`TokenError`] of the first rule that does not hold.
    pub fn verify_at(&self, token: impl AsRef<[u8]>, now: DateTime<Utc>) -> Result<Verified, TokenError> {
        let token = token.as_ref();
        self.cached_at(token, now)
            .unwrap_or_else(|| Parts::of(token, |parts| self.verify_first_at(token, parts, now)))
    }

    /// Decides now, by the system's clock.
    ///
    /// # Errors
    ///
    /// Those of [`verify_at`](Self::verify_at).
    #[expect(clippy::disallowed_methods, reason = "the thin form that reads the clock")]
    pub fn verify(&self, token: impl AsRef<[u8]>) -> Result<Verified, TokenError> {
        self.verify_at(token, Utc::now())
    }

    /// Decides at `now`, and reads the claims as `C` too.
    ///
    /// # Errors
    ///
    /// Those of [`verify_at`](Self::verify_at), and [`TokenError::Claims`] if the claims are no `C`.
    pub fn verify_claims_at<C: DeserializeOwned>(
        &self,
        token: impl AsRef<[u8]>,
        now: DateTime<Utc>,
    ) -> Result<Verified<C>, TokenError> {
        let token = token.as_ref();
        let principal = self.verify_at(token, now)?.into_principal();
        let claims =
            Parts::of(token, |parts| serde_json::from_str(parts.claims()?).map_err(|_| TokenError::Claims))?;
        Ok(Verified::new(principal, claims))
    }

    /// Decides at `now` without any cryptography, if the token is remembered; a hit is checked like a first sight for
    /// key, time and revocation.
    #[must_use]
    pub fn cached_at(
        &self,
        token: impl AsRef<[u8]>,
        now: DateTime<Utc>,
    ) -> Option<Result<Verified, TokenError>> {
        self.cache.as_ref()?.find(token.as_ref(), |memo| {
            let trust = &self.trusts[memo.trust()];
            let keys = trust.keys.current_at(now);
            let key = memo.key_among(&keys)?;
            let decided =
                memo.judged().and_then(|judged| self.decide(trust, key, judged, memo.clearance(), now));
            if decided.is_ok() {
                memo.keep();
            }
            Some(decided)
        })
    }

    fn verify_first_at(
        &self,
        token: &[u8],
        parts: &Parts<'_>,
        now: DateTime<Utc>,
    ) -> Result<Verified, TokenError> {
        let at = self.trust_of(parts)?;
        let trust = &self.trusts[at];
        let signer = trust.signer(parts, now)?;
        if !signer.key().holds(parts.signed, parts.signature) {
            return Err(TokenError::Signature);
        }
        signer.learn(parts)?;
        let judged = trust.judge(parts, signer.has_type);
        if let Err(error) = judged
            && !error.is_genuine()
        {
            return Err(error);
        }
        let clearance = Clearance::default();
        let decided = judged.as_ref().map_err(|error| *error);
        let decided = decided.and_then(|judged| self.decide(trust, signer.key(), judged, &clearance, now));
        if let Some(cache) = &self.cache {
            cache.insert(token, Memo::new(at, Arc::clone(signer.key()), judged, clearance));
        }
        decided
    }

    fn trust_of(&self, parts: &Parts<'_>) -> Result<usize, TokenError> {
        if self.trusts.len() == 1 {
            return Ok(0);
        }
        // First whether there is a header: what is no token must not have its claims walked.
        parts.check_header()?;
        let issuer = Claims::issuer_of(parts.claims()?).map_err(|_| TokenError::Malformed)?;
        let issuer = issuer.ok_or(TokenError::UnknownKey)?;
        let named = self.trusts.iter().position(|trust| *trust.rules.issuer() == *issuer);
        named.ok_or(TokenError::UnknownKey)
    }

    fn decide(
        &self,
        trust: &Trust,
        key: &VerifyingKey,
        judged: &Judged,
        clearance: &Clearance,
        now: DateTime<Utc>,
    ) -> Result<Verified, TokenError> {
        trust.rules.judge_time(judged, now)?;
        if let Some(revocations) = &self.revocations {
            // Asked first: what is current when asked holds all that was revoked before. The other way round, a feed
            // that catches up between the two questions would let a revoked token pass.
            let is_current = revocations.is_current_at(now);
            if revocations.contains_since(clearance, &judged.principal, key.id()) {
                return Err(TokenError::Revoked);
            }
            if !is_current {
                return Err(TokenError::RevocationsUnknown);
            }
        }
        Ok(Verified::new(Arc::clone(&judged.principal), ()))
    }
}

/// One issuer: its rules and its keys.
#[derive(Debug)]
struct Trust {
    rules: TokenRules,
    keys: KeySet,
    scopes: FamiliarScopes,
}

impl Trust {
    fn new(rules: TokenRules, keys: KeySet) -> Result<Self, ConfigError> {
        if rules.issuer() != keys.issuer() {
            return Err(ConfigError::MixedIssuers);
        }
        if rules.environment() != keys.environment() {
            return Err(ConfigError::MixedEnvironments);
        }
        Ok(Self { rules, keys, scopes: FamiliarScopes::new() })
    }

    /// The key a token's header means; nothing the header says is believed yet.
    fn signer(&self, parts: &Parts<'_>, now: DateTime<Utc>) -> Result<Signer, TokenError> {
        let keys = self.keys.current_at(now);
        if let Some((place, typ)) = keys.familiar(parts.header) {
            let has_type = self.rules.accepts_type(typ);
            return Ok(Signer { keys, place, has_type, is_familiar: true });
        }
        parts.with_header(|header| {
            let place = self.keys.meant_among(&keys, header.key_id.as_deref(), &header.algorithm, now)?;
            let has_type = self.rules.accepts_type(header.typ.as_deref());
            Ok(Signer { keys, place, has_type, is_familiar: false })
        })
    }

    fn judge(&self, parts: &Parts<'_>, has_type: bool) -> Result<Judged, TokenError> {
        let mut claims = Claims::default();
        self.rules.read(&mut claims, parts.claims()?).map_err(|_| TokenError::Malformed)?;
        if !has_type {
            return Err(TokenError::Type);
        }
        self.rules.judge(&mut claims, self.keys.shared_issuer(), &self.scopes)
    }
}

/// A key among the keys it was found in, and whether the header's type is accepted.
struct Signer {
    keys: Guard<Arc<Keys>>,
    place: usize,
    has_type: bool,
    is_familiar: bool,
}

impl Signer {
    fn key(&self) -> &Arc<VerifyingKey> {
        self.keys.at(self.place)
    }

    /// Keeps the header of a token whose signature held, so that the next one like it is not read again.
    fn learn(&self, parts: &Parts<'_>) -> Result<(), TokenError> {
        if self.is_familiar || !self.keys.learns() {
            return Ok(());
        }
        parts.with_header(|header| {
            self.keys.learn(parts.header, self.place, header.typ.as_deref());
            Ok(())
        })
    }
}

const DEFAULT_CACHE: usize = 10_000;
