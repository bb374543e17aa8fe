//! One connection to Redis, made when it is first needed and again when it is lost.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, IntoConnectionInfo as _, RedisError, Value};
use tokio::task::JoinHandle;

use crate::error::ConfigError;

/// A server or a cluster, and the connection to it that all checks share.
pub(super) struct Link {
    target: Target,
    current: Mutex<Current>,
    /// A connection being made. It has a task of its own: a check that gives up at its deadline must not undo the work.
    next: tokio::sync::Mutex<Option<JoinHandle<Result<Wire, RedisError>>>>,
}

/// Which connection it is; a failure ends that one, not the one after it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Generation(u64);

#[derive(Default)]
struct Current {
    generation: Generation,
    wire: Option<Wire>,
}

#[derive(Clone)]
enum Target {
    Server(Client),
    Cluster(Box<ClusterClient>),
}

#[derive(Clone)]
enum Wire {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Link {
    pub(super) fn server(address: &str) -> Result<Self, ConfigError> {
        let info = address.into_connection_info().map_err(unusable)?;
        // The library's name is not sent, so that a user without the right to set it can connect.
        let settings = info.redis_settings().clone().set_skip_set_lib_name();
        Client::open(info.set_redis_settings(settings)).map(Target::Server).map(Self::to).map_err(unusable)
    }

    pub(super) fn cluster(addresses: &[&str]) -> Result<Self, ConfigError> {
        let client =
            ClusterClient::builder(addresses.iter().copied()).retries(1).connection_timeout(PATIENCE);
        client.build().map(Box::new).map(Target::Cluster).map(Self::to).map_err(unusable)
    }

    fn to(target: Target) -> Self {
        Self { target, current: Mutex::default(), next: tokio::sync::Mutex::default() }
    }

    /// Sends one command and waits for its answer.
    pub(super) async fn send(&self, command: &Cmd) -> Result<Value, RedisError> {
        let answer = match self.wire().await? {
            Wire::Server(mut wire) => wire.send_packed_command(command).await,
            Wire::Cluster(mut wire) => wire.req_packed_command(command).await,
        };
        // What the server says against a command comes as a value.
        answer?.extract_error()
    }

    pub(super) fn generation(&self) -> Generation {
        self.lock().generation
    }

    /// Gives a connection up, unless that has happened: the next command makes another.
    pub(super) fn discard(&self, generation: Generation) {
        let mut current = self.lock();
        if current.generation == generation {
            *current = Current { generation: Generation(generation.0 + 1), wire: None };
        }
    }

    async fn wire(&self) -> Result<Wire, RedisError> {
        if let Some(found) = self.found() {
            return Ok(found);
        }
        let mut next = self.next.lock().await;
        if let Some(found) = self.found() {
            return Ok(found);
        }
        let task = next.get_or_insert_with(|| tokio::spawn(self.target.clone().connect()));
        let made = task.await;
        *next = None;
        let wire =
            made.map_err(|_| RedisError::from(std::io::Error::from(std::io::ErrorKind::Interrupted)))??;
        self.lock().wire = Some(wire.clone());
        Ok(wire)
    }

    fn found(&self) -> Option<Wire> {
        self.lock().wire.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Both kinds of target know a password.
        let kind = match self.target {
            Target::Server(_) => "server",
            Target::Cluster(_) => "cluster",
        };
        f.debug_struct("Link").field("to", &kind).finish_non_exhaustive()
    }
}

impl Target {
    async fn connect(self) -> Result<Wire, RedisError> {
        match self {
            Self::Server(client) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(PATIENCE))
                    .set_response_timeout(None);
                client.get_multiplexed_async_connection_with_config(&config).await.map(Wire::Server)
            }
            Self::Cluster(client) => client.get_async_connection().await.map(Wire::Cluster),
        }
    }
}

fn unusable(_: RedisError) -> ConfigError {
    // What the parser says may quote the address, and with it a password.
    ConfigError::RedisAddress
}

/// To connect may take longer than a check waits, since the next check goes on waiting for the same attempt.
const PATIENCE: Duration = Duration::from_secs(1);
