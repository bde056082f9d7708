//! A set of networks, and a map from networks to values in which the narrowest network wins.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;

use crate::names::network::{NetworkError, parse_network, unmapped};

/// Values by network. IPv4 and v4-mapped addresses are the same.
#[derive(Clone, Debug)]
pub struct NetworkMap<V> {
    v4: PrefixMap<Ipv4Net, V>,
    v6: PrefixMap<Ipv6Net, V>,
}

impl<V> NetworkMap<V> {
    /// An empty map.
    pub fn new() -> Self {
        Self { v4: PrefixMap::new(), v6: PrefixMap::new() }
    }

    /// Puts in `value` for `network` (host bits are dropped) and gives what was there for exactly that network.
    pub fn insert(&mut self, network: IpNet, value: V) -> Option<V> {
        match unmapped(network.trunc()) {
            IpNet::V4(network) => self.v4.insert(network, value),
            IpNet::V6(network) => self.v6.insert(network, value),
        }
    }

    /// The value of the narrowest network that holds `address`.
    pub fn get(&self, address: IpAddr) -> Option<&V> {
        self.matching(address).map(|(_, value)| value)
    }

    /// The narrowest network that holds `address`, and its value.
    pub fn matching(&self, address: IpAddr) -> Option<(IpNet, &V)> {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                self.v4.get_lpm(&Ipv4Net::from(address)).map(|(network, value)| (IpNet::V4(network), value))
            }
            IpAddr::V6(address) => {
                self.v6.get_lpm(&Ipv6Net::from(address)).map(|(network, value)| (IpNet::V6(network), value))
            }
        }
    }

    /// Every network that holds `address`, the widest first, and its value.
    pub fn covering(&self, address: IpAddr) -> impl Iterator<Item = (IpNet, &V)> {
        let (v4, v6) = match address.to_canonical() {
            IpAddr::V4(address) => (Some(self.v4.cover(&Ipv4Net::from(address))), None),
            IpAddr::V6(address) => (None, Some(self.v6.cover(&Ipv6Net::from(address)))),
        };
        let v4 = v4.into_iter().flatten().map(|(network, value)| (IpNet::V4(network), value));
        v4.chain(v6.into_iter().flatten().map(|(network, value)| (IpNet::V6(network), value)))
    }

    /// How many networks there are.
    pub fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    /// Whether there is no network.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// All networks and their values, IPv4 first, in order.
    pub fn iter(&self) -> impl Iterator<Item = (IpNet, &V)> {
        let v4 = self.v4.iter().map(|(network, value)| (IpNet::V4(network), value));
        v4.chain(self.v6.iter().map(|(network, value)| (IpNet::V6(network), value)))
    }
}

impl<V> Default for NetworkMap<V> {
    fn default() -> Self {
        Self::new()
    }
}

/// Networks. IPv4 and v4-mapped addresses are the same.
#[derive(Clone, Debug, Default)]
pub struct NetworkSet {
    networks: NetworkMap<()>,
}

impl NetworkSet {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The set of all `entries`, each a network or one address.
    ///
    /// Errors: the first entry that is neither.
    pub fn parse<S: AsRef<str>>(entries: impl IntoIterator<Item = S>) -> Result<Self, NetworkError> {
        entries.into_iter().map(|entry| parse_network(entry.as_ref())).collect()
    }

    /// Puts in `network`; its host bits are dropped.
    pub fn insert(&mut self, network: IpNet) {
        self.networks.insert(network, ());
    }

    /// Whether a network of the set holds `address`.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.networks.get(address).is_some()
    }

    /// The narrowest network that holds `address`.
    pub fn matching(&self, address: IpAddr) -> Option<IpNet> {
        self.networks.matching(address).map(|(network, ())| network)
    }

    /// A network that lies in both sets, if there is one: what `check` warns of.
    pub fn overlap(&self, other: &Self) -> Option<IpNet> {
        // Of two networks that overlap one holds the other, and so its first address.
        let held = |inner: &Self, outer: &Self| {
            inner.iter().find(|network| outer.matching(network.addr()).is_some_and(|by| by.contains(network)))
        };
        held(other, self).or_else(|| held(self, other))
    }

    /// How many networks there are.
    pub fn len(&self) -> usize {
        self.networks.len()
    }

    /// Whether there is no network.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// All networks, IPv4 first, in order.
    pub fn iter(&self) -> impl Iterator<Item = IpNet> {
        self.networks.iter().map(|(network, ())| network)
    }
}

