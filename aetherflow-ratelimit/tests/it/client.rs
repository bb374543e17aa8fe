//! The client's side: what it reads, when it sends, when it gives up.

mod backoff;
mod budget;
mod crowd;
mod feedback;
mod pace;
mod simulation;
