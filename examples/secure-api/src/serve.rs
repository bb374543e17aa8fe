//! The server's life: it listens, keeps itself in order, and ends in order.

use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aetherflow_auth::key::KeySet;
use chrono::Utc;
use rustls::ServerConfig;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::banner::{self, Addresses};
use crate::calendar::Calendar;
use crate::cli::Options;
use crate::config::Config;
use crate::fault::{Fault, Faults};
use crate::listener::Listener;
use crate::routes::App;
use crate::server::Server;
use crate::slots::Slots;
use crate::trust::{JwksUrl, Refresh};
use crate::{closing, operator};

/// Why the server did not start, or did not go on.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// It never listened.
    #[error("{0}")]
    Config(#[from] Faults),
    /// It stopped, since what it did could no longer be recorded.
    #[error("{0}; the server stops rather than serve unrecorded")]
    Audit(String),
    /// The system refused what a server needs.
    #[error("{0}")]
    System(#[from] std::io::Error),
}

/// Serves until a signal ends it.
///
/// # Errors
///
/// [`Failure::Config`] before it listens, the others later.
pub(crate) async fn run(options: Options, faults: Faults) -> Result<(), Failure> {
    let mut config = Config::read(options, faults)?;
    let (trusted_keys, trusted_url) = mem::take(&mut config.trust).split();
    let mut server = Server::prepare(&config, trusted_keys, Utc::now()).map_err(Faults::from)?;
    let refresh = match trusted_url {
        Some(url) => Some(first_fetch(server.accepted.clone(), url).await?),
        None => None,
    };
    let ports = Ports::bind(&config).await?;
    let addresses = ports.addresses()?;
    let (serving, refusing) = Slots::of_this_process(&config.proxy_ranges());
    let mut signals = Signals::listen()?;
    let (close, closing) = closing::pair();
    for listener in ports.listeners(server.tls, &serving, refusing) {
        tokio::spawn(listener.run(server.router.clone(), closing.clone()));
    }
    let mut upkeep = JoinSet::new();
    upkeep.spawn(keep_up(server.app.clone()));
    refresh.into_iter().for_each(|refresh| drop(upkeep.spawn(refresh.run())));
    operator::print(banner::text(addresses, config.data.path()));
    let failed = tokio::select! {
        () = signals.received() => None,
        failed = &mut server.audit_failure => failed.ok(),
    };
    close.now();
    serving.drain().await;
    upkeep.shutdown().await;
    finish(server.app, failed).await
}

/// Fetches the issuer's further keys before the first request.
async fn first_fetch(accepted: KeySet, url: JwksUrl) -> Result<Refresh, Faults> {
    let mut refresh = Refresh::new(accepted, url)?;
    refresh.begin(Utc::now()).await?;
    Ok(refresh)
}

/// The sockets, bound and not yet accepting.
struct Ports {
    https: TcpListener,
    plain: TcpListener,
    proxied: Option<TcpListener>,
}

impl Ports {
    async fn bind(config: &Config) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let https = faults.keep(bind("--listen", config.listen).await);
        let plain = faults.keep(bind("--listen-plain", config.listen_plain).await);
        let proxied = match config.listen_proxied {
            Some(address) => faults.keep(bind("--listen-proxied", address).await),
            None => None,
        };
        match (https, plain) {
            (Some(https), Some(plain)) if faults.is_empty() => Ok(Self { https, plain, proxied }),
            _ => Err(faults),
        }
    }

    fn addresses(&self) -> Result<Addresses, std::io::Error> {
        Ok(Addresses {
            https: self.https.local_addr()?,
            plain: self.plain.local_addr()?,
            proxied: self.proxied.as_ref().map(TcpListener::local_addr).transpose()?,
        })
    }

    fn listeners(self, tls: Arc<ServerConfig>, serving: &Slots, refusing: Slots) -> Vec<Listener> {
        let proxied = self.proxied.map(|socket| Listener::plain(socket, serving.clone()));
        [Listener::tls(self.https, tls, serving.clone()), Listener::plain(self.plain, refusing)]
            .into_iter()
            .chain(proxied)
            .collect()
    }
}

async fn bind(option: &'static str, address: SocketAddr) -> Result<TcpListener, Fault> {
    let refused = |error: std::io::Error| Fault::Value {
        option,
        value: address.to_string(),
        reason: error.to_string(),
    };
    TcpListener::bind(address).await.map_err(refused)
}

/// The signals that end the server in order.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, std::io::Error> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Once a minute, writes down when credentials were used, ends those whose overlap is over by the calendar, and drops
/// those that have long expired.
async fn keep_up(app: App) {
    let calendar = Calendar::begin(Utc::now(), Instant::now());
    let mut minutes = interval(Duration::from_secs(60));
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        minutes.tick().await;
        write_uses(&app).await;
        let now = Utc::now();
        if let Err(error) = app.credentials.end_overlaps(now).await {
            operator::tell(format_args!("replaced credentials were not ended: {error}"));
        }
        let forgettable = calendar.forgettable(now, Instant::now());
        if let Err(error) = app.credentials.forget_expired(forgettable).await {
            operator::tell(format_args!("expired credentials were not dropped: {error}"));
        }
    }
}

async fn write_uses(app: &App) {
    if let Err(error) = app.store.note_uses(app.history.take_uses()).await {
        operator::tell(format_args!("uses of credentials were not noted: {error}"));
    }
}

async fn finish(app: App, failed: Option<String>) -> Result<(), Failure> {
    write_uses(&app).await;
    let history = Arc::clone(&app.history);
    let is_flushed = spawn_blocking(move || history.flush()).await.unwrap_or(false);
    match failed {
        Some(failure) => Err(Failure::Audit(failure)),
        None if is_flushed => Ok(()),
        None => Err(Failure::Audit("the audit log cannot be written".to_owned())),
    }
}
