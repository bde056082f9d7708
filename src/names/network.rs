//! An address or a network as text, in one spelling, and what kind of address it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};

/// Why a text is no network.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NetworkError {
    /// Neither `ADDRESS` nor `ADDRESS/BITS`.
    #[error("{0:?} is neither an address nor a network such as 192.0.2.0/24")]
    Invalid(String),
    /// More bits are set than the prefix has: a slip, and it isn't clear which half is meant.
    #[error("{0:?} has bits set behind its prefix; the network would be {1}")]
    HostBits(String, IpNet),
}

/// The network that `text` names: `192.0.2.0/24`, `2001:db8::/32`, or one address.
///
/// Errors: [`NetworkError`].
pub fn parse_network(text: &str) -> Result<IpNet, NetworkError> {
    let network = match text.contains('/') {
        true => text.parse::<IpNet>().ok(),
        false => text.parse::<IpAddr>().ok().map(IpNet::from),
    };
    let network = network.ok_or_else(|| NetworkError::Invalid(text.to_owned()))?;
    if network.trunc() != network {
        return Err(NetworkError::HostBits(text.to_owned(), network.trunc()));
    }
    Ok(unmapped(network))
}

/// `text` as an address, a v4-mapped one as its IPv4.
pub fn parse_address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// The address as text in canonical form; a v4-mapped address is its IPv4.
///
/// Source: RFC 5952.
pub fn address_text(address: IpAddr) -> String {
    address.to_canonical().to_string()
}

/// The /24 or /64 of a client, as text: the key to count by, as one who has an address has all of these.
pub fn client_network(address: IpAddr) -> String {
    around(address, 24, 64)
}

/// The /24 or /48 of a client, as text: who is after harm has a /48 for the asking, with thousands of /64 in it.
///
/// Source: RFC 6177 §2.
pub fn client_site(address: IpAddr) -> String {
    around(address, 24, 48)
}

fn around(address: IpAddr, v4_bits: u8, v6_bits: u8) -> String {
    network(address, v4_bits, v6_bits).unwrap_or_else(|| IpNet::from(address)).to_string()
}

/// The network of `address` with a prefix of `v4_bits` or `v6_bits`.
///
/// None if there are more bits than the address has: more than 32 or 128.
pub fn network(address: IpAddr, v4_bits: u8, v6_bits: u8) -> Option<IpNet> {
    let address = address.to_canonical();
    let bits = if address.is_ipv4() { v4_bits } else { v6_bits };
    IpNet::new(address, bits).ok().map(|network| network.trunc())
}

/// Whether `address` is one of a site, not of the Internet: private, shared, link-local or unique local.
///
/// Source: RFC 1918, RFC 3927, RFC 4193, RFC 4291 §2.5.6, RFC 6598.
pub fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            address.is_private() || address.is_link_local() || (first == 100 && second & 0xc0 == 64)
        }
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    }
}

/// Whether `address` is the machine itself: 127.0.0.0/8 or ::1.
pub fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// A network of v4-mapped addresses as the IPv4 network that it is; any other as it is.
pub(in crate::names) fn unmapped(network: IpNet) -> IpNet {
    if let IpNet::V6(v6) = network
        && let Some(v4) = v6.addr().to_ipv4_mapped()
        && let Some(bits) = v6.prefix_len().checked_sub(MAPPED_BITS)
        && let Ok(v4) = Ipv4Net::new(v4, bits)
    {
        return IpNet::V4(v4);
    }
    network
}

/// The prefix of v4-mapped addresses, `::ffff:0:0/96` (RFC 4291 §2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// The name under which the reverse of `address` is looked up, in `in-addr.arpa` or `ip6.arpa`.
///
/// Source: RFC 1035 §3.5, RFC 3596 §2.5.
pub fn reverse_name(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => format!("{}.in-addr.arpa", reversed_v4(v4)),
        IpAddr::V6(v6) => format!("{}.ip6.arpa", reversed_v6(v6)),
    }
}

/// The labels of `address`, last first, as block lists and reverse zones have them: `1.2.0.192`, nibbles for IPv6.
///
/// Source: RFC 5782 §2.1, §2.4.
pub fn reversed_labels(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => reversed_v4(v4),
        IpAddr::V6(v6) => reversed_v6(v6),
    }
}

fn reversed_v4(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("{d}.{c}.{b}.{a}")
}

