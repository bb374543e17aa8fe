use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, FromRedisValue as _, IntoConnectionInfo as _, ProtocolVersion, PushInfo,
    PushKind, Value,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::super::name::Packed;
use super::super::snapshot::Entry;
use super::error::FeedError;
use super::message::{Message, end_to_text, entry_of, member_of};
use crate::Environment;

/// One connection: commands, and on the same socket the messages of the channel.
#[derive(Clone, Debug)]
pub(super) struct Link {
    connection: MultiplexedConnection,
    channel: String,
    record: String,
}

/// What comes in from the channel, in the server's order.
#[derive(Debug)]
pub(super) struct Arrivals(UnboundedReceiver<PushInfo>);

/// Reads an address; nothing is connected yet.
pub(super) fn client(address: &str) -> Result<Client, FeedError> {
    let info = address.into_connection_info().map_err(unusable)?;
    // RESP3 lets messages and answers share one connection, so that a beat tests both ways of it.
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3).set_skip_set_lib_name();
    Client::open(info.set_redis_settings(settings)).map_err(unusable)
}

fn unusable(error: redis::RedisError) -> FeedError {
    FeedError::Address(Box::new(error))
}

impl Link {
    /// Connects, and listens to the channel before anything is asked.
    pub(super) async fn open(
        client: &Client,
        environment: Environment,
    ) -> Result<(Self, Arrivals), FeedError> {
        let (sender, arrivals) = unbounded_channel();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_push_sender(sender);
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let channel = format!("af:{}:rev", environment.as_str());
        connection.subscribe(&channel).await?;
        let record = format!("{channel}:record");
        Ok((Self { connection, channel, record }, Arrivals(arrivals)))
    }

    /// The name the server process gave itself when it started.
    pub(super) async fn server(&mut self) -> Result<String, FeedError> {
        let info: String = redis::cmd("INFO").arg("server").query_async(&mut self.connection).await?;
        let id = info.lines().find_map(|line| line.strip_prefix("run_id:"));
        id.map(|id| id.trim().to_owned()).ok_or(FeedError::Unreadable)
    }

    /// Reads the whole record. Members that stay throughout are all seen (Redis, "Scan guarantees").
    pub(super) async fn scan(&mut self, mut visit: impl FnMut(Entry) + Send) -> Result<(), FeedError> {
        let mut cursor = "0".to_owned();
        loop {
            let mut command = redis::cmd("ZSCAN");
            command.arg(&self.record).arg(&cursor).arg("COUNT").arg(PAGE);
            let (next, page): (String, Vec<(String, String)>) =
                command.query_async(&mut self.connection).await?;
            for (member, score) in page.iter().filter(|(member, _)| !member.starts_with(MARK)) {
                visit(entry_of(member, score).ok_or(FeedError::Unreadable)?);
            }
            if next == "0" {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// Adds entries to the record, then tells the channel: who misses the message finds them in the record.
    pub(super) async fn publish(&mut self, entries: Vec<Entry>) -> Result<(), FeedError> {
        let mut add = redis::cmd("ZADD");
        // GT: an end only ever grows, whoever writes last.
        add.arg(&self.record).arg("GT");
        for entry in &entries {
            add.arg(end_to_text(entry.end)).arg(member_of(&entry.name));
        }
        let mut pipe = redis::pipe();
        pipe.add_command(add).ignore();
        pipe.cmd("PUBLISH").arg(&self.channel).arg(Message::Revoked(entries).write()).ignore();
        Ok(pipe.query_async(&mut self.connection).await?)
    }

    /// Sends a heartbeat, and says whether the record is still marked as whole.
    pub(super) async fn beat(&mut self, beat: &Message, server: &str) -> Result<bool, FeedError> {
        let mut pipe = redis::pipe();
        pipe.cmd("PUBLISH").arg(&self.channel).arg(beat.write()).ignore();
        pipe.cmd("ZSCORE").arg(&self.record).arg(mark_of(server));
        let (score,): (Option<f64>,) = pipe.query_async(&mut self.connection).await?;
        Ok(score.is_some())
    }

    /// Whether a node that knew everything has filled the record since the server started.
    pub(super) async fn is_whole(&mut self, server: &str) -> Result<bool, FeedError> {
        let mut command = redis::cmd("ZSCORE");
        command.arg(&self.record).arg(mark_of(server));
        let score: Option<f64> = command.query_async(&mut self.connection).await?;
        Ok(score.is_some())
    }

    /// Says that this node, which knows everything, has filled the record; the mark goes with the record it is part of.
    pub(super) async fn mark_whole(&mut self, server: &str, end: i64) -> Result<(), FeedError> {
        let mut command = redis::cmd("ZADD");
        command.arg(&self.record).arg("GT").arg(end).arg(mark_of(server));
        Ok(command.query_async(&mut self.connection).await?)
    }

    /// Takes out what has ended by `now` and by the server's clock too: one clock that is wrong takes nothing from anyone.
    pub(super) async fn trim(&mut self, now: i64) -> Result<(), FeedError> {
        let (seconds, _): (i64, i64) = redis::cmd("TIME").query_async(&mut self.connection).await?;
        let mut command = redis::cmd("ZREMRANGEBYSCORE");
        command.arg(&self.record).arg("-inf").arg(seconds.min(now));
        Ok(command.query_async(&mut self.connection).await?)
    }
}

impl Arrivals {
    /// Waits for the next message of the channel.
    pub(super) async fn next(&mut self) -> Result<Message, FeedError> {
        loop {
            let push = self.0.recv().await.ok_or(FeedError::Closed)?;
            if push.kind == PushKind::Disconnection {
                return Err(FeedError::Closed);
            }
            if push.kind == PushKind::Message {
                return read(&push.data).ok_or(FeedError::Unreadable);
            }
        }
    }
}

fn read(data: &[Value]) -> Option<Message> {
    let [_, payload] = data else { return None };
    Message::read(&Vec::<u8>::from_redis_value_ref(payload).ok()?)
}

fn mark_of(server: &str) -> String {
    Packed::new(["whole", server]).as_str().to_owned()
}

/// How the mark of any server begins.
const MARK: &str = "5:whole";
const PAGE: usize = 1_000;
/// No answer for as long as the feed may be silent is no answer.
const PATIENCE: Duration = Duration::from_secs(1);
