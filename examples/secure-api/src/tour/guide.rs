//! Takes the visitor from step to step: asks, compares, prints.

use std::net::SocketAddr;

use http::{HeaderMap, Method};
use serde_json::Value;

use super::child::ChildServer;
use super::client::{Answer, Ask, Client, ClientError, Secret};
use crate::operator::print;

/// The tour so far.
#[derive(Debug)]
pub(super) struct Guide {
    pub(super) server: ChildServer,
    pub(super) client: Client,
    first: Value,
    steps: u32,
    surprises: u32,
}

/// What a step must be answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub(super) status: u16,
    /// The last part of the problem's type; empty for what is no problem.
    pub(super) problem: &'a str,
    /// Headers that must stand there, and are printed.
    pub(super) headers: &'a [&'a str],
    /// What the step shows.
    pub(super) shows: &'a str,
}

impl<'a> Expected<'a> {
    /// An answer without a problem.
    pub(super) fn success(status: u16, headers: &'a [&'a str], shows: &'a str) -> Self {
        Self { status, problem: "", headers, shows }
    }

    /// A refusal.
    pub(super) fn refusal(status: u16, problem: &'a str, headers: &'a [&'a str], shows: &'a str) -> Self {
        Self { status, problem, headers, shows }
    }

    fn is_met_by(&self, answer: &Answer) -> bool {
        let has_headers = self.headers.iter().all(|name| answer.headers.contains_key(*name));
        answer.status.as_u16() == self.status && answer.problem() == self.problem && has_headers
    }
}

impl Guide {
    /// Begins at a server whose first credentials are `first`.
    pub(super) fn new(server: ChildServer, client: Client, first: Value) -> Self {
        Self { server, client, first, steps: 0, surprises: 0 }
    }

    /// One of the credentials the server began with.
    pub(super) fn secret(&self, member: &str) -> Secret {
        Secret::new(member, self.first[member].as_str().unwrap_or_default())
    }

    /// The last step: the server is asked to end. Answers how many steps there were, and how many did not behave.
    pub(super) fn leave(mut self) -> std::io::Result<(u32, u32)> {
        let status = self.server.stop()?;
        self.look(
            "The server is asked to end (SIGTERM)",
            &status.to_string(),
            status.success(),
            "requests in flight are finished and the audit log is flushed before it exits with 0",
        );
        Ok((self.steps, self.surprises))
    }

    /// A step over HTTPS.
    pub(super) async fn ask(
        &mut self,
        title: &str,
        ask: Ask<'_>,
        expected: Expected<'_>,
    ) -> Result<Answer, ClientError> {
        let to = self.server.https;
        let answer = self.client.send(to, &ask).await?;
        Ok(self.judge(title, &format!("https://{to}"), &ask, answer, expected))
    }

    /// A step over plain HTTP, to one of the two ports that speak it.
    pub(super) async fn ask_plain(
        &mut self,
        title: &str,
        to: SocketAddr,
        ask: Ask<'_>,
        expected: Expected<'_>,
    ) -> Result<Answer, ClientError> {
        let answer = Client::send_plain(to, &ask).await?;
        Ok(self.judge(title, &format!("http://{to}"), &ask, answer, expected))
    }

    /// A step with an answer in hand.
    pub(super) fn judge(
        &mut self,
        title: &str,
        base: &str,
        ask: &Ask<'_>,
        answer: Answer,
        expected: Expected<'_>,
    ) -> Answer {
        self.begin(title);
        print(format_args!("   > {} {base}{}", ask.method, ask.path));
        for line in ask.shown_fields() {
            print(format_args!("   > {line}"));
        }
        if let Some((_, body)) = &ask.body {
            print(format_args!("   > {}", shortened(body)));
        }
        print(format_args!("   < {}", answer.status));
        for line in shown_headers(&answer.headers, expected.headers) {
            print(format_args!("   < {line}"));
        }
        if !answer.text.is_empty() && ask.method != Method::HEAD {
            print(format_args!("   < {}", shown_body(&answer)));
        }
        self.end(expected.is_met_by(&answer), expected.shows);
        answer
    }

    /// A step that looks at something instead of asking for it.
    pub(super) fn look(&mut self, title: &str, seen: &str, is_as_expected: bool, shows: &str) {
        self.begin(title);
        print(format_args!("   {seen}"));
        self.end(is_as_expected, shows);
    }

    /// Counts something else that was not as it should be.
    pub(super) fn require(&mut self, holds: bool, what: &str) {
        if !holds {
            self.surprises += 1;
            print(format_args!("   !! NOT SO: {what}"));
        }
    }

    fn begin(&mut self, title: &str) {
        self.steps += 1;
        print(format_args!("{}. {title}", self.steps));
    }

    fn end(&mut self, is_as_expected: bool, shows: &str) {
        self.require(is_as_expected, shows);
        print(format_args!("   = {shows}\n"));
    }
}

fn shown_headers(headers: &HeaderMap, names: &[&str]) -> Vec<String> {
    let shown = |name: &&str| {
        let value = headers.get(*name)?.to_str().ok()?;
        Some(format!("{name}: {value}"))
    };
    names.iter().filter_map(shown).collect()
}

// Secrets are shown once by the server, and not at all by its tour.
fn shown_body(answer: &Answer) -> String {
    match answer.json()["secret"].as_str() {
        Some(secret) => shortened(&answer.text.replace(secret, "[shown once]")),
        None => shortened(&answer.text),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

const MOST_SHOWN: usize = 400;
