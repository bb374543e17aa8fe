use std::net::IpAddr;

use aetherflow_auth::{Allowlist, AllowlistError};
use proptest::prelude::*;

fn list(ranges: &[&str]) -> Allowlist {
    Allowlist::parse(ranges).expect("ranges a test wrote")
}

#[test]
fn an_address_is_admitted_exactly_inside_a_range() {
    for (range, address, want) in [
        ("203.0.113.0/24", "203.0.113.0", true),
        ("203.0.113.0/24", "203.0.113.255", true),
        ("203.0.113.0/24", "203.0.114.0", false),
        ("203.0.113.0/24", "203.0.112.255", false),
        ("203.0.113.7", "203.0.113.7", true),
        ("203.0.113.7", "203.0.113.8", false),
        ("203.0.113.7/32", "203.0.113.7", true),
        ("0.0.0.0/0", "198.51.100.1", true),
        ("0.0.0.0/0", "2001:db8::1", false),
        ("::/0", "2001:db8::1", true),
        ("::/0", "198.51.100.1", false),
        ("::/0", "::ffff:198.51.100.1", false),
        ("2001:db8::/32", "2001:db8:ffff::1", true),
        ("2001:db8::/32", "2001:db9::1", false),
        ("2001:db8::1", "2001:db8::1", true),
        ("2001:db8::1", "2001:db8::2", false),
        ("203.0.113.0/24", "::ffff:203.0.113.9", true),
        ("203.0.113.0/24", "::203.0.113.9", false),
        ("::ffff:203.0.113.0/120", "203.0.113.9", true),
        ("::ffff:203.0.113.0/120", "203.0.114.9", false),
        ("::ffff:203.0.113.9", "203.0.113.9", true),
        ("::ffff:0:0/96", "203.0.113.9", true),
    ] {
        assert_eq!(list(&[range]).contains_text(address), want, "{address} in {range}");
    }
}

#[test]
fn an_address_that_cannot_be_read_is_refused_by_the_widest_list() {
    let everyone = list(&["0.0.0.0/0", "::/0"]);
    for text in [
        "",
        "unknown",
        "203.0.113.9:443",
        "[2001:db8::1]",
        " 203.0.113.9",
        "203.0.113.09",
        "203.0.113.0/24",
        "fe80::1%eth0",
        "1.2.3",
    ] {
        assert!(!everyone.contains_text(text), "{text}");
    }
    assert!(everyone.contains_text("203.0.113.9"));
}

#[test]
fn an_empty_list_refuses_every_address() {
    let nobody = list(&[]);
    assert!(nobody.is_empty());
    for address in ["127.0.0.1", "::1", "203.0.113.9"] {
        assert!(!nobody.contains_text(address), "{address}");
    }
}

#[test]
fn a_text_that_is_no_plain_range_is_refused() {
    for (range, want) in [
        ("", AllowlistError::Address),
        ("example.com", AllowlistError::Address),
        ("10.0.0/8", AllowlistError::Address),
        ("010.0.0.0/8", AllowlistError::Address),
        ("*", AllowlistError::Address),
        (" 10.0.0.0/8", AllowlistError::Address),
        ("/8", AllowlistError::Address),
        ("fe80::1%eth0", AllowlistError::Address),
        ("10.0.0.0/", AllowlistError::Prefix),
        ("10.0.0.0/33", AllowlistError::Prefix),
        ("10.0.0.0/256", AllowlistError::Prefix),
        ("10.0.0.0/+8", AllowlistError::Prefix),
        ("10.0.0.0/-8", AllowlistError::Prefix),
        ("10.0.0.0/08", AllowlistError::Prefix),
        ("10.0.0.0/8/8", AllowlistError::Prefix),
        ("10.0.0.0/255.0.0.0", AllowlistError::Prefix),
        ("2001:db8::/129", AllowlistError::Prefix),
        ("10.0.0.1/8", AllowlistError::HostBits),
        ("2001:db8::1/32", AllowlistError::HostBits),
        ("::ffff:203.0.113.1/120", AllowlistError::HostBits),
    ] {
        assert_eq!(Allowlist::parse([range]).unwrap_err(), want, "{range}");
    }
}

