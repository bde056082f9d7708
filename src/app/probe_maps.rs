//! `gatepost check --probe`: asks each map on a server for one key.

use std::sync::Arc;

use crate::app::names::ResolverNames;
use crate::app::policies;
use crate::config::Config;
use crate::lookup::dns::Resolver;
use crate::lookup::error::LookupError;
use crate::lookup::host::HostResolver;
use crate::lookup::http::client::HttpClient;
use crate::lookup::http::connections::Trust;
use crate::lookup::http::outbox::Outbox;
use crate::lookup::map::maps::{Map, Reach};
use crate::threads::helper::HelperHandle;

/// A map, as it was asked.
#[derive(Clone, Debug)]
pub struct AskedMap {
    /// NAME in `[map.NAME]`.
    pub name: String,
    /// Its server, without what may be secret.
    pub server: String,
    /// The key that it was asked for.
    pub key: String,
    /// Whether it has a value, or why that isn't known.
    pub answer: Result<bool, LookupError>,
}

/// Asks each map on a server for an address that hardly anybody has.
pub async fn all(config: &Config, resolver: &Resolver) -> Vec<AskedMap> {
    let Some(helper) = HelperHandle::of_caller() else { return Vec::new() };
    let hosts = HostResolver::new(resolver.clone());
    let reach = Reach {
        http: HttpClient::new(hosts, Trust::System, helper.clone(), Arc::clone(&Outbox::new())),
        names: Arc::new(ResolverNames::new(resolver.clone())),
        helper,
        stubs: None,
    };
    // What is wrong with them was told when the policies were loaded.
    let Ok(maps) = policies::read_maps(config, Some(&reach)) else { return Vec::new() };
    let mut asked = Vec::new();
    for named in &config.maps {
        let Some(Map::Remote(map)) = maps.get(&named.map.name) else { continue };
        let key = format!("gatepost-probe@{}", config.hostname);
        let answer = match map.get(&key).await {
            Ok(_) => Ok(true),
            Err(LookupError::Absent) => Ok(false),
            Err(error) => Err(error),
        };
        let (name, server) = (named.map.name.clone(), named.map.source.server());
        asked.push(AskedMap { name, server, key, answer });
    }
    asked
}
