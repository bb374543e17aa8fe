use std::pin::Pin;
use std::time::Duration;

use aetherflow_auth::ConfigError;
use aetherflow_auth::key::{JwksRefresh, KeySet, RefreshError, Refreshed, RefusedKey, Timer};
use chrono::{DateTime, Utc};

use super::refused;
use super::url::JwksUrl;
use crate::fault::Fault;
use crate::operator;

/// The keys of a URL beside the server's own, fetched every five minutes, or as soon as a token names an unknown key
/// (at most every 30 seconds).
#[derive(Debug)]
pub(crate) struct Refresh {
    keys: JwksRefresh,
    told: Told,
}

impl Refresh {
    /// Fetches once for the set, which holds the server's own key. A source that is down does not keep the server from
    /// its own tokens; it is told, and tried again.
    ///
    /// # Errors
    ///
    /// [`Fault::Value`] if two keys share an id, of which one may be the server's own: who meant which is for the
    /// operator to say. Once the server runs, such a key is ignored and told.
    pub(crate) async fn begin(keys: KeySet, url: JwksUrl, now: DateTime<Utc>) -> Result<Self, Fault> {
        let mut told = Told { url: url.as_str().to_owned(), last: Vec::new() };
        let mut keys = JwksRefresh::new(keys, url).map_err(|error| refused(&told.url, error.to_string()))?;
        let ended = keys.refresh_at(now).await;
        let is_shared = |key: &&RefusedKey| *key.error() == ConfigError::DuplicateKeyId;
        if let Some(key) = refused_keys(&ended).iter().find(is_shared) {
            return Err(refused(&told.url, format!("key {}: {}", key.position(), key.error())));
        }
        told.tell(&ended);
        Ok(Self { keys, told })
    }

    /// Goes on for as long as it is polled.
    pub(crate) async fn run(self) {
        let Self { keys, mut told } = self;
        match keys.run(&Clock, |ended| told.tell(ended)).await {}
    }
}

/// What the operator was told last, so that nothing is said twice in a row.
#[derive(Debug)]
struct Told {
    url: String,
    last: Vec<String>,
}

impl Told {
    fn tell(&mut self, ended: &Result<Refreshed, RefreshError>) {
        let lines = lines(ended);
        if lines != self.last {
            lines.iter().for_each(|line| operator::tell(format_args!("--trust-jwks {}: {line}", self.url)));
            self.last = lines;
        }
    }
}

/// What there is to say of a fetch.
pub(super) fn lines(ended: &Result<Refreshed, RefreshError>) -> Vec<String> {
    let refused = refused_keys(ended).iter();
    let mut lines: Vec<String> =
        refused.map(|key| format!("key {} is ignored: {}", key.position(), key.error())).collect();
    match ended {
        Ok(refreshed) => lines.push(format!("{} keys beside the server's own", refreshed.keys())),
        Err(error) => lines.push(format!("not fetched: {}", operator::chain(error))),
    }
    lines
}

fn refused_keys(ended: &Result<Refreshed, RefreshError>) -> &[RefusedKey] {
    match ended {
        Ok(refreshed) => refreshed.refused(),
        Err(RefreshError::NoKeys(refused)) => refused,
        Err(_) => &[],
    }
}

/// The system's clock and the runtime's timer.
#[derive(Debug)]
struct Clock;

impl Timer for Clock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(time))
    }
}
