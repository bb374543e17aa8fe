//! A partner that rotates its key: the server learns of it at the partner's URL, without a restart.

use std::time::Duration;

use http::StatusCode;
use tokio::time::{sleep, timeout};

use super::TourError;
use super::child::{ChildServer, Trusted};
use super::client::{Answer, Ask, Client, Secret};
use super::guide::{Expected, Guide};
use super::jwks_server::JwksServer;
use super::partner::Partner;

/// A server of its own that trusts a URL, and the keys of whoever publishes there.
#[derive(Debug)]
pub(super) struct Rotating {
    server: ChildServer,
    client: Client,
    url: JwksServer,
    old: Partner,
    new: Partner,
    stranger: Partner,
}

impl Rotating {
    /// Publishes the first key, and starts the server.
    pub(super) async fn start() -> Result<Self, TourError> {
        let [old, new, stranger] = [Partner::new()?, Partner::new()?, Partner::new()?];
        let url = JwksServer::start(old.jwks()).await?;
        let trusted = Trusted::Url { url: url.url.clone(), authority: url.authority.clone() };
        // Waited for on another thread: it fetches before it tells its ports, from here.
        let started = tokio::task::spawn_blocking(move || ChildServer::start(&trusted)).await;
        let server = started.map_err(std::io::Error::other)??;
        let client = Client::trusting(&server.read("ca.pem")?)?;
        Ok(Self { server, client, url, old, new, stranger })
    }

    /// The first key is known, and is replaced at the URL; a token of the next one has the server ask there again.
    pub(super) async fn begin(&mut self, guide: &mut Guide) -> Result<(), TourError> {
        let known =
            Expected::success(200, &["ratelimit"], "its key was fetched over HTTPS, under --trust-jwks-ca");
        let old = self.old.good_as("token by the partner's first key")?;
        self.ask(guide, "A token under a key of --trust-jwks URL", &old, known).await?;
        self.url.publish(self.new.jwks());
        let early = Expected::refusal(
            401,
            "invalid-token",
            &["www-authenticate"],
            "the partner has just rotated its key: now the server asks the URL again, at most every 30 seconds",
        );
        let new = self.new.good_as("token by the partner's next key")?;
        self.ask(guide, "A token under the partner's next key, at once", &new, early).await
    }

    /// Once the server has asked again, the next key is known and the first one gone.
    pub(super) async fn end(&mut self, guide: &mut Guide) -> Result<(), TourError> {
        // The rest of the 30 seconds since the start.
        let is_asked = timeout(LONGEST, self.url.answered(2)).await.is_ok();
        guide.require(is_asked, "the server asks the URL again");
        let new = self.new.good_as("token by the partner's next key")?;
        self.wait_for(&new).await?;
        let known = Expected::success(200, &["ratelimit"], "known after the refresh, without a restart");
        self.ask(guide, "A token under the next key after the refresh", &new, known).await?;
        for (title, token, shows) in [
            (
                "A token under the partner's first key",
                self.old.good_as("token by the partner's first key")?,
                "what the URL no longer publishes is no longer trusted",
            ),
            (
                "A token under an unknown key",
                self.stranger.good_as("stranger's token")?,
                "a key that nobody published opens nothing",
            ),
        ] {
            let refused = Expected::refusal(401, "invalid-token", &["www-authenticate"], shows);
            self.ask(guide, title, &token, refused).await?;
        }
        Ok(())
    }

    async fn ask(
        &self,
        guide: &mut Guide,
        title: &str,
        token: &Secret,
        expected: Expected<'_>,
    ) -> Result<(), TourError> {
        let (ask, answer) = (Ask::get(PATH, token), self.answer(token).await?);
        guide.judge(title, &format!("https://{}", self.server.https), &ask, answer, expected);
        Ok(())
    }

    async fn answer(&self, token: &Secret) -> Result<Answer, TourError> {
        Ok(self.client.send(self.server.https, &Ask::get(PATH, token)).await?)
    }

    /// What the URL has answered may still be on its way into the keys.
    async fn wait_for(&self, token: &Secret) -> Result<(), TourError> {
        for _ in 0..MOST_TRIES {
            if self.answer(token).await?.status == StatusCode::OK {
                break;
            }
            sleep(BETWEEN_TRIES).await;
        }
        Ok(())
    }
}

const PATH: &str = "/v2/workflows";
const LONGEST: Duration = Duration::from_secs(60);
// Fewer than what an address may fail with in a minute.
const MOST_TRIES: u32 = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);
