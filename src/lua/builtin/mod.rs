//! The policies inside the binary, and what they say of themselves.

pub mod markdown;

use std::collections::HashMap;

use crate::lua::api::{self, Parts};
use crate::lua::clock::Clock;
use crate::lua::config::{Budget, OnError, Policy, Script, Span};
use crate::lua::options::schema::OptionSchema;
use crate::lua::policy::Loading;
use crate::lua::problem::Problem;
use crate::lua::sandbox::Sandbox;
use crate::lua::script;
use crate::lua::verdict;
use crate::policy::event::Stages;
use crate::policy::mode::Mode;

/// Every built-in policy: its name and its source.
pub const POLICIES: &[(&str, &str)] = &[
    ("access", include_str!("../../../scripts/access.lua")),
    ("dnsbl", include_str!("../../../scripts/dnsbl.lua")),
    ("helo", include_str!("../../../scripts/helo.lua")),
    ("relay_networks", include_str!("../../../scripts/relay_networks.lua")),
    ("sender_domain", include_str!("../../../scripts/sender_domain.lua")),
    ("size", include_str!("../../../scripts/size.lua")),
];

/// What a policy says of itself.
#[derive(Debug)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// The stages at which it has a hook.
    pub stages: Stages,
    /// The options that it takes; required ones first, then by name.
    pub options: Vec<OptionSchema>,
    /// Holds the values of the options' defaults.
    _sandbox: Sandbox,
}

/// The source of the built-in policy `name`.
pub fn find(name: &str) -> Option<&'static str> {
    POLICIES.iter().find(|(known, _)| *known == name).map(|(_, source)| *source)
}

/// The names of all built-in policies.
pub fn names() -> Vec<&'static str> {
    POLICIES.iter().map(|(name, _)| *name).collect()
}

/// What the policy `name` says of itself: that of a folder in `paths`, else the built-in one. It is not set up.
///
/// *Errors*: there is none, or what is wrong with it.
pub fn describe(
    name: &str,
    paths: &[std::path::PathBuf],
    parts: &Parts,
) -> Result<Description, Vec<Problem>> {
    let configured = plain(name);
    let wrong = |message: String| vec![Problem::in_script(name, name, message)];
    let source = script::find(&configured.script, paths).map_err(wrong)?;
    let open = || -> mlua::Result<Sandbox> {
        let folders = source.folder.iter().chain(paths).cloned().collect();
        let sandbox = Sandbox::new(Clock::monotonic(), HashMap::from([(name.to_owned(), folders)]))?;
        let (lua, guard) = (&sandbox.lua, &sandbox.guard);
        verdict::open(lua, guard, &sandbox.base)?;
        api::open(lua, guard, parts, &sandbox.base, |name, module| sandbox.view(name, module))?;
        Ok(sandbox)
    };
    let sandbox = open().map_err(|error| wrong(error.to_string()))?;
    let declared = Loading { sandbox: &sandbox, configured: &configured, source: &source }.declare()?;
    let stages = declared.stages();
    let mut options = declared.schema;
    options.sort_by_key(|option| !option.required);
    Ok(Description {
        name: name.to_owned(),
        summary: declared.summary.unwrap_or_default(),
        stages,
        options,
        _sandbox: sandbox,
    })
}

/// A policy of which nothing but its name is said.
fn plain(name: &str) -> Policy {
    Policy {
        name: name.to_owned(),
        span: Span::default(),
        script: Script::Name(name.to_owned()),
        mode: Mode::Enforce,
        on_error: OnError::Defer,
        required: false,
        budget: Budget::default(),
        options: Vec::new(),
    }
}
