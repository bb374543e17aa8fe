//! A walk through every feature, as a client over HTTPS sees it.
//!
//! Each step prints its number, the request, the answer, and what it shows; the tour succeeds if every step behaved. It
//! takes half a minute, since no server asks a URL for keys more often.

mod child;
mod client;
mod credentials;
mod door;
mod guide;
mod hand;
mod jwks_server;
mod limits;
mod partner;
mod rotating;
mod workflows;

use std::process::ExitCode;

use thiserror::Error;

use crate::operator::{print, tell};
use child::{ChildServer, Trusted};
use client::{Client, ClientError};
use guide::Guide;
use jwks_server::JwksServerError;
use partner::{Partner, PartnerError};
use rotating::Rotating;

/// Walks through, and tells by its exit code whether every step behaved.
pub(crate) async fn run() -> ExitCode {
    match walk().await {
        Ok((steps, 0)) => {
            print(format_args!("{steps} steps, and every one behaved."));
            ExitCode::SUCCESS
        }
        Ok((steps, surprises)) => {
            print(format_args!("{steps} steps, and {surprises} things were not as they should be."));
            ExitCode::FAILURE
        }
        Err(error) => {
            tell(format_args!("secure-api tour: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn walk() -> Result<(u32, u32), TourError> {
    let partner = Partner::new()?;
    let mut rotating = Rotating::start().await?;
    let server = ChildServer::start(&Trusted::File(partner.jwks().to_owned()))?;
    let client = Client::trusting(&server.read("ca.pem")?)?;
    let first = serde_json::from_slice(&server.read("credentials.json")?)?;
    let mut guide = Guide::new(server, client, first);
    door::walk(&mut guide, &partner).await?;
    rotating.begin(&mut guide).await?;
    workflows::walk(&mut guide).await?;
    credentials::walk(&mut guide).await?;
    limits::walk(&mut guide).await?;
    rotating.end(&mut guide).await?;
    Ok(guide.leave()?)
}

/// Why the tour was broken off.
#[derive(Debug, Error)]
enum TourError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Client(#[from] ClientError),
    #[error("{0}")]
    Partner(#[from] PartnerError),
    #[error("{0}")]
    JwksServer(#[from] JwksServerError),
    #[error("credentials.json: {0}")]
    Credentials(#[from] serde_json::Error),
}
