use http::Request;
use proptest::prelude::*;

use super::*;

const PROXY: &str = "10.0.0.1";

#[test]
fn the_client_is_found_by_walking_from_the_right() {
    for (name, lines, want, is_proven) in [
        ("no header", vec![], "10.0.0.1", false),
        ("one hop", vec!["203.0.113.9"], "203.0.113.9", true),
        ("spoofed left entry", vec!["198.51.100.1, 203.0.113.9"], "203.0.113.9", true),
        ("two proxies", vec!["203.0.113.9, 10.0.0.7"], "203.0.113.9", true),
        ("two lines are one list", vec!["198.51.100.1", "203.0.113.9", "10.0.0.7"], "203.0.113.9", true),
        ("only proxies", vec!["10.0.0.9, 10.0.0.8"], "10.0.0.9", false),
        ("junk at the right", vec!["203.0.113.9, junk"], "10.0.0.1", false),
        ("junk behind a proxy", vec!["203.0.113.9, unknown, 10.0.0.7"], "10.0.0.7", false),
        ("junk behind the client", vec!["<script>, 203.0.113.9"], "203.0.113.9", true),
        ("empty hop", vec!["203.0.113.9, , 10.0.0.7"], "10.0.0.7", false),
        ("empty line at the left", vec!["", "203.0.113.9"], "203.0.113.9", true),
        ("port", vec!["203.0.113.9:4711"], "203.0.113.9", true),
        ("port too long", vec!["203.0.113.9:123456"], "10.0.0.1", false),
        ("IPv6", vec!["2001:db8::9"], "2001:db8::9", true),
        ("IPv6 in brackets", vec!["[2001:db8::9]"], "2001:db8::9", true),
        ("IPv6 with port", vec!["[2001:db8::9]:4711"], "2001:db8::9", true),
        ("IPv6 with text after the bracket", vec!["[2001:db8::9]x"], "10.0.0.1", false),
        ("IPv6 with a zone", vec!["fe80::1%eth0"], "10.0.0.1", false),
        ("mapped IPv4", vec!["::ffff:203.0.113.9"], "203.0.113.9", true),
        ("mapped proxy", vec!["203.0.113.9, ::ffff:10.0.0.7"], "203.0.113.9", true),
        ("leading zeros", vec!["203.0.113.09"], "10.0.0.1", false),
        ("spaces and tabs", vec!["203.0.113.9 \t,  10.0.0.7 "], "203.0.113.9", true),
        ("quoted, which only Forwarded is", vec!["\"203.0.113.9\""], "10.0.0.1", false),
    ] {
        let found = client_of("x-forwarded-for", &lines, Connection::plain(peer(PROXY)));
        assert_eq!((found.address, found.is_proven), (want.parse().unwrap(), is_proven), "{name}");
    }
}

