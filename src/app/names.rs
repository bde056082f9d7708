//! The resolver as the proxy and the backends see it.

use std::net::IpAddr;
use std::net::SocketAddr;

use crate::lookup::client_name;
use crate::lookup::dns::Resolver;
use crate::lookup::host::HostResolver;
use crate::net::names::{ClientName, Names, Pending};

/// Answers `Names` with the shared resolver.
#[derive(Clone)]
pub struct ResolverNames {
    resolver: Resolver,
    hosts: HostResolver,
}

impl ResolverNames {
    /// Names as `resolver` finds them.
    pub fn new(resolver: Resolver) -> Self {
        ResolverNames { hosts: HostResolver::new(resolver.clone()), resolver }
    }
}

impl Names for ResolverNames {
    fn client_name(&self, address: IpAddr) -> Pending<ClientName> {
        let resolver = self.resolver.clone();
        Box::pin(async move {
            match client_name::find(&resolver, address).await.verified {
                client_name::ClientName::Known(name) => ClientName::Known(name),
                client_name::ClientName::None => ClientName::None,
                client_name::ClientName::NotKnown(_) => ClientName::Unknown,
            }
        })
    }

    fn addresses(&self, host: &str, port: u16) -> Pending<Result<Vec<SocketAddr>, String>> {
        let (hosts, host) = (self.hosts.clone(), host.to_owned());
        Box::pin(async move { hosts.resolve(&host, port).await.map_err(|error| format!("{host}: {error}")) })
    }
}
