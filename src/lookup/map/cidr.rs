//! A map of networks, as Postfix's `cidr_table`: the first line whose network holds the address counts.

use std::net::IpAddr;

use crate::lookup::map::error::LineError;
use crate::lookup::map::lines::entries;
use crate::names::network::parse_network;
use crate::names::network_set::{NetworkMap, NetworkSet};

/// Values by network, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct CidrTable {
    networks: NetworkMap<Row>,
    /// Lines that begin with `!`: what is not in the network. Few, and gone through one by one.
    others: Vec<Other>,
}

#[derive(Clone, Debug)]
struct Other {
    network: NetworkSet,
    is_ipv4: bool,
    row: Row,
}

#[derive(Clone, Debug)]
struct Row {
    /// Counts the lines; the least wins.
    order: usize,
    value: Box<str>,
}

impl CidrTable {
    /// The table in `text`: `NETWORK VALUE`, or `!NETWORK VALUE` for all that is not in it. An IPv6 address may be in
    /// brackets.
    ///
    /// *Errors*: the first line that is no such entry. `if` and `endif` are none.
    pub fn parse(text: &str) -> Result<Self, LineError> {
        let mut table = Self::default();
        for (order, entry) in entries(text).enumerate() {
            let entry = entry?;
            let wrong = |message: String| LineError::new(entry.line, message);
            if matches!(entry.key.to_ascii_lowercase().as_str(), "if" | "endif") {
                return Err(wrong("if and endif are not known in a cidr map".to_owned()));
            }
            let (is_other, network) = match entry.key.strip_prefix('!') {
                Some(network) => (true, network),
                None => (false, entry.key.as_str()),
            };
            let network = parse_network(&unbracketed(network)).map_err(|error| wrong(error.to_string()))?;
            let row = Row { order, value: entry.value.into() };
            if is_other {
                if table.others.len() >= MOST_OTHERS {
                    return Err(wrong(format!("more than {MOST_OTHERS} lines begin with '!'")));
                }
                let is_ipv4 = network.addr().is_ipv4();
                table.others.push(Other { network: NetworkSet::from_iter([network]), is_ipv4, row });
            } else if let Some(first) = table.networks.insert(network, row) {
                table.networks.insert(network, first);
            }
        }
        Ok(table)
    }

    /// The value of the first line that holds `address`.
    pub fn get(&self, address: IpAddr) -> Option<&str> {
        let address = address.to_canonical();
        let held = self.networks.covering(address).map(|(_, row)| row);
        // As in Postfix, `!192.0.2.0/24` speaks of its own family alone, not of every IPv6 address.
        let fits = |other: &&Other| other.is_ipv4 == address.is_ipv4() && !other.network.contains(address);
        let others = self.others.iter().filter(fits).map(|other| &other.row);
        held.chain(others).min_by_key(|row| row.order).map(|row| &*row.value)
    }

    /// How many lines there are, the same network counted once.
    pub fn len(&self) -> usize {
        self.networks.len() + self.others.len()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// `[2001:db8::]/32` without its brackets.
fn unbracketed(network: &str) -> String {
    match network.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => format!("{address}{rest}"),
        None => network.to_owned(),
    }
}

/// Lines that begin with `!`.
const MOST_OTHERS: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str, address: &str) -> Option<String> {
        CidrTable::parse(text).expect("entries").get(address.parse().expect("address")).map(str::to_owned)
    }

    #[test]
    fn the_first_line_that_holds_the_address_counts() {
        let text = "192.0.2.7       friend\n\
                    192.0.2.0/24    net\n\
                    192.0.2.8       hidden by the line above\n\
                    192.0.2.0/24    hidden likewise\n\
                    2001:db8::/32   six\n\
                    [2001:db9::]/32 brackets\n\
                    !10.0.0.0/8     not ten\n\
                    0.0.0.0/0       ten\n";
        for (address, want) in [
            ("192.0.2.7", Some("friend")),
            ("192.0.2.8", Some("net")),
            ("::ffff:192.0.2.9", Some("net")), // v4-mapped
            ("2001:db8::1", Some("six")),
            ("2001:db9::1", Some("brackets")),
            ("203.0.113.1", Some("not ten")),
            ("10.1.1.1", Some("ten")),
            ("2001:dba::1", None), // "not ten" speaks of IPv4
        ] {
            assert_eq!(get(text, address).as_deref(), want, "{address}");
        }
        assert_eq!(CidrTable::parse(text).expect("entries").len(), 7);
    }

    #[test]
    fn a_line_that_is_no_network_is_named() {
        for (text, line, message) in [
            ("192.0.2.0/24 ok\n192.0.2.300 x\n", 2, "neither an address nor a network"),
            ("192.0.2.1/24 x\n", 1, "the network would be 192.0.2.0/24"),
            ("if 192.0.2.0/24\n", 1, "if and endif"),
            ("endif x\n", 1, "if and endif"),
            ("192.0.2.0/24\n", 1, "has no value"),
        ] {
            let error = CidrTable::parse(text).expect_err(text);
            assert_eq!(error.line, line, "{text:?}");
            assert!(error.message.contains(message), "{text:?}: {}", error.message);
        }
    }
}
