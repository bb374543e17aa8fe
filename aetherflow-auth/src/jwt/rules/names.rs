use crate::error::ConfigError;

/// Which claims carry what, where an issuer spells them otherwise than RFC 9068 and this crate do.
#[derive(Clone, Debug, Default)]
// Invariant: no name twice, none of RFC 7519's but `jti`, and each role but `Exactly` at most once.
pub(in crate::jwt) struct Names(Vec<(Box<str>, Role)>);

/// What a claim is read as.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::jwt) enum Role {
    Scopes,
    Client,
    Id,
    Environment,
    Tenant,
    Plan,
    Addresses,
    /// Nothing is taken from the claim, but it must be there and hold this text.
    Exactly(Box<str>),
}

impl Names {
    /// The names of this crate's own access tokens.
    pub(super) fn own() -> Self {
        let own = [
            ("scope", Role::Scopes),
            ("client_id", Role::Client),
            ("jti", Role::Id),
            ("env", Role::Environment),
            ("tenant", Role::Tenant),
            ("plan", Role::Plan),
            ("ip", Role::Addresses),
        ];
        Self(own.map(|(name, role)| (name.into(), role)).into())
    }

    /// What RFC 9068 says every access token means; `env`, `tenant`, `plan` and `ip` of other houses mean nothing here.
    pub(super) fn foreign() -> Self {
        let shared = [("scope", Role::Scopes), ("client_id", Role::Client), ("jti", Role::Id)];
        Self(shared.map(|(name, role)| (name.into(), role)).into())
    }

    /// Reads `role` from the claim `name`, and from no other any more.
    pub(super) fn with(mut self, name: &str, role: Role) -> Result<Self, ConfigError> {
        if !matches!(role, Role::Exactly(_)) {
            self = self.without(&role);
        }
        let is_free = !self.0.iter().any(|(known, _)| **known == *name) && !STANDARD.contains(&name);
        if name.is_empty() || !is_free {
            return Err(ConfigError::ClaimName);
        }
        self.0.push((name.into(), role));
        Ok(self)
    }

    pub(super) fn without(mut self, role: &Role) -> Self {
        self.0.retain(|(_, known)| known != role);
        self
    }

    pub(super) fn reads(&self, role: &Role) -> bool {
        self.0.iter().any(|(_, known)| known == role)
    }

    /// How many claims must be there and hold a certain text.
    pub(super) fn demanded(&self) -> usize {
        self.0.iter().filter(|(_, role)| matches!(role, Role::Exactly(_))).count()
    }

    pub(in crate::jwt) fn role(&self, name: &str) -> Option<&Role> {
        self.0.iter().find(|(known, _)| **known == *name).map(|(_, role)| role)
    }
}

/// Claims that mean one thing everywhere (RFC 7519 §4.1, RFC 7800 §3.1).
const STANDARD: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "cnf"];
