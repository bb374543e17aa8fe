//! All of a server but its ports, made from a configuration.

use std::fmt::Display;
use std::mem;
use std::sync::Arc;

use aetherflow_auth::ConfigError;
use aetherflow_auth::api_key::Peppers;
use aetherflow_auth::jwt::{Minter, TokenRules, Verifier};
use aetherflow_auth::key::{KeySet, SigningKey, VerifyingKey};
use aetherflow_ratelimit::Limiter;
use aetherflow_tower::{Gate, TrustedProxies};
use chrono::{DateTime, Utc};
use rustls::ServerConfig;
use tokio::sync::oneshot;

use crate::config::Config;
use crate::credentials::{Credentials, Mint};
use crate::data::DataFolder;
use crate::fault::{Fault, Faults};
use crate::first_credentials::FirstCredentials;
use crate::keys::{Deployment, Keys};
use crate::ports::Ports;
use crate::routes::{self, App, SecuredRouter};
use crate::store::Store;
use crate::trust::Refresh;
use crate::{certificate, operator, tls};

/// What answers requests, what tells that it must stop, and what keeps its keys up to date.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) router: SecuredRouter,
    pub(crate) tls: Arc<ServerConfig>,
    pub(crate) audit_failure: oneshot::Receiver<String>,
    pub(crate) refresh: Option<Refresh>,
    pub(crate) ports: Ports,
    pub(crate) data: DataFolder,
}

impl Server {
    /// Makes or takes up all state of the data folder, and fetches the issuer's further keys.
    ///
    /// # Errors
    ///
    /// [`Fault`] for each part that cannot be made, a full disk included.
    pub(crate) async fn prepare(mut config: Config, now: DateTime<Utc>) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let tls = faults.keep(transport(&config, now));
        let Keys { signing, peppers, notes } = match Keys::load(&config.data, config.environment) {
            Ok(keys) => keys,
            Err(broken) => {
                faults.keep::<()>(Err(broken));
                return Err(faults);
            }
        };
        let (trusted, url) = mem::take(&mut config.trust).split();
        let keys = TokenKeys::new(&config, signing, trusted).map_err(|error| part("the token keys", error));
        let keys = faults.keep(keys);
        let refresh = match (&keys, url) {
            (Some(keys), Some(url)) => faults.keep(Refresh::begin(keys.accepted.clone(), url, now).await),
            (None, _) | (_, None) => None,
        };
        let store =
            Store::open(&config.data.file("secure-api.db"), notes).map_err(|error| part(DATABASE, error));
        let store = faults.keep(store);
        // Last, so that a start refused for something else ties the folder to nothing.
        if faults.is_empty() {
            faults.keep(deployment(&config).claim(&config.data));
        }
        match (tls, keys, store) {
            (Some(tls), Some(keys), Some(store)) if faults.is_empty() => {
                let (app, router) = application(&config, keys, peppers, store, now)?;
                let Config { ports, data, log, .. } = config;
                Ok(Self { app, router, tls, audit_failure: log.failure, refresh, ports, data })
            }
            _ => Err(faults),
        }
    }
}

fn transport(config: &Config, now: DateTime<Utc>) -> Result<Arc<ServerConfig>, Fault> {
    let leaf = certificate::issue(&config.data, config.host, now)?;
    tls::server_config(leaf).map_err(|error| part("the server's certificate", error))
}

/// What the handlers work with, and the gate before them.
fn application(
    config: &Config,
    keys: TokenKeys,
    peppers: Arc<Peppers>,
    store: Store,
    now: DateTime<Utc>,
) -> Result<(App, SecuredRouter), Fault> {
    let mint = Mint::new(keys.minter, Arc::clone(&peppers), &config.audience);
    let credentials = Credentials::load(store.clone(), mint, now);
    let credentials = credentials.map_err(|error| part(DATABASE, error))?;
    let verifier = Arc::new(keys.verifier.with_revocations(credentials.revocations()));
    FirstCredentials {
        data: &config.data,
        credentials: &credentials,
        verifier: &verifier,
        peppers: &peppers,
        issuer: config.issuer.as_str().into(),
    }
    .write(now)?;
    let history = Arc::clone(&config.log.history);
    let app = App { store, credentials, history, turns: Arc::default(), jwks: keys.jwks };
    let router = protected(config, &app, verifier, peppers)?;
    Ok((app, router))
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

fn protected(
    config: &Config,
    app: &App,
    verifier: Arc<Verifier>,
    peppers: Arc<Peppers>,
) -> Result<SecuredRouter, Fault> {
    let limiter = Arc::new(Limiter::new(MOST_KEYS));
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

const DATABASE: &str = "the database secure-api.db";
// Callers whose limits are kept apart, and addresses; 18 bytes each.
const MOST_KEYS: usize = 100_000;