fn reversed_v6(address: Ipv6Addr) -> String {
    let nibbles = address.octets().into_iter().rev().flat_map(|octet| [octet & 0x0f, octet >> 4]);
    nibbles.map(|nibble| format!("{nibble:x}")).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("address")
    }

    #[test]
    fn an_address_has_one_spelling() {
        for (address, text, network, site) in [
            ("192.0.2.77", "192.0.2.77", "192.0.2.0/24", "192.0.2.0/24"),
            ("::ffff:192.0.2.77", "192.0.2.77", "192.0.2.0/24", "192.0.2.0/24"), // v4-mapped
            ("2001:DB8:0:0:1::77", "2001:db8::1:0:0:77", "2001:db8::/64", "2001:db8::/48"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
            ("::1", "::1", "::/64", "::/48"),
        ] {
            assert_eq!(client_site(ip(address)), site);
            assert_eq!(address_text(ip(address)), text);
            assert_eq!(client_network(ip(address)), network);
        }
    }

    #[test]
    fn networks_of_any_width_can_be_had() {
        let text = |address, v4, v6| network(ip(address), v4, v6).map(|network| network.to_string());
        assert_eq!(text("192.0.2.77", 16, 48).as_deref(), Some("192.0.0.0/16"));
        assert_eq!(text("2001:db8:1:2::7", 16, 48).as_deref(), Some("2001:db8:1::/48"));
        assert_eq!(text("::ffff:192.0.2.77", 32, 48).as_deref(), Some("192.0.2.77/32"));
        assert_eq!(text("192.0.2.77", 0, 0).as_deref(), Some("0.0.0.0/0"));
        assert_eq!(text("192.0.2.77", 33, 64), None);
        assert_eq!(text("2001:db8::", 24, 129), None);
    }

    #[test]
    fn kinds_of_addresses_are_told_apart() {
        for (address, private, loopback) in [
            ("10.1.2.3", true, false),
            ("172.31.255.255", true, false),
            ("172.32.0.0", false, false),
            ("192.168.0.1", true, false),
            ("::ffff:10.0.0.1", true, false),
            ("100.64.0.1", true, false), // carrier-grade NAT
            ("100.128.0.1", false, false),
            ("169.254.1.1", true, false),
            ("fd00::1", true, false),
            ("fe80::1", true, false),
            ("2001:db8::1", false, false),
            ("127.3.2.1", false, true),
            ("::1", false, true),
            ("::ffff:127.0.0.1", false, true),
            ("192.0.2.1", false, false),
        ] {
            assert_eq!((is_private(ip(address)), is_loopback(ip(address))), (private, loopback), "{address}");
        }
    }

    #[test]
    fn networks_are_parsed_and_slips_named() {
        let parsed = |text| parse_network(text).map(|network| network.to_string());
        assert_eq!(parsed("192.0.2.0/24").as_deref(), Ok("192.0.2.0/24"));
        assert_eq!(parsed("192.0.2.7").as_deref(), Ok("192.0.2.7/32"));
        assert_eq!(parsed("2001:db8::/32").as_deref(), Ok("2001:db8::/32"));
        assert_eq!(parsed("::1").as_deref(), Ok("::1/128"));
        assert_eq!(parsed("::ffff:192.0.2.0/120").as_deref(), Ok("192.0.2.0/24"));
        for slip in ["192.0.2.7/24", "2001:db8::1/32"] {
            assert!(matches!(parse_network(slip), Err(NetworkError::HostBits(..))), "{slip}");
        }
        for text in
            ["", "192.0.2", "192.0.2.0/33", "192.0.2.0/", "/24", "010.0.0.1", "fe80::1%eth0", "[::1]", "x"]
        {
            assert!(matches!(parse_network(text), Err(NetworkError::Invalid(_))), "{text:?}");
        }
    }

    #[test]
    fn reverse_names_are_those_of_the_rfcs() {
        assert_eq!(reverse_name(ip("192.0.2.1")), "1.2.0.192.in-addr.arpa");
        assert_eq!(reverse_name(ip("::ffff:192.0.2.1")), "1.2.0.192.in-addr.arpa");
        // RFC 3596 §2.5
        assert_eq!(
            reverse_name(ip("4321:0:1:2:3:4:567:89ab")),
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa"
        );
    }
}