#[test]
fn the_client_is_found_in_forwarded_elements() {
    for (name, lines, want, is_proven, is_tls) in [
        ("no header", vec![], "10.0.0.1", false, false),
        ("one hop", vec!["for=203.0.113.9;proto=https"], "203.0.113.9", true, true),
        ("other order and case", vec!["Proto=HTTPS;By=_x;FOR=203.0.113.9"], "203.0.113.9", true, true),
        ("no proto", vec!["for=203.0.113.9"], "203.0.113.9", true, false),
        ("plain", vec!["for=203.0.113.9;proto=http"], "203.0.113.9", true, false),
        (
            "proto of another hop",
            vec!["for=203.0.113.9, for=10.0.0.7;proto=https"],
            "203.0.113.9",
            true,
            false,
        ),
        (
            "client's hop decides",
            vec!["for=203.0.113.9;proto=https, for=10.0.0.7"],
            "203.0.113.9",
            true,
            true,
        ),
        ("IPv6", vec!["for=\"[2001:db8::9]\""], "2001:db8::9", true, false),
        ("IPv6 and port", vec!["for=\"[2001:db8::9]:4711\""], "2001:db8::9", true, false),
        ("IPv6 without brackets", vec!["for=\"2001:db8::9\""], "10.0.0.1", false, false),
        ("IPv6 without quotes", vec!["for=[2001:db8::9]"], "10.0.0.1", false, false),
        ("IPv4 and port", vec!["for=\"203.0.113.9:4711\""], "203.0.113.9", true, false),
        ("obfuscated port", vec!["for=\"203.0.113.9:_gazonk\""], "203.0.113.9", true, false),
        ("escaped character", vec!["for=\"203.0.113.\\9\""], "203.0.113.9", true, false),
        ("unknown", vec!["for=unknown;proto=https"], "10.0.0.1", false, false),
        ("obfuscated", vec!["for=203.0.113.9, for=_hidden;proto=https"], "10.0.0.1", false, false),
        ("for twice", vec!["for=203.0.113.9;for=198.51.100.1"], "10.0.0.1", false, false),
        ("proto twice", vec!["for=203.0.113.9;proto=https;Proto=https"], "10.0.0.1", false, false),
        (
            "unclosed quote at the left",
            vec!["for=\"198.51.100.1, for=203.0.113.9"],
            "203.0.113.9",
            true,
            false,
        ),
        ("comma in quotes", vec!["for=203.0.113.9;by=\"a,for=198.51.100.1\""], "203.0.113.9", true, false),
        ("comma before an escaped quote", vec!["by=\"a,\\\"b\";for=203.0.113.9"], "203.0.113.9", true, false),
        ("escaped quote", vec!["by=\"\\\",for=198.51.100.1\";for=203.0.113.9"], "203.0.113.9", true, false),
        ("space around equals", vec!["for =203.0.113.9"], "10.0.0.1", false, false),
        ("no for", vec!["for=203.0.113.9, proto=https"], "10.0.0.1", false, false),
        ("empty element", vec!["for=203.0.113.9, "], "10.0.0.1", false, false),
        ("empty pairs", vec!["for=203.0.113.9;;"], "203.0.113.9", true, false),
        ("no value", vec!["for="], "10.0.0.1", false, false),
        ("two lines", vec!["for=198.51.100.1", "for=203.0.113.9;proto=https"], "203.0.113.9", true, true),
        ("junk behind a TLS proxy", vec!["junk, for=10.0.0.7;proto=https"], "10.0.0.7", false, false),
    ] {
        let found = client_of("forwarded", &lines, Connection::plain(peer(PROXY)));
        let want: IpAddr = want.parse().unwrap();
        assert_eq!((found.address, found.is_proven, found.is_tls), (want, is_proven, is_tls), "{name}");
    }
}

#[test]
fn headers_of_anyone_else_are_not_read() {
    for header in ["x-forwarded-for", "forwarded", "x-forwarded-proto"] {
        let connection = Connection::plain(peer("198.51.100.4"));
        let found = client_of(header, &["for=203.0.113.9;proto=https"], connection);
        assert_eq!(found, Client { address: ip("198.51.100.4"), is_proven: true, is_tls: false }, "{header}");
    }
    assert_eq!(
        client_of("forwarded", &[], Connection::tls(peer("::ffff:198.51.100.4"))).address,
        ip("198.51.100.4")
    );
}

#[test]
fn the_other_family_is_ignored() {
    let request = request("forwarded", &["for=203.0.113.9;proto=https"]);
    let found = client(Some(&proxies("x-forwarded-for")), &request, Connection::plain(peer(PROXY)));
    assert_eq!(found, Client { address: ip(PROXY), is_proven: false, is_tls: false });
}

#[test]
fn x_forwarded_proto_counts_in_exactly_one_value() {
    for (values, is_tls) in [
        (vec![], false),
        (vec!["https"], true),
        (vec!["HTTPS"], true),
        (vec!["http"], false),
        (vec!["https", "https"], false),
        (vec!["https", "http", "https"], false),
        (vec!["https, https"], false),
        (vec!["https,http"], false),
        (vec![""], false),
        (vec!["wss"], false),
    ] {
        let request = request("x-forwarded-proto", &values);
        let plain = client(Some(&proxies("x-forwarded-for")), &request, Connection::plain(peer(PROXY)));
        assert_eq!(plain.is_tls, is_tls, "{values:?}");
        let tls = client(Some(&proxies("x-forwarded-for")), &request, Connection::tls(peer(PROXY)));
        assert!(tls.is_tls, "{values:?} over TLS");
    }
}

