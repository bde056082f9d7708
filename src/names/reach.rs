//! Where an address leads: to the Internet, into the site, or where no client of ours has business.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address leads.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Reach {
    /// Nowhere that can be asked for: unspecified, link-local (where clouds keep their secrets), multicast, reserved.
    Never,
    /// This machine or its site: loopback, private, shared, unique local.
    Site,
    /// The Internet.
    Public,
}

/// Where `address` leads. One that carries an IPv4 address in it, mapped, translated or tunnelled, leads where that does.
///
/// Source: the IANA special-purpose address registries; RFC 6052 (NAT64), RFC 3056 (6to4), RFC 5214 (ISATAP).
pub fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => of_v4(address),
        IpAddr::V6(address) => of_v6(address),
    }
}

fn of_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [127 | 10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Reach::Site,
        [198, 18 | 19, ..] => Reach::Site, // benchmarks: networks inside a site
        [0 | 224.., ..] | [169, 254, ..] => Reach::Never,
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => Reach::Never,
        _ => Reach::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Reach {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let inner = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        of_v4(Ipv4Addr::new(a, b, c, d))
    };
    let of_prefix = match (a, b) {
        (0, 0) if address == Ipv6Addr::LOCALHOST => Reach::Site,
        (0, 0) if (c, d, e, f) == (0, 0, 0, 0xffff) => inner(g, h), // v4-mapped
        (0x64, 0xff9b) if (c, d, e, f) == (0, 0, 0, 0) => inner(g, h), // NAT64
        (0x64, 0xff9b) if c == 1 => Reach::Site,                    // NAT64 of the site's own
        (0x2002, _) => inner(b, c),                                 // 6to4
        // Teredo, ORCHID, benchmarks and other protocols; documentation, twice.
        (0x2001, 0..=0x1ff | 0xdb8) | (0x3fff, 0..=0xfff) => Reach::Never,
        (0x2000..=0x3fff, _) => Reach::Public,
        (0xfc00..=0xfdff, _) => Reach::Site,
        _ => Reach::Never,
    };
    // ISATAP: the IPv4 address at the end of whatever prefix.
    let is_isatap = matches!(e, 0 | 0x0200) && f == 0x5efe;
    if is_isatap { of_prefix.min(inner(g, h)) } else { of_prefix }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_into_the_site_is_seen() {
        use Reach::{Never, Public, Site};
        for (address, want) in [
            ("8.8.8.8", Public),
            ("172.32.0.1", Public),
            ("100.128.0.1", Public),
            ("2606:4700::1", Public),
            ("127.0.0.1", Site),
            ("127.255.1.1", Site),
            ("10.0.0.1", Site),
            ("172.16.0.1", Site),
            ("172.31.255.255", Site),
            ("192.168.1.1", Site),
            ("100.64.0.1", Site), // carrier-grade NAT
            ("198.18.0.1", Site),
            ("::1", Site),
            ("fd00::1", Site),
            ("fc00::1", Site),
            ("0.0.0.0", Never), // many systems take it for themselves
            ("0.1.2.3", Never),
            ("169.254.169.254", Never), // the metadata of clouds
            ("192.0.0.1", Never),
            ("192.0.2.1", Never),
            ("198.51.100.1", Never),
            ("203.0.113.1", Never),
            ("224.0.0.1", Never),
            ("240.0.0.1", Never),
            ("255.255.255.255", Never),
            ("::", Never),
            ("::7f00:1", Never), // v4-compatible
            ("fe80::1", Never),
            ("fec0::1", Never),
            ("ff02::1", Never),
            ("100::1", Never),
            ("2001:db8::1", Never),
            ("2001::1", Never), // Teredo
            ("4000::1", Never),
            ("::ffff:127.0.0.1", Site), // v4-mapped
            ("::ffff:169.254.169.254", Never),
            ("::ffff:8.8.8.8", Public),
            ("64:ff9b::7f00:1", Site), // NAT64 of 127.0.0.1
            ("64:ff9b::a9fe:a9fe", Never),
            ("64:ff9b::808:808", Public),
            ("64:ff9b:1::808:808", Site),
            ("2002:7f00:1::", Site), // 6to4 of 127.0.0.1
            ("2002:a9fe:a9fe::1", Never),
            ("2002:808:808::1", Public),
            ("2606:4700::5efe:10.0.0.1", Site), // ISATAP
            ("2606:4700::200:5efe:10.0.0.1", Site),
            ("2606:4700::5efe:8.8.8.8", Public),
        ] {
            assert_eq!(reach(address.parse().expect(address)), want, "{address}");
        }
    }
}
