#![cfg_attr(not(doctest), doc = include_str!("../README.md"))]

mod access;
mod answer;
#[cfg(feature = "axum")]
pub mod axum;
mod client_ip;
mod credential;
mod error;
pub mod gate;
mod layer;
mod path;
mod policy;
mod record;
pub mod rejection;
mod request;
mod route;
mod sunset;

pub use access::Access;
pub use client_ip::TrustedProxies;
pub use error::{ConfigError, Fault};
pub use gate::core::Gate;
pub use layer::{ResponseFuture, SecurityLayer, SecurityService};
pub use policy::Policy;
pub use request::{Connection, RequestView};
pub use route::Routes;
pub use sunset::Sunset;

// The README shows axum, so its examples are compiled where axum is.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
mod readme {}

// So is the workspace's README, which shows the same.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../../README.md")]
mod workspace_readme {}
