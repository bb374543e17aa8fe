//! The configuration, checked: every fault of it is found before the server listens.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aetherflow_auth::Environment;
use aetherflow_auth::jwt::{TokenRules, Verifier};
use aetherflow_auth::key::KeySet;
use aetherflow_ratelimit::Limiter;
use aetherflow_tower::{Gate, Policy, Routes, TrustedProxies};
use http::{Method, Uri};
use ipnet::IpNet;

use crate::cli::Options;
use crate::data::{self, DataFolder};
use crate::fault::{Fault, Faults};
use crate::trust::Trust;

/// What the server is to be.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) listen_plain: SocketAddr,
    pub(crate) listen_proxied: Option<SocketAddr>,
    pub(crate) data: DataFolder,
    pub(crate) audit_log: PathBuf,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) environment: Environment,
    pub(crate) trust: Trust,
    pub(crate) trusted_proxies: Vec<String>,
}

impl Config {
    /// The networks of the trusted proxies; the gate has refused what is none.
    pub(crate) fn proxy_ranges(&self) -> Vec<IpNet> {
        let range = |text: &String| text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        self.trusted_proxies.iter().filter_map(|text| range(text).ok()).collect()
    }

    /// Reads the options, or adds to `faults` what is wrong with them.
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
        let data = faults.keep(options.data.as_deref().map(DataFolder::open).transpose()).flatten();
        if let Some(folder) = &options.audit_log {
            faults.keep(log_folder(folder));
        }
        // The folder for want of a named one is made last, so that a refused start leaves none behind.
        let data =
            data.or_else(|| if faults.is_empty() { faults.keep(DataFolder::temporary()) } else { None });
        match (listen, listen_plain, issuer, audience, environment, trust, data) {
            (
                Some(listen),
                Some(listen_plain),
                Some(issuer),
                Some(audience),
                Some(environment),
                Some(trust),
                Some(data),
            ) if faults.is_empty() => Ok(Self {
                listen,
                listen_plain,
                listen_proxied,
                audit_log: options.audit_log.unwrap_or_else(|| data.file("audit")),
                data,
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

fn log_folder(path: &Path) -> Result<(), Fault> {
    data::make_folder(path).map_err(|source| Fault::Path { path: path.to_owned(), source })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(change: impl FnOnce(&mut Options)) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options { data: Some(folder.path().to_owned()), ..Options::default() };
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
