//! What the server prints at its start: where it listens, and requests to try.
//!
//! No secret is printed: each line takes its own from `credentials.json` when it runs.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use crate::first_credentials;

/// The addresses the server listens on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) https: SocketAddr,
    pub(crate) plain: SocketAddr,
    pub(crate) proxied: Option<SocketAddr>,
}

/// The text printed once the server listens.
pub(crate) fn text(addresses: Addresses, data: &Path) -> String {
    let mut text = String::new();
    write(&mut text, addresses, data).expect("writing to a String does not fail");
    text
}

fn write(out: &mut String, addresses: Addresses, data: &Path) -> fmt::Result {
    writeln!(out, "listening on https://{}", addresses.https)?;
    writeln!(out, "refusing plain http on http://{}", addresses.plain)?;
    if let Some(proxied) = addresses.proxied {
        writeln!(out, "behind a proxy on http://{proxied}")?;
    }
    writeln!(out, "state in {}\n", data.display())?;
    let requests = Requests { base: format!("https://{}", reachable(addresses.https)), data };
    for (title, member, rest) in REQUESTS {
        writeln!(out, "# {title}\n{}", requests.line(member, rest))?;
    }
    writeln!(out, "# plain HTTP is refused\ncurl http://{}/v2/workflows", reachable(addresses.plain))
}

struct Requests<'a> {
    base: String,
    data: &'a Path,
}

impl Requests<'_> {
    fn line(&self, member: &str, rest: &str) -> String {
        let ca = quoted(&self.data.join("ca.pem"));
        let field = match member {
            "" => String::new(),
            "api_key" => format!(" -H \"X-API-Key: {}\"", self.secret(member)),
            _ => format!(" -H \"Authorization: Bearer {}\"", self.secret(member)),
        };
        let (path, options) = rest.split_once(' ').unwrap_or((rest, ""));
        let space = if options.is_empty() { "" } else { " " };
        format!("curl --cacert {ca}{field}{space}{options} {}{path}", self.base)
    }

    /// A command of the shell that prints one member of the credentials file.
    fn secret(&self, member: &str) -> String {
        let file = quoted(&self.data.join(first_credentials::FILE));
        format!(r#"$(sed -n 's/.*"{member}": "\([^"]*\)".*/\1/p' {file})"#)
    }
}

/// The path as one word of the shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// The address a client on this machine uses.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

const REQUESTS: [(&str, &str, &str); 8] = [
    ("is it up", "", "/healthz"),
    ("an access token", "free", "/v2/workflows"),
    (
        "a new workflow, its note sealed at rest",
        "free",
        r#"/v2/workflows -H "Content-Type: application/json" -d '{"name":"daily report","note":"for my eyes"}'"#,
    ),
    ("a legacy API key: see its Deprecation and Sunset", "api_key", "/v1/workflows -i"),
    ("a scope that is missing", "readonly", "/v2/workflows -X POST"),
    (
        "a new token, for one hour",
        "owner",
        r#"/v2/credentials/tokens -H "Content-Type: application/json" -d '{"scopes":["read:workflows"],"expires_in":3600}'"#,
    ),
    ("what remains of the plan", "free", "/v2/usage"),
    ("who did what", "owner", "/v2/audit"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(data: &str) -> String {
        let https = "127.0.0.1:8443".parse().unwrap();
        let plain = "0.0.0.0:8080".parse().unwrap();
        text(Addresses { https, plain, proxied: None }, Path::new(data))
    }

    #[test]
    fn the_ports_come_first_and_then_requests_that_look_their_secret_up() {
        let text = printed("/srv/data");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "listening on https://127.0.0.1:8443");
        assert_eq!(lines[1], "refusing plain http on http://0.0.0.0:8080");
        assert_eq!(
            lines[7],
            "curl --cacert /srv/data/ca.pem -H \"Authorization: Bearer \
             $(sed -n 's/.*\"free\": \"\\([^\"]*\\)\".*/\\1/p' /srv/data/credentials.json)\" \
             https://127.0.0.1:8443/v2/workflows"
        );
        assert_eq!(lines.last(), Some(&"curl http://127.0.0.1:8080/v2/workflows"));
    }

    #[test]
    fn a_path_is_one_word_of_the_shell() {
        assert_eq!(quoted(Path::new("/srv/my data")), "'/srv/my data'");
        assert_eq!(quoted(Path::new("/srv/it's")), r"'/srv/it'\''s'");
    }
}
