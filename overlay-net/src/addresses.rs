//! Which addresses a node contacts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is one of the public Internet, where everybody means the same host by it: not
/// private, loopback, link-local, shared (RFC 6598), reserved, for documentation, or for many hosts
/// (the IANA special-purpose address registries).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a >= 240
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || (a == 100 && b & 0xc0 == 64)
        || (a == 198 && b & 0xfe == 18)
        || (a == 192 && b == 0 && c == 0))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Addresses that stand for IPv4 ones are as public as these.
    if let Some(v4) = address.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let [first, second, ..] = address.segments();
    match (first, second) {
        // NAT64, 6to4: the IPv4 address within.
        (0x64, 0xff9b) => is_public_v4(embedded(address, 6)),
        (0x2002, _) => is_public_v4(embedded(address, 1)),
        // Teredo, benchmarking and documentation.
        (0x2001, 0 | 2 | 0xdb8) | (0x3fff, _) => false,
        // Only 2000::/3 is given out.
        _ => first & 0xe000 == 0x2000,
    }
}

fn embedded(address: Ipv6Addr, at: usize) -> Ipv4Addr {
    let [high, low] = [address.segments()[at], address.segments()[at + 1]];
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}

/// Who counts as one caller: an IPv4 address, or the 64 bits of an IPv6 network, of whose addresses
/// everybody in it has as many as wanted.
pub(crate) fn caller(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_public_is() {
        for address in
            ["8.8.8.8", "1.1.1.1", "100.128.0.1", "2600::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
        {
            assert!(is_public(address.parse().expect("an address")), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "100.64.0.1",
            "169.254.1.1",
            "172.16.0.1",
            "192.168.1.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
        ] {
            assert!(!is_public(address.parse().expect("an address")), "{address}");
        }
    }

    #[test]
    fn one_network_of_ipv6_is_one_caller() {
        let of = |address: &str| caller(address.parse().expect("an address"));
        assert_eq!(of("2600:0:0:1:2:3:4:5"), of("2600:0:0:1::ffff"));
        assert_ne!(of("2600:0:0:1::1"), of("2600:0:0:2::1"));
        assert_ne!(of("1.2.3.4"), of("1.2.3.5"));
        assert_eq!(of("1.2.3.4"), of("::ffff:1.2.3.4"));
        assert_ne!(of("::ffff:1.2.3.4"), of("::ffff:1.2.3.5"));
    }
}
