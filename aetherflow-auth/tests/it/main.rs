//! What the crate promises, one module a topic.

mod allowlist;
mod environment;
mod scope;
