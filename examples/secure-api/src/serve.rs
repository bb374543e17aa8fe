//! The server's life: it listens, keeps itself in order, and ends in order.

use std::sync::Arc;
use std::time::Duration;

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
use crate::fault::Faults;
use crate::listener::Listener;
use crate::ports::Listening;
use crate::routes::App;
use crate::server::Server;
use crate::slots::Slots;
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
    let config = Config::read(options, faults)?;
    let proxies = config.proxy_ranges();
    let mut server = Server::prepare(config, Utc::now()).await?;
    let ports = server.ports.listen()?;
    let addresses = addresses(&ports)?;
    let (serving, refusing) = Slots::of_this_process(&proxies);
    let mut signals = Signals::listen()?;
    let (close, closing) = closing::pair();
    for listener in listeners(ports, server.tls, &serving, refusing) {
        tokio::spawn(listener.run(server.router.clone(), closing.clone()));
    }
    let mut upkeep = JoinSet::new();
    upkeep.spawn(keep_up(server.app.clone()));
    server.refresh.into_iter().for_each(|refresh| drop(upkeep.spawn(refresh.run())));
    operator::print(banner::text(addresses, server.data.path()));
    let failed = tokio::select! {
        () = signals.received() => None,
        failed = &mut server.audit_failure => failed.ok(),
    };
    close.now();
    serving.drain().await;
    upkeep.shutdown().await;
    finish(server.app, failed).await
}

fn addresses(ports: &Listening) -> Result<Addresses, std::io::Error> {
    Ok(Addresses {
        https: ports.https.local_addr()?,
        plain: ports.plain.local_addr()?,
        proxied: ports.proxied.as_ref().map(TcpListener::local_addr).transpose()?,
    })
}

fn listeners(ports: Listening, tls: Arc<ServerConfig>, serving: &Slots, refusing: Slots) -> Vec<Listener> {
    let proxied = ports.proxied.map(|socket| Listener::plain(socket, serving.clone()));
    [Listener::tls(ports.https, tls, serving.clone()), Listener::plain(ports.plain, refusing)]
        .into_iter()
        .chain(proxied)
        .collect()
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
