use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

use super::cache::{Cache, Memo};
use super::claims::Claims;
use super::parse::{Compact, Header};
use super::rules::{Judged, TokenRules};
use super::verified::Verified;
use crate::error::{ConfigError, TokenError};
use crate::key::{KeySet, VerifyingKey};
use crate::revocation::Revocations;

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

    /// Refuses what is revoked there, from the next request on.
    #[must_use]
    pub fn with_revocations(self, revocations: Arc<Revocations>) -> Self {
        Self { revocations: Some(revocations), ..self }
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
    pub fn verify_at(&self, token: &str, now: DateTime<Utc>) -> Result<Verified, TokenError> {
        self.cached_at(token, now).unwrap_or_else(|| self.verify_first_at(token, now))
    }

    /// Decides now, by the system's clock.
    ///
    /// # Errors
    ///
    /// Those of [`verify_at`](Self::verify_at).
    #[expect(clippy::disallowed_methods, reason = "the thin form that reads the clock")]
    pub fn verify(&self, token: &str) -> Result<Verified, TokenError> {
        self.verify_at(token, Utc::now())
    }

    /// Decides at `now`, and reads the claims as `C` too.
    ///
    /// # Errors
    ///
    /// Those of [`verify_at`](Self::verify_at), and [`TokenError::Claims`] if the claims are no `C`.
    pub fn verify_claims_at<C: DeserializeOwned>(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Verified<C>, TokenError> {
        let principal = self.verify_at(token, now)?.into_principal();
        let claims = Compact::cut(token)?
            .with_claims(|text| serde_json::from_str(text).map_err(|_| TokenError::Claims))?;
        Ok(Verified::new(principal, claims))
    }

    /// Decides at `now` without any cryptography, if the token is remembered; a hit is checked like a first sight for
    /// key, time and revocation.
    #[must_use]
    pub fn cached_at(&self, token: &str, now: DateTime<Utc>) -> Option<Result<Verified, TokenError>> {
        let memo = self.cache.as_ref()?.find(token)?;
        let trust = &self.trusts[memo.trust()];
        if !memo.is_current(&trust.keys.current_at(now)) {
            return None;
        }
        let decided = memo.judged().and_then(|judged| self.decide(trust, memo.key(), judged, now));
        if decided.is_ok() {
            memo.keep();
        }
        Some(decided)
    }

    fn verify_first_at(&self, token: &str, now: DateTime<Utc>) -> Result<Verified, TokenError> {
        let parts = Compact::cut(token)?;
        let at = self.trust_of(&parts)?;
        let trust = &self.trusts[at];
        let signer = parts.with_header(|header| trust.signer(&header, now))?;
        if !parts.with_signature(|signature| signer.key.holds(parts.signed.as_bytes(), signature))? {
            return Err(TokenError::Signature);
        }
        let judged = trust.judge(&parts, signer.has_type);
        if let Err(error) = judged
            && !error.is_genuine()
        {
            return Err(error);
        }
        let decided = judged
            .as_ref()
            .map_err(|error| *error)
            .and_then(|judged| self.decide(trust, &signer.key, judged, now));
        if let Some(cache) = &self.cache {
            cache.insert(Memo::new(token, at, signer.key, signer.generation, judged));
        }
        decided
    }

    fn trust_of(&self, parts: &Compact<'_>) -> Result<usize, TokenError> {
        if self.trusts.len() == 1 {
            return Ok(0);
        }
        parts.with_claims(|text| {
            let issuer = Claims::issuer_of(text).map_err(|_| TokenError::Malformed)?;
            let issuer = issuer.ok_or(TokenError::UnknownKey)?;
            let named = self.trusts.iter().position(|trust| *trust.rules.issuer() == *issuer);
            named.ok_or(TokenError::UnknownKey)
        })
    }

    fn decide(
        &self,
        trust: &Trust,
        key: &VerifyingKey,
        judged: &Judged,
        now: DateTime<Utc>,
    ) -> Result<Verified, TokenError> {
        trust.rules.judge_time(judged, now)?;
        if let Some(revocations) = &self.revocations {
            // Asked first: what is current when asked holds all that was revoked before. The other way round, a feed
            // that catches up between the two questions would let a revoked token pass.
            let is_current = revocations.is_current_at(now);
            if revocations.contains(&judged.principal, key.id()) {
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
}

impl Trust {
    fn new(rules: TokenRules, keys: KeySet) -> Result<Self, ConfigError> {
        if rules.issuer() != keys.issuer() {
            return Err(ConfigError::MixedIssuers);
        }
        if rules.environment() != keys.environment() {
            return Err(ConfigError::MixedEnvironments);
        }
        Ok(Self { rules, keys })
    }

    /// The key a header means; nothing the header says is believed yet.
    fn signer(&self, header: &Header<'_>, now: DateTime<Utc>) -> Result<Signer, TokenError> {
        let (key, generation) = self.keys.meant_at(header.key_id.as_deref(), &header.algorithm, now)?;
        let has_type = self.rules.accepts_type(header.typ.as_deref());
        Ok(Signer { key, generation, has_type })
    }

    fn judge(&self, parts: &Compact<'_>, has_type: bool) -> Result<Judged, TokenError> {
        parts.with_claims(|text| {
            let claims = self.rules.read(text).map_err(|_| TokenError::Malformed)?;
            if !has_type {
                return Err(TokenError::Type);
            }
            self.rules.judge(claims, self.keys.shared_issuer())
        })
    }
}

/// A key, the generation of the set it was found in, and whether the header's type is accepted.
struct Signer {
    key: Arc<VerifyingKey>,
    generation: u64,
    has_type: bool,
}

const DEFAULT_CACHE: usize = 10_000;
