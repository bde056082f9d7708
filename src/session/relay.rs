//! Whom mail is taken for and from without more ado: the table `[relay]`, which the relay guard obeys.

use crate::names::domain_set::DomainSet;
use crate::names::fingerprint::Fingerprint;
use crate::names::network_set::NetworkSet;

/// Whom mail is taken for and from.
#[derive(Clone, Debug)]
pub struct Relay {
    /// The domains that mail is received for.
    pub domains: RelayDomains,
    /// The clients that may relay.
    pub networks: NetworkSet,
    /// Local parts, in lower case, to which held refusals are not said (RFC 5321 §4.5.1).
    pub always: Vec<String>,
    /// Whether clients that have logged in may relay.
    pub authenticated: bool,
    /// Clients with these certificates, or with these keys, may relay.
    pub certificates: Vec<Fingerprint>,
}

impl Relay {
    /// Takes mail for `domains`, and relays for nobody: what holds where the configuration says no more.
    pub fn new(domains: RelayDomains) -> Relay {
        Relay {
            domains,
            networks: NetworkSet::default(),
            always: ALWAYS.map(str::to_owned).to_vec(),
            authenticated: false,
            certificates: Vec::new(),
        }
    }
}

/// The domains that mail is received for.
#[derive(Clone, Debug)]
pub enum RelayDomains {
    /// Those that the backend accepts; every connection to it must then tell the real client by XCLIENT.
    Backend,
    /// Those listed.
    Set(DomainSet),
}

/// Whom everybody must be able to write to. Source: RFC 5321 §4.5.1, RFC 2142 §4.
const ALWAYS: [&str; 2] = ["postmaster", "abuse"];
