//! The configuration, checked: every fault of it is found before the server listens.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;

use aetherflow_auth::Environment;
use aetherflow_auth::audit::LogFolder;
use aetherflow_auth::jwt::{TokenRules, Verifier};
use aetherflow_auth::key::KeySet;
use aetherflow_ratelimit::Limiter;
use aetherflow_tower::{Gate, Policy, Routes, TrustedProxies};
use http::{Method, Uri};
use ipnet::IpNet;
use tokio::sync::oneshot;

use crate::cli::Options;
use crate::data::{self, DataFolder};
use crate::fault::{Fault, Faults};
use crate::history::History;
use crate::keys::Wanted;
use crate::operator;
use crate::ports::Ports;
use crate::trust::Trust;

/// What the server is to be, and what of the system it holds already.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) host: IpAddr,
    pub(crate) ports: Ports,
    pub(crate) data: DataFolder,
    pub(crate) log: Log,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) environment: Environment,
    pub(crate) trust: Trust,
    pub(crate) trusted_proxies: Vec<String>,
}

/// The audit log, and the word of the write that ends it.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) history: Arc<History>,
    pub(crate) failure: oneshot::Receiver<String>,
}

impl Config {
    /// The networks of the trusted proxies; the gate has refused what is none.
    pub(crate) fn proxy_ranges(&self) -> Vec<IpNet> {
        let range = |text: &String| text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        self.trusted_proxies.iter().filter_map(|text| range(text).ok()).collect()
    }

    /// Reads the options, or adds to `faults` what is wrong with them and with what they name.
    pub(crate) fn read(options: Options, mut faults: Faults) -> Result<Self, Faults> {
        let listen = faults.keep(address("--listen", &options.listen));
        let listen_plain = faults.keep(address("--listen-plain", &options.listen_plain));
        let proxied = options.listen_proxied.as_deref().map(|text| address("--listen-proxied", text));
        let listen_proxied = faults.keep(proxied.transpose()).flatten();
        let issuer = faults.keep(issuer(options.issuer));
        let audience = faults.keep(audience(options.audience));
        let environment = faults.keep(environment(&options.environment));
        let trust = faults.keep(Trust::read(options.trust_jwks.as_deref(), options.trust_jwks_ca.as_deref()));
        check_proxies(&options.trusted_proxies, options.listen_proxied.is_some(), &mut faults);
        let ports = Ports::claim(listen, listen_plain, listen_proxied, &mut faults);
        let wanted = Wanted {
            environment: environment.as_ref().map(Environment::as_str),
            issuer: issuer.as_deref(),
            audience: audience.as_deref(),
        };
        let state = State::claim(options.data.as_deref(), options.audit_log.as_deref(), wanted, &mut faults);
        match (listen, ports, issuer, audience, environment, trust, state) {
            (
                Some(listen),
                Some(ports),
                Some(issuer),
                Some(audience),
                Some(environment),
                Some(trust),
                Some(State { data, log }),
            ) if faults.is_empty() => Ok(Self {
                host: listen.ip(),
                ports,
                data,
                log,
                issuer,
                audience,
                environment,
                trust,
                trusted_proxies: options.trusted_proxies,
            }),
            _ => Err(faults),
        }
    }
}

/// The folders the server keeps, held by this process.
struct State {
    data: DataFolder,
    log: Log,
}

impl State {
    /// Takes the folders, or adds to `faults` what is wrong with them.
    fn claim(
        data: Option<&Path>,
        audit: Option<&Path>,
        wanted: Wanted<'_>,
        faults: &mut Faults,
    ) -> Option<Self> {
        let mut folder = faults.keep(data.map(DataFolder::open).transpose()).flatten();
        // Opening a log mends what a crash tore. That of another deployment's folder is left as it is.
        let mut own = folder.as_ref();
        if let Some(folder) = &folder {
            own = faults.keep(wanted.compare(folder)).map(|_| folder);
        }
        let named = audit.map(Path::to_owned).or_else(|| own.map(|folder| folder.file(AUDIT)));
        let mut log = faults.keep(named.as_deref().map(open_log).transpose()).flatten();
        // The folder for want of a named one is made last, so that a refused start leaves none behind.
        if faults.is_empty() && folder.is_none() {
            folder = faults.keep(DataFolder::temporary());
            let path = folder.as_ref().map(|folder| folder.file(AUDIT)).filter(|_| log.is_none());
            log = log.or_else(|| faults.keep(open_log(&path?)));
        }
        Some(Self { data: folder?, log: log? })
    }
}

fn open_log(path: &Path) -> Result<Log, Fault> {
    data::make_folder(path).map_err(|source| Fault::Path { path: path.to_owned(), source })?;
    let (tell, failure) = oneshot::channel();
    let history = History::open(LogFolder::new(path), move |failure| {
        // Nobody listens any more once the server is stopping anyway.
        drop(tell.send(operator::chain(failure)));
    });
    let refused = |error| Fault::Part { what: "the audit log", reason: operator::chain(&error) };
    Ok(Log { history: Arc::new(history.map_err(refused)?), failure })
}

