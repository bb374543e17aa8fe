//! The command line as written, before anything in it is checked.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::{Arg, Parser};

use crate::fault::{Fault, Faults};

/// What the caller wants done.
#[derive(Debug)]
pub(crate) enum Command {
    /// Run the server.
    Serve(Box<Options>),
    /// Walk through every feature as a client would.
    Tour,
    /// Print how the program is used.
    Help,
    /// Print the program's name and version.
    Version,
}

/// The options of `serve`, as texts.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) listen: String,
    pub(crate) listen_plain: String,
    pub(crate) listen_proxied: Option<String>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) environment: String,
    pub(crate) trust_jwks: Option<String>,
    pub(crate) trust_jwks_ca: Option<PathBuf>,
    pub(crate) trusted_proxies: Vec<String>,
    pub(crate) audit_log: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8443".to_owned(),
            listen_plain: "127.0.0.1:8080".to_owned(),
            listen_proxied: None,
            data: None,
            issuer: "https://auth.aetherflow.localhost".to_owned(),
            audience: "https://api.aetherflow.localhost".to_owned(),
            environment: "production".to_owned(),
            trust_jwks: None,
            trust_jwks_ca: None,
            trusted_proxies: Vec::new(),
            audit_log: None,
        }
    }
}

/// Reads the arguments after the program's name; what cannot be read is a fault, and the reading goes on.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> (Command, Faults) {
    let mut reading = Reading::new(Parser::from_args(arguments));
    while let Some(argument) = reading.next() {
        reading.take(argument);
    }
    (reading.command.unwrap_or(Command::Serve(Box::new(reading.options))), reading.faults)
}

/// How the program is used.
pub(crate) const USAGE: &str = "\
The AetherFlow API in small: the reference server.

secure-api serve [options]    run the server (the default)
secure-api tour               start it on free ports and walk through every feature over HTTPS

  --listen ADDR           HTTPS, TLS 1.3 only                        127.0.0.1:8443
  --listen-plain ADDR     plain HTTP; every request is refused       127.0.0.1:8080
  --listen-proxied ADDR   plain HTTP behind a TLS-terminating proxy  off; needs --trusted-proxy
  --data DIR              state                                      a new temporary folder
  --issuer URL            who signs the tokens                       https://auth.aetherflow.localhost
  --audience TEXT         for whom the tokens are                    https://api.aetherflow.localhost
  --environment NAME      production, staging, development, or a name of its own
  --trust-jwks FILE|URL   more public keys whose tokens are accepted; a URL is https, and fetched every 5 minutes
  --trust-jwks-ca FILE    the authorities of that URL's certificate  the system's, or SSL_CERT_FILE
  --trusted-proxy CIDR    a proxy whose forwarding headers count; repeatable
  --audit-log DIR         the audit log                              DATA/audit
  --help, --version
";

struct Reading {
    parser: Parser,
    command: Option<Command>,
    options: Options,
    faults: Faults,
    seen_command: bool,
    after_unknown: bool,
}

impl Reading {
    fn new(parser: Parser) -> Self {
        Self {
            parser,
            command: None,
            options: Options::default(),
            faults: Faults::default(),
            seen_command: false,
            after_unknown: false,
        }
    }

    fn next(&mut self) -> Option<Word> {
        match self.parser.next() {
            Ok(None) => None,
            Ok(Some(Arg::Long(name))) => Some(Word::Option(format!("--{name}"))),
            Ok(Some(Arg::Short(letter))) => Some(Word::Option(format!("-{letter}"))),
            Ok(Some(Arg::Value(value))) => Some(Word::Value(value)),
            Err(error) => {
                self.faults.add(Fault::CommandLine(error));
                // The value of `--unknown=value` was left over: it is gone once the error is reported.
                self.next()
            }
        }
    }

    fn take(&mut self, word: Word) {
        // An unknown option may have had a value, which is then no word of its own.
        let after_unknown = std::mem::take(&mut self.after_unknown);
        match word {
            Word::Option(name) => self.take_option(name),
            Word::Value(_) if after_unknown => {}
            Word::Value(value) => self.take_command(value),
        }
    }