#[test]
fn ranges_that_trust_too_many_are_faults() {
    for (range, fault) in [
        ("10.0.0.0/8", None),
        ("fd00::/16", None),
        ("::ffff:10.0.0.0/104", None),
        ("10.0.0.1", None),
        ("10.0.0.0/7", Some(Fault::WideProxyRange { range: "10.0.0.0/7".into() })),
        ("0.0.0.0/0", Some(Fault::WideProxyRange { range: "0.0.0.0/0".into() })),
        ("::/0", Some(Fault::WideProxyRange { range: "::/0".into() })),
        ("fc00::/15", Some(Fault::WideProxyRange { range: "fc00::/15".into() })),
        ("::ffff:0.0.0.0/96", Some(Fault::WideProxyRange { range: "::ffff:0.0.0.0/96".into() })),
    ] {
        let mut faults = Vec::new();
        TrustedProxies::forwarded([range]).read(&mut faults);
        assert_eq!(faults, Vec::from_iter(fault), "{range}");
    }
}

#[test]
fn a_forwarding_header_from_no_declared_proxy_is_noticed() {
    let declared = proxies("x-forwarded-for");
    for (header, from, want) in [
        ("x-forwarded-for", "198.51.100.4", true),
        ("x-forwarded-proto", "198.51.100.4", true),
        ("forwarded", "198.51.100.4", true),
        ("x-forwarded-host", "198.51.100.4", false),
        ("x-forwarded-for", PROXY, false),
        ("forwarded", PROXY, false),
    ] {
        let found = is_undeclared_proxy(Some(&declared), &request(header, &["x"]), peer(from));
        assert_eq!(found, want, "{header} from {from}");
    }
    assert!(is_undeclared_proxy(None, &request("forwarded", &["x"]), peer(PROXY)));
}

proptest! {
    #[test]
    fn what_a_client_writes_never_moves_the_hop_its_proxy_appended(spoofed in "\\PC{0,40}|[\"\\\\,;=a-z:.0-9\\[\\]]{0,40}") {
        let (bare, element) = (format!("{spoofed}, 203.0.113.9"), format!("{spoofed}, for=203.0.113.9;proto=https"));
        for (header, line) in [("x-forwarded-for", &bare), ("forwarded", &element)] {
            prop_assert_eq!(client_of(header, &[line], Connection::plain(peer(PROXY))).address, ip("203.0.113.9"));
        }
    }

    #[test]
    fn any_header_from_a_proxy_leaves_an_address(line in proptest::collection::vec(any::<u8>(), 0..60)) {
        for header in ["x-forwarded-for", "forwarded"] {
            let Ok(value) = http::HeaderValue::from_bytes(&line) else { continue };
            let request = Request::builder().header(header, value).body(()).unwrap();
            let found = client(Some(&proxies(header)), &request, Connection::plain(peer(PROXY)));
            prop_assert!(found.is_proven != proxies(header).trust(found.address));
        }
    }
}

fn client_of(header: &str, lines: &[&str], connection: Connection) -> Client {
    client(Some(&proxies(header)), &request(header, lines), connection)
}

fn request(header: &str, lines: &[&str]) -> Request<()> {
    let mut request = Request::builder();
    for line in lines {
        request = request.header(header, http::HeaderValue::from_bytes(line.as_bytes()).unwrap());
    }
    request.body(()).unwrap()
}

fn proxies(header: &str) -> Proxies {
    let ranges = ["10.0.0.0/24"];
    let proxies = match header {
        "forwarded" => TrustedProxies::forwarded(ranges),
        _ => TrustedProxies::x_forwarded_for(ranges),
    };
    proxies.read(&mut Vec::new()).unwrap()
}

fn peer(address: &str) -> SocketAddr {
    SocketAddr::new(ip(address), 50_000)
}

fn ip(address: &str) -> IpAddr {
    address.parse().unwrap()
}
