//! Finds the name of a client: what its address's reverse zone says, and whether that name points back.

use std::net::IpAddr;

use futures_util::future::join_all;

use crate::lookup::answer::RecordKind;
use crate::lookup::dns::Resolver;
use crate::lookup::error::LookupError;
use crate::names::host_name::is_host_name;

/// A name that a client may have. What is known is a host name in lower case, fit to be written into a command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ClientName {
    /// It is this.
    Known(String),
    /// It has none: XCLIENT's `[UNAVAILABLE]`.
    None,
    /// It isn't known whether it has one: XCLIENT's `[TEMPUNAVAIL]`.
    NotKnown(LookupError),
}

impl ClientName {
    /// The name, if it is known.
    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Known(name) => Some(name),
            Self::None | Self::NotKnown(_) => None,
        }
    }

    /// The name as a result: having none is `Absent`.
    pub fn as_result(&self) -> Result<&str, LookupError> {
        match self {
            Self::Known(name) => Ok(name),
            Self::None => Err(LookupError::Absent),
            Self::NotKnown(error) => Err(*error),
        }
    }
}

/// Both names of a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientNames {
    /// The name of the reverse zone that points back to the address.
    pub verified: ClientName,
    /// The first name of the reverse zone, which its owner may have made up.
    pub ptr: ClientName,
}

/// Looks up both names of `address`.
///
/// Only host names count, and only the first ten of them. Takes up to two look-ups' time.
///
/// Source: RFC 8601 §3, "iprev"; RFC 5321 §4.4 leaves the use to the receiver.
pub async fn find(resolver: &Resolver, address: IpAddr) -> ClientNames {
    let address = address.to_canonical();
    let mut names = match resolver.ptr(address).await {
        Ok(names) => names,
        Err(LookupError::Absent) => return ClientNames { verified: ClientName::None, ptr: ClientName::None },
        Err(error) => {
            return ClientNames { verified: ClientName::NotKnown(error), ptr: ClientName::NotKnown(error) };
        }
    };
    // A name with a line end or a space in it would go into XCLIENT, the log, a header field (CVE-2026-28753).
    names.retain(|name| is_host_name(name));
    names.truncate(MAX_NAMES);
    let verified = verify(resolver, address, &names).await;
    let ptr = names.into_iter().next().map_or(ClientName::None, ClientName::Known);
    ClientNames { verified, ptr }
}

/// The first of `names` that has `address` among its own.
async fn verify(resolver: &Resolver, address: IpAddr, names: &[String]) -> ClientName {
    let kind = if address.is_ipv4() { RecordKind::A } else { RecordKind::Aaaa };
    let answers = join_all(names.iter().map(|name| resolver.lookup(name, kind))).await;
    let mut not_known = None;
    for (name, answer) in names.iter().zip(answers) {
        match answer {
            Ok(answers) if answers.iter().any(|answer| answer.address() == Some(address)) => {
                return ClientName::Known(name.clone());
            }
            Ok(_) | Err(LookupError::Absent | LookupError::Invalid) => {}
            Err(error) => not_known = not_known.or(Some(error)),
        }
    }
    not_known.map_or(ClientName::None, ClientName::NotKnown)
}

/// Names of one address that are verified, as RFC 7208 §4.6.4 bounds them.
const MAX_NAMES: usize = 10;

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::rr::rdata::PTR;
    use hickory_resolver::proto::rr::{Name, RData};

    use super::*;
    use crate::lookup::name_server::NameServer;
    use crate::lookup::zone::Zone;

    async fn names(zone: &Zone, address: &str) -> ClientNames {
        let server = NameServer::start(zone.clone()).await.expect("a port");
        find(&server.resolver(), address.parse().expect("address")).await
    }

    #[tokio::test]
    async fn a_name_counts_if_it_points_back() {
        let zone = Zone::parse(
            "192.0.2.1 PTR Mail.Example.org\n\
             mail.example.org A 192.0.2.1\n\
             192.0.2.2 PTR mail.example.org\n\
             192.0.2.3 PTR gone.example.org\n\
             192.0.2.4 PTR broken.example.org\n\
             broken.example.org SERVFAIL\n\
             5.2.0.192.in-addr.arpa SERVFAIL\n\
             192.0.2.6 PTR other.example.org\n\
             192.0.2.6 PTR broken.example.org\n\
             192.0.2.6 PTR six.example.org\n\
             six.example.org A 192.0.2.6\n\
             2001:db8::1 PTR six.example.org\n\
             six.example.org AAAA 2001:db8::1\n",
        )
        .expect("lines");
        let known = |name: &str| ClientName::Known(name.to_owned());
        let servfail = || ClientName::NotKnown(LookupError::ServFail);
        for (address, verified, ptr) in [
            ("192.0.2.1", known("mail.example.org"), known("mail.example.org")),
            ("::ffff:192.0.2.1", known("mail.example.org"), known("mail.example.org")),
            ("192.0.2.2", ClientName::None, known("mail.example.org")), // a forged one
            ("192.0.2.3", ClientName::None, known("gone.example.org")),
            ("192.0.2.4", servfail(), known("broken.example.org")), // it may well point back
            ("192.0.2.5", servfail(), servfail()),
            ("192.0.2.7", ClientName::None, ClientName::None),
            ("2001:db8::1", known("six.example.org"), known("six.example.org")),
        ] {
            assert_eq!(names(&zone, address).await, ClientNames { verified, ptr }, "address {address}");
        }
        // One that is verified outweighs one that isn't known.
        assert_eq!(names(&zone, "192.0.2.6").await.verified, known("six.example.org"));
    }

    #[tokio::test]
    async fn names_that_are_no_host_names_do_not_exist() {
        for label in [&b"a\r\nMAIL FROM:<x>"[..], b"a b", b"a.b", b"a\0", b"[192", b"\xff", b"-a"] {
            let zone = Zone::new();
            let mut evil = Name::from_labels([label, b"example"]).expect("labels");
            evil.set_fqdn(true);
            let reverse = Name::from_ascii("9.113.0.203.in-addr.arpa.").expect("name");
            zone.insert(reverse, RData::PTR(PTR(evil)));
            let none = ClientNames { verified: ClientName::None, ptr: ClientName::None };
            assert_eq!(names(&zone, "203.0.113.9").await, none, "label {label:?}");
        }
    }
}