impl FromIterator<IpNet> for NetworkSet {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        let mut set = Self::new();
        networks.into_iter().for_each(|network| set.insert(network));
        set
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("address")
    }

    #[test]
    fn a_set_holds_the_addresses_of_its_networks() {
        let set =
            NetworkSet::parse(["192.0.2.0/24", "198.51.100.7", "2001:db8::/32", "::1"]).expect("entries");
        for (address, want) in [
            ("192.0.2.0", true),
            ("192.0.2.255", true),
            ("192.0.3.0", false),
            ("::ffff:192.0.2.1", true), // v4-mapped
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("2001:db8:ffff::1", true),
            ("2001:db9::1", false),
            ("::1", true),
            ("::2", false),
            ("::192.0.2.1", false), // v4-compatible is something else
        ] {
            assert_eq!(set.contains(ip(address)), want, "address {address}");
        }
        assert_eq!(set.len(), 4);
    }

    #[test]
    fn everything_is_one_entry_for_each_family() {
        let set = NetworkSet::parse(["0.0.0.0/0"]).expect("entries");
        assert!(set.contains(ip("203.0.113.1")) && set.contains(ip("::ffff:203.0.113.1")));
        assert!(!set.contains(ip("2001:db8::1")));
        // ::/0 holds IPv6 addresses; a v4-mapped one is IPv4.
        let set = NetworkSet::parse(["::/0"]).expect("entries");
        assert!(set.contains(ip("2001:db8::1")) && !set.contains(ip("203.0.113.1")));
    }

    #[test]
    fn the_narrowest_network_wins() {
        let mut map = NetworkMap::new();
        for (network, value) in [("10.0.0.0/8", "wide"), ("10.1.0.0/16", "narrow"), ("::/0", "six")] {
            map.insert(parse_network(network).expect("network"), value);
        }
        assert_eq!(map.get(ip("10.1.2.3")), Some(&"narrow"));
        assert_eq!(map.get(ip("10.2.2.3")), Some(&"wide"));
        assert_eq!(map.get(ip("11.2.2.3")), None);
        assert_eq!(map.get(ip("2001:db8::")), Some(&"six"));
        assert_eq!(
            map.matching(ip("::ffff:10.1.2.3")).map(|(network, _)| network.to_string()).as_deref(),
            Some("10.1.0.0/16")
        );
        assert_eq!(map.insert(parse_network("10.0.0.0/8").expect("network"), "new"), Some("wide"));
        assert_eq!(map.len(), 3);
    }

    #[test]
    fn an_entry_that_is_no_network_is_named() {
        let error = NetworkSet::parse(["192.0.2.0/24", "mail.example.org"]).expect_err("no network");
        assert!(error.to_string().contains("mail.example.org"), "{error}");
    }

    #[test]
    fn overlaps_are_found_whichever_is_wider() {
        let set = |entries: &[&str]| NetworkSet::parse(entries).expect("entries");
        let found = |a: &[&str], b: &[&str]| set(a).overlap(&set(b)).map(|network| network.to_string());
        assert_eq!(found(&["10.0.0.0/8"], &["192.0.2.0/24", "10.1.0.0/16"]).as_deref(), Some("10.1.0.0/16"));
        assert_eq!(found(&["10.1.0.0/16"], &["10.0.0.0/8"]).as_deref(), Some("10.1.0.0/16"));
        assert_eq!(found(&["10.1.0.0/16"], &["10.2.0.0/16", "::/0"]), None);
        // A narrow entry inside a wide one doesn't hide it.
        assert_eq!(found(&["10.0.0.0/8", "10.0.0.0/30"], &["10.0.0.0/16"]).as_deref(), Some("10.0.0.0/30"));
    }

    proptest! {
        #[test]
        fn a_set_agrees_with_a_list(
            networks in proptest::collection::vec((any::<u32>(), 0_u8..=32), 0..20),
            addresses in proptest::collection::vec(any::<u32>(), 0..20),
        ) {
            let networks: Vec<IpNet> =
                networks.iter().map(|&(bits, width)| IpNet::new(IpAddr::V4(bits.into()), width).expect("width")).collect();
            let set: NetworkSet = networks.iter().copied().collect();
            let near = networks.iter().map(|network| network.trunc().addr());
            for address in addresses.iter().map(|&bits| IpAddr::V4(bits.into())).chain(near) {
                prop_assert_eq!(set.contains(address), networks.iter().any(|network| network.contains(&address)));
            }
        }
    }
}
