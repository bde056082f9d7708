//! The TOML file: read, checked, with errors that show line and caret.

pub mod effective;
pub mod error;
pub mod keys;
pub mod places;
pub mod report;
pub mod service;
pub mod sources;
pub mod value;

mod auth;
mod build;
mod check;
mod directory;
mod include;
mod list;
mod listener;
mod lists;
mod logins;
pub mod map;
mod map_directory;
mod map_source;
mod option;
mod policy;
mod read;
mod reader;
mod scalar;
mod section;
mod tls;
mod trust;
mod verifier;

use std::path::Path;

use crate::auth::config::Config as Auth;
use crate::backend::config::Backend;
use crate::config::effective::Effective;
use crate::config::error::{Diagnostic, Severity};
use crate::config::map::NamedMap;
use crate::config::places::Places;
use crate::config::section::Section;
use crate::config::service::Service;
use crate::config::sources::Sources;
use crate::lookup::config::Config as Dns;
use crate::lua::config::{Policies, Policy};
use crate::message::config::Spool;
use crate::net::tls::config::Tls;
use crate::observe::config::{Log, Metrics};
use crate::proxy::config::Listener;
use crate::session::limits::Limits;
use crate::store::config::Config as Store;

/// A whole set-up: every part's own configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our name, A-labels in lower case.
    pub hostname: String,
    /// Threads that sessions run on.
    pub workers: usize,
    /// Where clients connect; never empty.
    pub listeners: Vec<Listener>,
    /// The mail servers behind us; never empty.
    pub backends: Vec<Backend>,
    /// `[limits]` as it stands; each listener has its own.
    pub limits: Limits,
    /// Our certificates, and whose we trust.
    pub tls: Tls,
    /// How logins are checked.
    pub auth: Auth,
    /// What holds for all policies.
    pub policies: Policies,
    /// Every `[policy.NAME]`, and every policy that a listener names.
    pub policy: Vec<Policy>,
    /// What policies remember.
    pub store: Store,
    /// Every `[map.NAME]`.
    pub maps: Vec<NamedMap>,
    /// How names are resolved.
    pub dns: Dns,
    /// Where content waits.
    pub spool: Spool,
    /// How the log is written.
    pub log: Log,
    /// Where the Prometheus page is.
    pub metrics: Metrics,
    /// The process itself.
    pub service: Service,
}

/// A configuration that can be used.
#[derive(Debug)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// What somebody should look at, sorted.
    pub warnings: Vec<Diagnostic>,
    /// Every text it was read from.
    pub sources: Sources,
    /// Every key's value and where it comes from, for `gatepost check`.
    pub effective: Effective,
    /// Where each key stands.
    pub places: Places,
}

/// A configuration that can't be used.
#[derive(Debug)]
pub struct Broken {
    /// Everything that is wrong with it, and the warnings, sorted.
    pub problems: Vec<Diagnostic>,
    /// What it says as far as it can be read, defaults elsewhere; for `check`, which then looks at the policies too.
    pub config: Option<Box<Config>>,
    /// Where each key stands, if it is TOML at all.
    pub places: Option<Places>,
    /// Every text it was read from.
    pub sources: Sources,
}

impl Broken {
    /// Everything that is wrong, as text; with colours if `styled`.
    pub fn text(&self, styled: bool) -> String {
        report::text(&self.problems, &self.sources, styled)
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text(false).trim_end())
    }
}

impl std::error::Error for Broken {}

/// The set-up that a file describes, with what it includes; `built_in` are the names of the policy library.
///
/// *Errors*: everything that is wrong with it, all at once.
pub fn load(path: &Path, built_in: &[&str]) -> Result<Loaded, Box<Broken>> {
    let mut sources = Sources::default();
    let mut problems = Vec::new();
    let top = include::read_all(path, &mut sources, &mut problems);
    finish(top, sources, problems, built_in)
}

/// The set-up that a text describes, as if it stood in the file `gatepost.toml` of `directory`.
///
/// *Errors*: everything that is wrong with it, all at once.
pub fn load_str(text: &str, directory: &Path, built_in: &[&str]) -> Result<Loaded, Box<Broken>> {
    let mut sources = Sources::default();
    let mut problems = Vec::new();
    let top = include::read_text(text, &directory.join("gatepost.toml"), &mut sources, &mut problems);
    finish(top, sources, problems, built_in)
}

fn finish(
    top: Option<Section>,
    sources: Sources,
    mut problems: Vec<Diagnostic>,
    built_in: &[&str],
) -> Result<Loaded, Box<Broken>> {
    let config = top.map(|top| {
        let config = build::config(&top, &mut problems);
        check::cross(&top, &config, built_in, &mut problems);
        (top, config)
    });
    report::sort(&mut problems);
    match config {
        Some((top, config)) if problems.iter().all(|problem| problem.severity == Severity::Warning) => {
            let effective = Effective::of(&top, &config, &sources);
            let places = Places::of(top);
            Ok(Loaded { config, warnings: problems, sources, effective, places })
        }
        config => {
            let (top, config) = config.unzip();
            let (config, places) = (config.map(Box::new), top.map(Places::of));
            Err(Box::new(Broken { problems, config, places, sources }))
        }
    }
}

#[cfg(test)]
mod tests;
