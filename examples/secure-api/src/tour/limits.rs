//! Limits, and what is remembered of who asked what.

use std::time::{Duration, Instant};

use aetherflow_ratelimit::Tick;
use aetherflow_ratelimit::client::{Feedback, Pacer};
use serde_json::json;
use tokio::time::sleep;

use super::client::{Answer, Ask, Client, Secret};
use super::guide::{Expected, Guide};
use super::{TourError, credentials};

/// Walks through a plan's limit, the failure budget, the usage and the audit log.
pub(super) async fn walk(guide: &mut Guide) -> Result<(), TourError> {
    burst(guide).await?;
    guesses(guide).await?;
    let (pro, owner) = (guide.secret("pro"), guide.secret("owner"));
    let used =
        Expected::success(200, &["ratelimit"], "a caller sees its own windows and how it was answered");
    let usage = guide.ask("Usage", Ask::get("/v2/usage", &pro), used).await?;
    guide.require(usage.json()["last_hour"]["413"] == 1, "the body that was too large is counted once");
    let seen = Expected::success(200, &[], "every decision is in the audit log, refusals with their reason");
    guide.ask("Audit", Ask::get("/v2/audit?limit=2", &owner), seen).await?;
    Ok(())
}

/// Spends a whole Free minute at once, and then waits as told.
async fn burst(guide: &mut Guide) -> Result<(), TourError> {
    let to = guide.server.https;
    let (token, mut answers) = spend(guide).await?;
    let path = "/v2/workflows";
    let (ask, base) = (Ask::get(path, &token), format!("https://{to}"));
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    let seen = format!("{passed} of 60 requests over one connection were answered 200");
    guide.look(
        "A burst of a whole Free minute",
        &seen,
        passed == 60,
        "a full bucket lets 60 through at once",
    );
    let Some(last) = answers.pop().filter(|_| answers.len() >= 60) else { return Ok(()) };
    let retry_after = last.header("retry-after").parse().unwrap_or(1);
    let refused = Expected::refusal(
        429,
        "quota-exceeded",
        &["retry-after", "ratelimit-policy", "ratelimit"],
        "the 61st is refused, told which window is spent and when to come back",
    );
    let due = due_after(&last);
    guide.judge("The 61st request", &base, &ask, last, refused);
    guide.look(
        "What its client makes of it",
        &format!(
            "the pacer of `client` has read the fields, and gives its next turn in {} ms",
            due.as_millis()
        ),
        due >= Duration::from_secs(retry_after),
        "a client that keeps to the fields does not come back early",
    );
    sleep(Duration::from_secs(retry_after)).await;
    let passes = Expected::success(200, &["ratelimit"], "after Retry-After the next one succeeds");
    guide.ask("The one after Retry-After", ask, passes).await?;
    Ok(())
}

/// How long a client waits that heard this answer and knows nothing else.
fn due_after(answer: &Answer) -> Duration {
    let (pacer, now) = (Pacer::new(), Tick::from_millis(0));
    pacer.learn_at(&Feedback::of(&answer.headers), now, &mut rand::rng());
    let turn = pacer.enter_at(now);
    Duration::from_millis(pacer.due_at(turn, now).as_millis())
}

/// Spends the failure budget of an address that is not this one.
async fn guesses(guide: &mut Guide) -> Result<(), TourError> {
    let (proxied, enterprise) = (guide.server.proxied, guide.secret("enterprise"));
    let guess = Secret::new("guess", "a.b.c");
    let of = |token| Ask::get("/v2/workflows", token).forwarded_for("203.0.113.77");
    let passes = Expected::success(200, &["ratelimit"], "a good token, verified and remembered");
    guide.ask_plain("A caller from an office", proxied, of(&enterprise), passes).await?;
    for _ in 0..MOST_FAILURES {
        Client::send_plain(proxied, &of(&guess)).await?;
    }
    let spent = Expected::refusal(
        429,
        "quota-exceeded",
        &["retry-after", "ratelimit-policy"],
        "after 60 guesses within a minute an address is heard no more",
    );
    guide.ask_plain("The 61st guess from the same office", proxied, of(&guess), spent).await?;
    let passes = Expected::success(200, &["ratelimit"], "whose token is remembered is let in all the same");
    guide.ask_plain("The caller beside the guesser", proxied, of(&enterprise), passes).await?;
    Ok(())
}

/// Sends 61 requests within a second: in a longer time the bucket would have earned one more.
async fn spend(guide: &mut Guide) -> Result<(Secret, Vec<Answer>), TourError> {
    let mut attempt = 1;
    loop {
        let subject = format!("hurried-{attempt}");
        let wanted =
            json!({ "subject": subject, "scopes": ["read:workflows"], "plan": "free", "expires_in": 600 });
        let (token, _) = credentials::issue(guide, "A token of the Free plan", &subject, wanted).await?;
        let begun = Instant::now();
        let answers =
            guide.client.send_many(guide.server.https, &Ask::get("/v2/workflows", &token), 61).await?;
        if begun.elapsed() < Duration::from_secs(1) || attempt == MOST_ATTEMPTS {
            return Ok((token, answers));
        }
        attempt += 1;
    }
}

const MOST_ATTEMPTS: u32 = 3;
const MOST_FAILURES: u32 = 60;