    fn take_option(&mut self, name: String) {
        match name.as_str() {
            "--listen" => self.text(&name, |options| &mut options.listen),
            "--listen-plain" => self.text(&name, |options| &mut options.listen_plain),
            "--listen-proxied" => self.text(&name, |options| options.listen_proxied.get_or_insert_default()),
            "--data" => self.path(&name, |options, path| options.data = Some(path)),
            "--issuer" => self.text(&name, |options| &mut options.issuer),
            "--audience" => self.text(&name, |options| &mut options.audience),
            "--environment" => self.text(&name, |options| &mut options.environment),
            "--trust-jwks" => self.text(&name, |options| options.trust_jwks.get_or_insert_default()),
            "--trust-jwks-ca" => self.path(&name, |options, path| options.trust_jwks_ca = Some(path)),
            "--trusted-proxy" => self.text(&name, |options| {
                options.trusted_proxies.push(String::new());
                options.trusted_proxies.last_mut().expect("one was just pushed")
            }),
            "--audit-log" => self.path(&name, |options, path| options.audit_log = Some(path)),
            "--help" | "-h" => self.command = Some(Command::Help),
            "--version" | "-V" => self.command = Some(Command::Version),
            _ => {
                self.after_unknown = self.parser.optional_value().is_none();
                self.faults.add(Fault::UnknownOption(name));
            }
        }
    }

    fn take_command(&mut self, value: OsString) {
        match value.to_str() {
            Some("serve") if !self.seen_command => {}
            Some("tour") if !self.seen_command => self.command = Some(Command::Tour),
            _ => self.faults.add(Fault::UnexpectedArgument(value.to_string_lossy().into_owned())),
        }
        self.seen_command = true;
    }

    fn text(&mut self, name: &str, place: impl FnOnce(&mut Options) -> &mut String) {
        match self.value(name).map(OsString::into_string) {
            Some(Ok(text)) => *place(&mut self.options) = text,
            Some(Err(_)) => self.faults.add(Fault::NotText(name.to_owned())),
            None => {}
        }
    }

    fn path(&mut self, name: &str, set: impl FnOnce(&mut Options, PathBuf)) {
        if let Some(value) = self.value(name) {
            set(&mut self.options, PathBuf::from(value));
        }
    }

    fn value(&mut self, name: &str) -> Option<OsString> {
        match self.parser.value() {
            Ok(value) if !value.is_empty() => Some(value),
            Ok(_) | Err(_) => {
                self.faults.add(Fault::MissingValue(name.to_owned()));
                None
            }
        }
    }
}

enum Word {
    Option(String),
    Value(OsString),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (Command, Vec<String>) {
        let (command, faults) = parse(line.split_whitespace().map(OsString::from));
        (command, faults.into_iter().map(|fault| fault.to_string()).collect())
    }

    fn options(line: &str) -> Options {
        let (command, faults) = read(line);
        assert_eq!(faults, Vec::<String>::new(), "{line}");
        let Command::Serve(options) = command else { panic!("{line} is no serve") };
        *options
    }

    #[test]
    fn serve_is_the_default_and_takes_the_documented_defaults() {
        for line in ["", "serve"] {
            let options = options(line);
            assert_eq!(options.listen, "127.0.0.1:8443", "{line}");
            assert_eq!(options.listen_plain, "127.0.0.1:8080", "{line}");
            assert_eq!(options.environment, "production", "{line}");
        }
    }

    #[test]
    fn each_option_is_read_before_or_after_the_command() {
        let read = options("--listen [::1]:0 serve --data=d --trusted-proxy 10.0.0.0/8 --trusted-proxy ::1");
        assert_eq!(read.listen, "[::1]:0");
        assert_eq!(read.data, Some(PathBuf::from("d")));
        assert_eq!(read.trusted_proxies, ["10.0.0.0/8", "::1"]);
    }

    #[test]
    fn every_fault_of_a_line_is_listed_at_once() {
        let (_, faults) = read("serve --lisen 1 --colour=red extra -x --data");
        assert_eq!(
            faults,
            [
                "unknown option --lisen",
                "unknown option --colour",
                "unexpected argument extra",
                "unknown option -x",
                "--data needs a value",
            ]
        );
    }

    #[test]
    fn tour_help_and_version_are_commands() {
        assert!(matches!(read("tour").0, Command::Tour));
        assert!(matches!(read("serve --help").0, Command::Help));
        assert!(matches!(read("-V").0, Command::Version));
    }
}