#[test]
fn a_list_is_within_another_when_it_admits_nobody_else() {
    for (name, inner, outer, want) in [
        ("itself", &["10.0.0.0/8"][..], &["10.0.0.0/8"][..], true),
        ("a part", &["10.1.0.0/16", "192.0.2.1"], &["10.0.0.0/8", "192.0.2.0/24"], true),
        ("a range across two neighbours", &["10.0.0.0/8"], &["10.128.0.0/9", "10.0.0.0/9"], true),
        ("no address at all", &[], &["10.0.0.0/8"], true),
        ("no address in no address", &[], &[], true),
        ("a wider range", &["10.0.0.0/7"], &["10.0.0.0/8"], false),
        ("one range outside", &["10.1.0.0/16", "192.0.2.1"], &["10.0.0.0/8"], false),
        ("an address in no address", &["10.0.0.1"], &[], false),
        ("IPv4 in all of IPv6", &["10.0.0.1"], &["::/0"], false),
        ("mapped in plain", &["::ffff:10.0.0.0/120"], &["10.0.0.0/8"], true),
    ] {
        assert_eq!(list(inner).is_within(&list(outer)), want, "{name}");
    }
}

#[test]
fn a_list_travels_as_an_array_of_ranges_in_the_order_written() {
    let list: Allowlist =
        serde_json::from_str(r#"["203.0.113.0/24","10.0.0.1","::ffff:192.0.2.0/120"]"#).unwrap();
    assert_eq!(serde_json::to_string(&list).unwrap(), r#"["203.0.113.0/24","10.0.0.1/32","192.0.2.0/24"]"#);
    assert_eq!(
        list.iter().map(|range| range.to_string()).collect::<Vec<_>>(),
        ["203.0.113.0/24", "10.0.0.1/32", "192.0.2.0/24"]
    );
    assert!(
        serde_json::from_str::<Allowlist>(r#"["10.0.0.1/8"]"#)
            .unwrap_err()
            .to_string()
            .contains("below its prefix")
    );
}

/// Ranges inside 10.0.0.0/28, so that every address of it can be asked.
fn small_ranges() -> impl Strategy<Value = Vec<String>> {
    let range = (0..16_u32, 28..=32_u32).prop_map(|(last, prefix)| {
        let block = 1 << (32 - prefix);
        format!("10.0.0.{}/{prefix}", last / block * block)
    });
    prop::collection::vec(range, 0..5)
}

proptest! {
    #[test]
    fn within_means_that_the_outer_list_admits_every_address_of_the_inner(
        inner in small_ranges(),
        outer in small_ranges(),
    ) {
        let (inner, outer) = (Allowlist::parse(&inner).unwrap(), Allowlist::parse(&outer).unwrap());
        let addresses = || (0..16).map(|last| IpAddr::from([10, 0, 0, last]));
        let is_within = addresses().all(|address| !inner.contains(address) || outer.contains(address));
        prop_assert_eq!(inner.is_within(&outer), is_within);
    }

    #[test]
    fn an_address_and_its_mapped_form_are_admitted_alike(address in any::<[u8; 4]>(), prefix in 0..=32_u8) {
        let plain = IpAddr::from(address);
        let IpAddr::V4(v4) = plain else { unreachable!() };
        let mapped = IpAddr::V6(v4.to_ipv6_mapped());
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        let network = std::net::Ipv4Addr::from(u32::from(v4) & mask);
        for range in [format!("{network}/{prefix}"), format!("::ffff:{network}/{}", prefix + 96)] {
            let list = Allowlist::parse([range]).unwrap();
            prop_assert_eq!((list.contains(plain), list.contains(mapped)), (true, true));
        }
    }

    #[test]
    fn any_text_is_a_range_or_refused(text in any::<String>()) {
        prop_assert!(Allowlist::parse([&text]).map_or(true, |list| !list.is_empty()));
    }
}
