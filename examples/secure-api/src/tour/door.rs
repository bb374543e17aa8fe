//! At the door: what is refused before any handler runs, and what is let in.

use http::Method;

use super::TourError;
use super::client::{Ask, Secret};
use super::guide::{Expected, Guide};
use super::partner::Partner;

/// Walks through the refusals, in the order the gate checks.
pub(super) async fn walk(guide: &mut Guide, partner: &Partner) -> Result<(), TourError> {
    open(guide).await?;
    credentials(guide).await?;
    bad_tokens(guide, partner).await?;
    forged_tokens(guide, partner).await?;
    routes(guide).await
}

async fn open(guide: &mut Guide) -> Result<(), TourError> {
    let healthy = Expected::success(
        200,
        &["strict-transport-security", "x-content-type-options"],
        "a public route asks for nothing; TLS 1.3 with the server's own certificate carried it",
    );
    guide.ask("Is it up?", Ask::new(Method::GET, "/healthz"), healthy).await?;
    let published = Expected::success(200, &[], "anyone can verify this server's tokens by its public keys");
    guide.ask("The public keys", Ask::new(Method::GET, "/.well-known/jwks.json"), published).await?;
    let plain = guide.server.plain;
    let refused =
        Expected::refusal(403, "https-required", &["cache-control"], "plain HTTP is refused, not redirected");
    guide.ask_plain("Plain HTTP", plain, Ask::new(Method::GET, "/v2/workflows"), refused).await?;
    Ok(())
}

async fn credentials(guide: &mut Guide) -> Result<(), TourError> {
    let (free, key) = (guide.secret("free"), guide.secret("api_key"));
    let none =
        Expected::refusal(401, "credential-required", &["www-authenticate"], "no credential, no entry");
    guide.ask("No credential", Ask::new(Method::GET, "/v2/workflows"), none).await?;
    let good = Expected::success(
        200,
        &["ratelimit-policy", "ratelimit"],
        "a good token is let in, and told what remains of its plan",
    );
    guide.ask("A good token", Ask::get("/v2/workflows", &free), good).await?;
    let both = Expected::refusal(
        400,
        "invalid-request",
        &["www-authenticate"],
        "two credentials are refused: which one would count?",
    );
    guide.ask("A token and a key at once", Ask::get("/v2/workflows", &free).with_key(&key), both).await?;
    let query = Expected::refusal(
        400,
        "invalid-request",
        &["www-authenticate"],
        "a token in the query is refused unread: queries end up in logs",
    );
    guide.ask("A token in the query", Ask::new(Method::GET, "/v2/workflows?access_token=abc"), query).await?;
    Ok(())
}

async fn bad_tokens(guide: &mut Guide, partner: &Partner) -> Result<(), TourError> {
    let good = Expected::success(200, &["ratelimit"], "a key the server was told to trust signs for it, too");
    guide.ask("A partner's token", Ask::get("/v2/workflows", &partner.good()?), good).await?;
    for (title, token, shows) in [
        ("One bit flipped", partner.flipped()?, "a signature holds as a whole or not at all"),
        ("An expired token", partner.expired()?, "a token ends at its expiry, without leeway"),
        ("A token for another audience", partner.for_another_audience()?, "a token is for one service"),
        (
            "A token of another environment",
            partner.of_another_environment()?,
            "staging never opens production",
        ),
    ] {
        refused(guide, title, &token, shows).await?;
    }
    Ok(())
}

async fn forged_tokens(guide: &mut Guide, partner: &Partner) -> Result<(), TourError> {
    let (by_hand, der) = partner.in_both_forms()?;
    let good = Expected::success(200, &["ratelimit"], "of this one the next step changes only the spelling");
    guide.ask("A signature of 64 bytes", Ask::get("/v2/workflows", &by_hand), good).await?;
    for (title, token, shows) in [
        ("The same signature in DER", der, "a signature has one spelling, that of RFC 7518"),
        ("A header with crit", partner.with_crit()?, "what must be understood and is not, is refused"),
        ("No signature, by alg none", partner.unsigned()?, "a token does not choose how it is verified"),
        (
            "HS256 with the public key as the secret",
            partner.by_the_public_key()?,
            "a key verifies by its own algorithm and no other",
        ),
        ("A token of 20 KB", partner.longer_by(20_000)?, "a token has a bound, below that of a header"),
    ] {
        refused(guide, title, &token, shows).await?;
    }
    huge_token(guide, partner).await
}

async fn huge_token(guide: &mut Guide, partner: &Partner) -> Result<(), TourError> {
    let huge = partner.longer_by(1024 * 1024)?;
    let answer = guide.client.send(guide.server.https, &Ask::get("/v2/workflows", &huge)).await;
    let seen = match &answer {
        Ok(answer) => format!("{}, {} bytes of body", answer.status, answer.text.len()),
        Err(_) => "the connection was closed while it was sent".to_owned(),
    };
    let is_refused = answer.is_err() || answer.is_ok_and(|answer| answer.status == 431);
    guide.look("A token of 1 MiB", &seen, is_refused, "a header beyond its bound never becomes a request");
    Ok(())
}

async fn refused(guide: &mut Guide, title: &str, token: &Secret, shows: &str) -> Result<(), TourError> {
    let refused = Expected::refusal(401, "invalid-token", &["www-authenticate"], shows);
    guide.ask(title, Ask::get("/v2/workflows", token), refused).await?;
    Ok(())
}

async fn routes(guide: &mut Guide) -> Result<(), TourError> {
    let (readonly, pro) = (guide.secret("readonly"), guide.secret("pro"));
    let missing = Expected::refusal(
        403,
        "insufficient-scope",
        &["www-authenticate"],
        "the challenge names the scope that is missing",
    );
    let body = serde_json::json!({ "name": "report", "note": "" });
    guide.ask("A missing scope", Ask::post("/v2/workflows", &readonly, body), missing).await?;
    let unlisted =
        Expected::refusal(404, "not-found", &[], "a route nobody listed is refused before any handler");
    guide.ask("An unlisted route", Ask::get("/v2/secrets", &pro), unlisted).await?;
    let method =
        Expected::refusal(405, "method-not-allowed", &["allow"], "so is a method, with those that are");
    guide.ask("Another method", Ask::new(Method::PATCH, "/v2/workflows").with_token(&pro), method).await?;
    let ambiguous =
        Expected::refusal(400, "invalid-request", &[], "a path with two readings is refused, not guessed");
    guide.ask("An ambiguous path", Ask::get("/v2/usage/%2e%2e/workflows", &pro), ambiguous).await?;
    Ok(())
}
