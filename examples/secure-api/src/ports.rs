//! The server's ports: claimed while the configuration is read, so that one in use is among its faults, and listening
//! only once there are none.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use crate::fault::{Fault, Faults};

/// The ports, claimed and not yet listening: whoever connects is turned away.
#[derive(Debug)]
pub(crate) struct Ports {
    https: Port,
    plain: Port,
    proxied: Option<Port>,
}

/// The ports, listening and not yet accepting; within a runtime.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) https: TcpListener,
    pub(crate) plain: TcpListener,
    pub(crate) proxied: Option<TcpListener>,
}

impl Ports {
    /// Claims those whose address could be read, or adds to `faults` why not.
    pub(crate) fn claim(
        https: Option<SocketAddr>,
        plain: Option<SocketAddr>,
        proxied: Option<SocketAddr>,
        faults: &mut Faults,
    ) -> Option<Self> {
        let all = [("--listen", https), ("--listen-plain", plain), ("--listen-proxied", proxied)];
        let mut claimed: Vec<Port> = Vec::new();
        for (option, address) in all {
            let Some(address) = address else { continue };
            claimed.extend(faults.keep(Port::claim(option, address, &claimed)));
        }
        let mut claimed = claimed.into_iter().peekable();
        let mut take = |option| claimed.next_if(|port| port.option == option);
        Some(Self { https: take(all[0].0)?, plain: take(all[1].0)?, proxied: take(all[2].0) })
    }

    /// Listens on all of them.
    ///
    /// # Errors
    ///
    /// [`Fault::Value`] for each that another program, or another of them, has listened on meanwhile.
    pub(crate) fn listen(self) -> Result<Listening, Faults> {
        let mut faults = Faults::default();
        let https = faults.keep(self.https.listen());
        let plain = faults.keep(self.plain.listen());
        let proxied = faults.keep(self.proxied.map(Port::listen).transpose());
        match (https, plain, proxied) {
            (Some(https), Some(plain), Some(proxied)) => Ok(Listening { https, plain, proxied }),
            _ => Err(faults),
        }
    }
}

#[derive(Debug)]
struct Port {
    option: &'static str,
    address: SocketAddr,
    socket: TcpSocket,
}

impl Port {
    fn claim(option: &'static str, address: SocketAddr, others: &[Self]) -> Result<Self, Fault> {
        // As long as neither listens, the system gives one address to two.
        if let Some(other) = others.iter().find(|other| overlap(other.address, address)) {
            return Err(refused(option, address, format!("is the address of {}", other.option)));
        }
        let socket = bind(address).map_err(|error| refused(option, address, error.to_string()))?;
        Ok(Self { option, address, socket })
    }

    fn listen(self) -> Result<TcpListener, Fault> {
        let listening = self.socket.listen(BACKLOG);
        listening.map_err(|error| refused(self.option, self.address, error.to_string()))
    }
}

/// Whether a connection to the one could be one to the other; port 0 is a free one each.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let (ip, another) = (one.ip().to_canonical(), other.ip().to_canonical());
    let is_same_ip = ip == another || ip.is_unspecified() || another.is_unspecified();
    one.port() == other.port() && one.port() != 0 && is_same_ip
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A connection of the server before this one may still be in its last minute.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn refused(option: &'static str, address: SocketAddr, reason: String) -> Fault {
    Fault::Value { option, value: address.to_string(), reason }
}

const BACKLOG: u32 = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: &str = "127.0.0.1:0";

    fn claim(addresses: [Option<SocketAddr>; 3]) -> (Option<Ports>, Vec<String>) {
        let (mut faults, [https, plain, proxied]) = (Faults::default(), addresses);
        let ports = Ports::claim(https, plain, proxied, &mut faults);
        (ports, faults.into_iter().map(|fault| fault.to_string()).collect())
    }

    #[tokio::test]
    async fn a_port_answers_nobody_before_it_listens() {
        let free = FREE.parse().ok();
        let ports = claim([free, free, free]).0.unwrap();
        let address = ports.https.socket.local_addr().unwrap();
        let refused = std::net::TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        let listening = ports.listen().unwrap();
        assert_eq!(listening.https.local_addr().unwrap(), address);
        assert!(std::net::TcpStream::connect(address).is_ok());
    }

    #[test]
    fn addresses_that_take_the_same_connections_overlap() {
        for (one, other, want) in [
            ("127.0.0.1:443", "127.0.0.1:443", true),
            ("127.0.0.1:443", "127.0.0.2:443", false),
            ("127.0.0.1:443", "127.0.0.1:444", false),
            ("0.0.0.0:443", "127.0.0.1:443", true),
            ("127.0.0.1:443", "[::]:443", true),
            ("[::ffff:127.0.0.1]:443", "127.0.0.1:443", true),
            ("[::1]:443", "127.0.0.1:443", false),
            ("0.0.0.0:0", "0.0.0.0:0", false),
        ] {
            assert_eq!(overlap(one.parse().unwrap(), other.parse().unwrap()), want, "{one} {other}");
        }
    }

    #[test]
    fn every_port_in_use_is_told_with_its_option_also_where_two_options_name_one() {
        let taken = std::net::TcpListener::bind(FREE).unwrap();
        let taken = taken.local_addr().unwrap();
        let in_use = "Address already in use (os error 98)";
        let (ports, faults) = claim([Some(taken), None, Some(taken)]);
        assert!(ports.is_none());
        assert_eq!(
            faults,
            [format!("--listen {taken}: {in_use}"), format!("--listen-proxied {taken}: {in_use}")]
        );
        drop(ports);
        let free = std::net::TcpListener::bind(FREE).unwrap().local_addr().unwrap();
        let (ports, faults) = claim([Some(free), Some(free), None]);
        assert!(ports.is_none());
        assert_eq!(faults, [format!("--listen-plain {free}: is the address of --listen")]);
    }
}
