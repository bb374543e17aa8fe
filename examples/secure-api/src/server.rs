//! All of a server but its ports, made from a configuration.

use std::fmt::Display;
use std::sync::Arc;

use aetherflow_auth::ConfigError;
use aetherflow_auth::api_key::Peppers;
use aetherflow_auth::audit::LogFolder;
use aetherflow_auth::jwt::{Minter, TokenRules, Verifier};
use aetherflow_auth::key::{KeySet, SigningKey, VerifyingKey};
use aetherflow_ratelimit::Limiter;
use aetherflow_tower::{Gate, TrustedProxies};
use chrono::{DateTime, Utc};
use rustls::ServerConfig;
use tokio::sync::oneshot;

use crate::config::Config;
use crate::credentials::{Credentials, Mint};
use crate::fault::Fault;
use crate::first_credentials::FirstCredentials;
use crate::history::History;
use crate::keys::{Deployment, Keys};
use crate::routes::{self, App, SecuredRouter};
use crate::store::Store;
use crate::{certificate, data, operator, tls};

/// What answers requests, and what tells that it must stop.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) router: SecuredRouter,
    pub(crate) tls: Arc<ServerConfig>,
    pub(crate) audit_failure: oneshot::Receiver<String>,
    /// The keys whose tokens are accepted.
    pub(crate) accepted: KeySet,
}

impl Server {
    /// Makes or takes up all state of the data folder; within a runtime.
    ///
    /// # Errors
    ///
    /// [`Fault`] for the first part that cannot be made, a full disk included.
    pub(crate) fn prepare(
        config: &Config,
        trusted_keys: Vec<VerifyingKey>,
        now: DateTime<Utc>,
    ) -> Result<Self, Fault> {
        deployment(config).claim(&config.data)?;
        let Keys { signing, peppers, notes } = Keys::load(&config.data, config.environment)?;
        let leaf = certificate::issue(&config.data, config.listen.ip(), now)?;
        let tls = tls::server_config(leaf).map_err(|error| part("the server's certificate", error))?;
        let store = Store::open(&config.data.file("secure-api.db"), notes);
        let store = store.map_err(|error| part("the database secure-api.db", error))?;
        let keys =
            TokenKeys::new(config, signing, trusted_keys).map_err(|error| part("the token keys", error))?;
        let mint = Mint::new(keys.minter, Arc::clone(&peppers), &config.audience);
        let credentials = Credentials::load(store.clone(), mint, now);
        let credentials = credentials.map_err(|error| part("the database secure-api.db", error))?;
        let verifier = Arc::new(keys.verifier.with_revocations(credentials.revocations()));
        FirstCredentials {
            data: &config.data,
            credentials: &credentials,
            verifier: &verifier,
            peppers: &peppers,
            issuer: config.issuer.as_str().into(),
        }
        .write(now)?;
        let (history, audit_failure) = history(config)?;
        let app = App { store, credentials, history, turns: Arc::default(), jwks: keys.jwks };
        let router = protected(config, &app, verifier, peppers)?;
        Ok(Self { app, router, tls, audit_failure, accepted: keys.accepted })
    }
}

/// The keys for tokens, by what is done with them.
struct TokenKeys {
    minter: Minter,
    verifier: Verifier,
    jwks: Arc<str>,
    accepted: KeySet,
}

impl TokenKeys {
    fn new(config: &Config, signing: SigningKey, trusted: Vec<VerifyingKey>) -> Result<Self, ConfigError> {
        let published = KeySet::new(&config.issuer, config.environment, [signing.verifying_key()])?;
        let trusted = trusted.into_iter().chain([signing.verifying_key()]);
        let accepted = KeySet::new(&config.issuer, config.environment, trusted)?;
        let rules = TokenRules::access_token(&config.issuer, &config.audience, config.environment)?;
        Ok(Self {
            minter: Minter::new(&config.issuer, signing)?,
            verifier: Verifier::new(rules, accepted.clone())?,
            jwks: published.to_jwks().into(),
            accepted,
        })
    }
}

fn deployment(config: &Config) -> Deployment {
    Deployment {
        environment: config.environment.as_str().to_owned(),
        issuer: config.issuer.clone(),
        audience: config.audience.clone(),
    }
}

fn history(config: &Config) -> Result<(Arc<History>, oneshot::Receiver<String>), Fault> {
    let path = &config.audit_log;
    data::make_folder(path).map_err(|source| Fault::Path { path: path.clone(), source })?;
    let (tell, told) = oneshot::channel();
    let history = History::open(LogFolder::new(path), move |failure| {
        // Nobody listens any more once the server is stopping anyway.
        drop(tell.send(operator::chain(failure)));
    });
    let history = history.map_err(|error| part("the audit log", operator::chain(&error)))?;
    Ok((Arc::new(history), told))
}

fn protected(
    config: &Config,
    app: &App,
    verifier: Arc<Verifier>,
    peppers: Arc<Peppers>,
) -> Result<SecuredRouter, Fault> {
    let limiter = Arc::new(Limiter::exact(MOST_KEYS));
    let mut gate = Gate::builder(config.environment, verifier, limiter)
        .with_api_keys(app.credentials.records(), peppers)
        .with_audit(app.history.clone())
        .with_operator_log(|line: &str| operator::tell(line))
        .with_hsts_for_subdomains();
    if !config.trusted_proxies.is_empty() {
        let ranges = config.trusted_proxies.iter().cloned();
        gate = gate.with_trusted_proxies(TrustedProxies::x_forwarded_for(ranges));
    }
    routes::all().with_state(app.clone()).protect(gate).map_err(|error| part("the gate", error))
}

fn part(what: &'static str, error: impl Display) -> Fault {
    Fault::Part { what, reason: error.to_string() }
}

// Callers whose limits are kept apart; some 100 bytes each.
const MOST_KEYS: usize = 100_000;
