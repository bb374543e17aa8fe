//! The AetherFlow API in small: the reference server.
//!
//! `secure-api serve` runs it, `secure-api tour` walks through it. A request comes in at [`listener`], is served by
//! [`connection`], decided by the gate that [`server`] configures, and answered by [`routes`].

mod answer;
mod authority;
mod banner;
mod body;
mod calendar;
mod certificate;
mod cli;
mod closing;
mod config;
mod connection;
mod credential;
mod credentials;
mod data;
mod fault;
mod first_credentials;
mod history;
mod keys;
mod listener;
mod name;
mod operator;
mod ports;
mod routes;
mod serve;
mod server;
mod slots;
mod store;
mod tls;
mod tour;
mod trust;
mod turn;
mod usage;

use std::process::ExitCode;

use cli::{Command, Options};
use fault::Faults;
use serve::Failure;

fn main() -> ExitCode {
    let (command, faults) = cli::parse(std::env::args_os().skip(1));
    match command {
        Command::Help => print(cli::USAGE),
        Command::Version => print(concat!("secure-api ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Tour if faults.is_empty() => in_runtime(tour::run()),
        Command::Tour => ended(Err(Failure::Config(faults))),
        Command::Serve(options) => in_runtime(serve(*options, faults)),
    }
}

async fn serve(options: Options, faults: Faults) -> ExitCode {
    ended(serve::run(options, faults).await)
}

fn in_runtime(work: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            // A request that did not end in time does not hold the process back.
            runtime.shutdown_background();
            code
        }
        Err(error) => ended(Err(Failure::System(error))),
    }
}

fn ended(outcome: Result<(), Failure>) -> ExitCode {
    let Err(failure) = outcome else { return ExitCode::SUCCESS };
    operator::tell(format_args!("secure-api: {failure}"));
    match failure {
        Failure::Config(_) => ExitCode::from(2),
        Failure::Audit(_) | Failure::System(_) => ExitCode::FAILURE,
    }
}

fn print(text: &str) -> ExitCode {
    operator::print(text.trim_end());
    ExitCode::SUCCESS
}
