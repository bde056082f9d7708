//! The modules that scripts find as globals, and what each of them is made from.
//!
//! A module is one file here: `pub fn open(lua: &Lua, guard: &Rc<Guard>, parts: &Parts) -> mlua::Result<Table>`, with
//! its line in `MODULES`. Bindings only: arguments in, a call of another wing, values out. What can happen is a value or
//! `nil, kind`; misuse is `Err(raise(lua, "…"))`, which names the caller's line.

mod base64;
pub mod client;
mod dns;
mod domains;
mod drawer;
mod hash;
mod hmac;
mod http;
mod ip;
pub(super) mod json;
mod log;
pub mod map;
mod metrics;
mod module;
mod plain;
mod random;
mod ratelimit;
mod regex;
mod remember;
mod store;
mod task;
mod time;

use std::rc::Rc;
use std::sync::Arc;

use mlua::{Lua, Table, Value};

use crate::lookup::dns::Resolver;
use crate::lookup::error::LookupError;
use crate::lookup::http::client::HttpClient;
use crate::lookup::map::maps::Maps;
use crate::lua::api::regex::Patterns;
pub use crate::lua::caller::raise;
use crate::lua::chunks::Chunks;
use crate::lua::clock::Wall;
use crate::lua::coverage::Coverage;
use crate::lua::guard::Guard;
use crate::lua::parking::Parking;
use crate::observe::policy_metrics::PolicyMetrics;
use crate::policy::waiting::Waiting;
use crate::store::calls::Store;
use crate::store::error::StoreError;

/// What the modules act upon; the same for all workers.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    resolver: Option<Resolver>,
    wall: Wall,
    coverage: Option<Coverage>,
    store: Option<Store>,
    http: Option<HttpClient>,
    maps: Option<Maps>,
    patterns: Patterns,
    metrics: Arc<PolicyMetrics>,
    waiting: Arc<Waiting>,
    parking: Parking,
    chunks: Chunks,
}

impl Parts {
    /// What scripts of a running proxy have: `resolver` is asked for names and addresses.
    pub fn new(resolver: Resolver) -> Self {
        Parts { resolver: Some(resolver), ..Parts::default() }
    }

    /// Nothing to ask: every question is `nil, "unavailable"`. For where no hook runs, as to describe a policy.
    pub fn offline() -> Self {
        Parts::default()
    }

    /// The same, and what is stored is kept in `store`.
    pub fn storing(self, store: Store) -> Self {
        Parts { store: Some(store), ..self }
    }

    /// The same, and what policies measure is kept in `metrics`.
    pub fn measuring(self, metrics: Arc<PolicyMetrics>) -> Self {
        Parts { metrics, ..self }
    }

    /// The same, and calls that wait are counted in `waiting`.
    pub fn counting(self, waiting: Arc<Waiting>) -> Self {
        Parts { waiting, ..self }
    }

    /// The same, and what tasks overrun is noted in `parking`.
    #[must_use]
    pub fn with_parking(self, parking: Parking) -> Self {
        Parts { parking, ..self }
    }

    /// The same, and what is compiled is kept in `chunks`.
    #[must_use]
    pub fn with_chunks(self, chunks: Chunks) -> Self {
        Parts { chunks, ..self }
    }

    /// Compiled scripts.
    pub(super) fn chunks(&self) -> &Chunks {
        &self.chunks
    }

    /// Where overruns are noted.
    pub(super) fn parking(&self) -> &Parking {
        &self.parking
    }

    /// The policies' own metrics.
    pub(super) fn metrics(&self) -> &PolicyMetrics {
        &self.metrics
    }

    /// The calls that wait.
    pub(super) fn waiting(&self) -> &Arc<Waiting> {
        &self.waiting
    }

    /// Where things are kept.
    ///
    /// *Errors*: `Unavailable` when offline.
    pub(super) fn store(&self) -> Result<&Store, StoreError> {
        self.store.as_ref().ok_or(StoreError::Unavailable)
    }

    /// The same, with `maps`; without them every map is one that can't be asked.
    #[must_use]
    pub fn with_maps(self, maps: Maps) -> Self {
        Parts { maps: Some(maps), ..self }
    }

    /// The same, with `http` to ask web servers.
    #[must_use]
    pub fn with_http(self, http: HttpClient) -> Self {
        Parts { http: Some(http), ..self }
    }

    /// The maps of the configuration; none where there is no configuration.
    pub(super) fn maps(&self) -> Option<&Maps> {
        self.maps.as_ref()
    }

    /// Who asks web servers.
    ///
    /// *Errors*: `Unavailable` when offline.
    pub(super) fn http(&self) -> Result<&HttpClient, LookupError> {
        self.http.as_ref().ok_or(LookupError::Unavailable)
    }

    /// The patterns that were compiled.
    pub(super) fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// The same, with `wall` for the time of day.
    #[must_use]
    pub fn with_wall(self, wall: Wall) -> Self {
        Parts { wall, ..self }
    }

    /// The same; `coverage` is told which lines of scripts run, which makes them slow.
    #[must_use]
    pub fn with_coverage(self, coverage: Coverage) -> Self {
        Parts { coverage: Some(coverage), ..self }
    }

    /// The time of day.
    pub(super) fn wall(&self) -> Wall {
        self.wall
    }

    /// Who is told which lines run.
    pub(super) fn coverage(&self) -> Option<&Coverage> {
        self.coverage.as_ref()
    }

    /// Who is asked for names and addresses.
    ///
    /// *Errors*: `Unavailable` when offline.
    pub(super) fn resolver(&self) -> Result<&Resolver, LookupError> {
        self.resolver.as_ref().ok_or(LookupError::Unavailable)
    }
}

/// How a module is opened.
type Open = fn(&Lua, &Rc<Guard>, &Parts) -> mlua::Result<Table>;

/// Every module: the global's name and how it is opened.
const MODULES: &[(&str, Open)] = &[
    ("base64", base64::open),
    ("dns", dns::open),
    ("domains", domains::open),
    ("hash", hash::open),
    ("hmac", hmac::open),
    ("http", http::open),
    ("ip", ip::open),
    ("json", json::open),
    ("log", log::open),
    ("map", map::open),
    ("metrics", metrics::open),
    ("random", random::open),
    ("ratelimit", ratelimit::open),
    ("regex", regex::open),
    ("store", store::open),
    ("task", task::open),
    ("time", time::open),
    #[cfg(test)]
    ("waiting", crate::lua::tests::waiting::open),
];

/// Whether the global `name` is one of the modules.
pub(super) fn is_module(name: &str) -> bool {
    MODULES.iter().any(|(known, _)| *known == name)
}

/// Puts every module into `base`, read-only. `view` makes it so.
pub(super) fn open(
    lua: &Lua,
    guard: &Rc<Guard>,
    parts: &Parts,
    base: &Table,
    view: impl Fn(&str, Table) -> mlua::Result<Table>,
) -> mlua::Result<()> {
    for (name, open) in MODULES {
        let module = open(lua, guard, parts)?;
        for (inner, value) in module.pairs::<String, Value>().collect::<mlua::Result<Vec<_>>>()? {
            if let Value::Table(table) = value {
                module.raw_set(inner.as_str(), view(&format!("{name}.{inner}"), table)?)?;
            }
        }
        base.raw_set(*name, view(name, module)?)?;
    }
    Ok(())
}
