//! Which machines in front of us are believed when they say whose connection, or whose message, they carry.

use std::net::IpAddr;

use crate::names::network_set::NetworkSet;

/// The machines in front of a listener.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Whether a balancer's header is taken.
    pub proxy_protocol: ProxyProtocol,
    /// Where balancers are.
    pub proxy_protocol_networks: NetworkSet,
    /// Who may tell by XCLIENT whose connection it carries.
    pub xclient_networks: NetworkSet,
    /// Whether XCLIENT may tell who has logged in.
    pub xclient_login: bool,
    /// Who may tell by XFORWARD whose message it carries.
    pub xforward_networks: NetworkSet,
}

/// Whether a connection begins with the header of the PROXY protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// It doesn't.
    #[default]
    Off,
    /// It may.
    Optional,
    /// It must.
    Required,
}

impl Trust {
    /// Whether a connection from `peer` begins with a header that is believed.
    pub fn header_from(&self, peer: IpAddr) -> ProxyProtocol {
        if self.proxy_protocol_networks.contains(peer) { self.proxy_protocol } else { ProxyProtocol::Off }
    }

    /// Whether a client at `address` is only there to carry others: it never relays by its address.
    pub fn is_intermediary(&self, address: IpAddr) -> bool {
        [&self.proxy_protocol_networks, &self.xclient_networks, &self.xforward_networks]
            .into_iter()
            .any(|networks| networks.contains(address))
    }

    /// Whether a connection from `peer` is not yet that of a client: it will be told whose it is.
    pub fn awaits_client(&self, peer: IpAddr) -> bool {
        self.header_from(peer) != ProxyProtocol::Off || self.xclient_networks.contains(peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_machines_are_believed() {
        let set = |entries: &[&str]| NetworkSet::parse(entries).unwrap();
        let trust = Trust {
            proxy_protocol: ProxyProtocol::Required,
            proxy_protocol_networks: set(&["192.0.2.0/28"]),
            xclient_networks: set(&["2001:db8::/64"]),
            xforward_networks: set(&["198.51.100.1"]),
            xclient_login: false,
        };
        for (address, header, is_intermediary, awaits_client) in [
            ("192.0.2.1", ProxyProtocol::Required, true, true),
            ("192.0.2.16", ProxyProtocol::Off, false, false),
            ("2001:db8::7", ProxyProtocol::Off, true, true),
            ("198.51.100.1", ProxyProtocol::Off, true, false), // is a client whose messages are others'
            ("203.0.113.9", ProxyProtocol::Off, false, false),
        ] {
            let ip: IpAddr = address.parse().unwrap();
            assert_eq!(trust.header_from(ip), header, "{address}");
            assert_eq!(trust.is_intermediary(ip), is_intermediary, "{address}");
            assert_eq!(trust.awaits_client(ip), awaits_client, "{address}");
        }
        let off = Trust { proxy_protocol: ProxyProtocol::Off, ..trust };
        let balancer = "192.0.2.1".parse().unwrap();
        assert_eq!(off.header_from(balancer), ProxyProtocol::Off);
        assert!(off.is_intermediary(balancer) && !off.awaits_client(balancer));
    }
}
