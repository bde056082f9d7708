//! Turns the `host:port` of a backend into addresses to connect to.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use futures_util::future::join;
use hickory_resolver::Hosts;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::Name;

use crate::lookup::answer::{Answer, RecordKind, collect};
use crate::lookup::dns::Resolver;
use crate::lookup::error::LookupError;

/// Resolves names of hosts: addresses as they are, then `/etc/hosts` as it was at start, then the DNS.
#[derive(Clone)]
pub struct HostResolver {
    resolver: Resolver,
    hosts: Arc<Hosts>,
}

impl HostResolver {
    /// One that reads `/etc/hosts` now; without that file, the DNS alone.
    pub fn new(resolver: Resolver) -> Self {
        Self { resolver, hosts: Arc::new(Hosts::from_system().unwrap_or_default()) }
    }

    /// Where `port` of `host` is: at least one address, IPv4 first.
    ///
    /// `host` is a name, an address, or an IPv6 address in brackets. If only one family can be looked up, the other is
    /// left out.
    ///
    /// Errors: `Absent` if the name has no address; else why none is known.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, LookupError> {
        if let Some(address) = literal(host) {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        // A name that the file has isn't asked for elsewhere, not even for the other family: as getaddrinfo(3) does.
        let listed: Vec<IpAddr> =
            [RecordKind::A, RecordKind::Aaaa].iter().flat_map(|kind| self.listed(host, *kind)).collect();
        let addresses = if listed.is_empty() { self.ask(host).await? } else { listed };
        Ok(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }

    async fn ask(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        let (v4, v6) =
            (self.resolver.lookup(host, RecordKind::A), self.resolver.lookup(host, RecordKind::Aaaa));
        let answers = match join(v4, v6).await {
            (Ok(v4), Ok(v6)) => vec![v4, v6],
            (Ok(one), Err(_)) | (Err(_), Ok(one)) => vec![one],
            (Err(LookupError::Absent), Err(error)) | (Err(error), Err(_)) => return Err(error),
        };
        Ok(answers.iter().flat_map(|answers| answers.iter()).filter_map(Answer::address).collect())
    }

    /// The addresses of `kind` that the file has for `host`.
    fn listed(&self, host: &str, kind: RecordKind) -> Vec<IpAddr> {
        let Ok(name) = Name::from_ascii(host) else { return Vec::new() };
        let found = self.hosts.lookup_static_host(&Query::query(name.to_lowercase(), kind.wire()));
        let answers = found.and_then(|found| collect(found.answers(), kind).ok());
        answers.iter().flat_map(|answers| answers.iter()).filter_map(Answer::address).collect()
    }
}

impl fmt::Debug for HostResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostResolver").finish_non_exhaustive()
    }
}

/// `host:port` apart; an IPv6 address is in brackets. None if a part is missing or the port is 0.
pub fn split_host_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let is_whole = if host.starts_with('[') { literal(host).is_some() } else { !host.contains(':') };
    let port: u16 =
        if port.bytes().all(|octet| octet.is_ascii_digit()) { port.parse().ok()? } else { return None };
    (is_whole && !host.is_empty() && port != 0).then_some((host, port))
}

fn literal(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use hickory_resolver::lookup::Lookup;
    use hickory_resolver::proto::rr::RData;

    use super::*;
    use crate::lookup::name_server::NameServer;
    use crate::lookup::zone::Zone;

    #[tokio::test]
    async fn hosts_become_addresses() {
        let zone = Zone::parse(
            "both.example A 192.0.2.1\n\
             both.example AAAA 2001:db8::1\n\
             v6.example AAAA 2001:db8::2\n\
             half.example A 192.0.2.3\n\
             both.listed AAAA 2001:db8::77\n\
             broken.example SERVFAIL\n",
        )
        .expect("lines");
        let server = NameServer::start(zone).await.expect("a port");
        let resolver = server.resolver();
        let mut file = Hosts::default();
        let name = Name::from_ascii("both.listed.").expect("name");
        let query = Query::query(name.clone(), RecordKind::A.wire());
        let address = RData::A("192.0.2.77".parse().expect("address"));
        file.insert(name, RecordKind::A.wire(), Lookup::from_rdata(query, address));
        let hosts = HostResolver { resolver, hosts: Arc::new(file) };
        for (host, want) in [
            ("192.0.2.9", Ok(vec!["192.0.2.9:25"])),
            ("2001:db8::9", Ok(vec!["[2001:db8::9]:25"])),
            ("[2001:db8::9]", Ok(vec!["[2001:db8::9]:25"])),
            ("both.example", Ok(vec!["192.0.2.1:25", "[2001:db8::1]:25"])),
            ("v6.example", Ok(vec!["[2001:db8::2]:25"])),
            ("half.example", Ok(vec!["192.0.2.3:25"])),
            ("both.listed", Ok(vec!["192.0.2.77:25"])), // in the file: its IPv6 isn't asked for
            ("BOTH.listed", Ok(vec!["192.0.2.77:25"])),
            ("localhost", Ok(vec!["127.0.0.1:25", "[::1]:25"])), // RFC 6761 §6.3
            ("none.example", Err(LookupError::Absent)),
            ("broken.example", Err(LookupError::ServFail)),
            ("a b", Err(LookupError::Invalid)),
        ] {
            let found = hosts.resolve(host, 25).await;
            let found = found.map(|addresses| addresses.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(found, want.map(|all| all.into_iter().map(str::to_owned).collect()), "host {host}");
        }
    }

    #[test]
    fn host_and_port_come_apart() {
        for (text, want) in [
            ("127.0.0.1:10025", Some(("127.0.0.1", 10_025))),
            ("mta.example:25", Some(("mta.example", 25))),
            ("[::1]:25", Some(("[::1]", 25))),
            ("::1:25", None), // where does the address end?
            ("[::1:25", None),
            ("mta.example", None),
            ("mta.example:", None),
            ("mta.example:0", None),
            ("mta.example:+25", None),
            ("mta.example:70000", None),
            (":25", None),
        ] {
            assert_eq!(split_host_port(text), want, "text {text:?}");
        }
    }
}