fn address(option: &'static str, text: &str) -> Result<SocketAddr, Fault> {
    let refused = |reason: String| Fault::Value { option, value: text.to_owned(), reason };
    let mut found = text.to_socket_addrs().map_err(|_| refused("is no address with a port".to_owned()))?;
    found.next().ok_or_else(|| refused("is the name of no address".to_owned()))
}

// An issuer is an https URL without query and fragment (RFC 8414 §2).
fn issuer(text: String) -> Result<String, Fault> {
    let is_issuer = text.parse::<Uri>().is_ok_and(|uri| {
        uri.scheme_str() == Some("https")
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && !text.contains(['?', '#'])
    });
    if is_issuer {
        return Ok(text);
    }
    let reason = "is no https URL without query and fragment".to_owned();
    Err(Fault::Value { option: "--issuer", value: text, reason })
}

fn audience(text: String) -> Result<String, Fault> {
    if !text.trim().is_empty() && !text.chars().any(char::is_control) {
        return Ok(text);
    }
    Err(Fault::Value { option: "--audience", value: text, reason: "is no name".to_owned() })
}

fn environment(text: &str) -> Result<Environment, Fault> {
    let refused = |reason: String| Fault::Value { option: "--environment", value: text.to_owned(), reason };
    text.parse().map_err(|error: aetherflow_auth::EnvironmentError| refused(error.to_string()))
}

/// Lets a gate that guards nothing read the ranges, so that its rules stand in one place only.
fn check_proxies(ranges: &[String], is_proxied: bool, faults: &mut Faults) {
    if is_proxied && ranges.is_empty() {
        faults.add(Fault::ProxyMissing);
    }
    let environment = Environment::production();
    let verifier = TokenRules::access_token("https://issuer.invalid", "none", environment)
        .and_then(|rules| Verifier::new(rules, KeySet::new("https://issuer.invalid", environment, [])?));
    let verifier = verifier.map_err(|error| Fault::Part { what: "the gate", reason: error.to_string() });
    let Some(verifier) = faults.keep(verifier) else { return };
    let gate = Gate::builder(environment, Arc::new(verifier), Arc::new(Limiter::exact(1)))
        .with_trusted_proxies(TrustedProxies::x_forwarded_for(ranges.iter().cloned()))
        .build(Routes::new().route(Method::GET, "/", Policy::public()));
    for fault in gate.err().iter().flat_map(|error| error.faults()) {
        faults.add(Fault::Part { what: "--trusted-proxy", reason: fault.to_string() });
    }
}

const AUDIT: &str = "audit";

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(change: impl FnOnce(&mut Options)) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let free = || "127.0.0.1:0".to_owned();
        let data = Some(folder.path().to_owned());
        let mut options = Options { data, listen: free(), listen_plain: free(), ..Options::default() };
        change(&mut options);
        let faults =
            Config::read(options, Faults::default()).map_or_else(|faults| faults, |_| Faults::default());
        faults.into_iter().map(|fault| fault.to_string()).collect()
    }

    #[test]
    fn the_defaults_have_no_fault_and_each_single_change_has_its_own() {
        type Change = fn(&mut Options);
        let rows: [(Change, &[&str]); 8] = [
            (|_| {}, &[]),
            (|o| o.listen = "8443".to_owned(), &["--listen 8443: is no address with a port"]),
            (
                |o| o.issuer = "http://auth.example".to_owned(),
                &["--issuer http://auth.example: is no https URL without query and fragment"],
            ),
            (|o| o.audience = " ".to_owned(), &["--audience  : is no name"]),
            (
                |o| o.trust_jwks = Some("http://a.example/jwks".to_owned()),
                &["--trust-jwks http://a.example/jwks: is no https URL without user and fragment"],
            ),
            (
                |o| o.trust_jwks = Some("/no/such.jwks".to_owned()),
                &["--trust-jwks /no/such.jwks: No such file or directory (os error 2)"],
            ),
            (
                |o| o.listen_proxied = Some("127.0.0.1:0".to_owned()),
                &["--listen-proxied needs at least one --trusted-proxy"],
            ),
            (
                |o| o.trusted_proxies = vec!["10.0.0.0/7".to_owned()],
                &[
                    "--trusted-proxy: trusted proxy range `10.0.0.0/7` is wider than /8 (IPv4) or /16 (IPv6): \
                   name the proxies' own network",
                ],
            ),
        ];
        for (change, want) in rows {
            assert_eq!(faults_of(change), want);
        }
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let faults = faults_of(|options| {
            options.listen = "nowhere".to_owned();
            options.listen_plain = "127.0.0.1".to_owned();
            options.environment = "Live Site".to_owned();
            options.listen_proxied = Some("127.0.0.1:0".to_owned());
        });
        assert_eq!(faults.len(), 4, "{faults:#?}");
    }
}
