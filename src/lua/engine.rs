//! The policy engine of one worker: its Lua state with every configured policy in it.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::lua::api::{self, Parts};
use crate::lua::clock::Clock;
use crate::lua::config::{Policies, Policy as Configured};
use crate::lua::convert::kit::Kit;
use crate::lua::globals::Globals;
use crate::lua::objects;
use crate::lua::options::check::Surroundings;
use crate::lua::options::schema::OptionSchema;
use crate::lua::parking::Parking;
use crate::lua::policy::{Loading, Policy};
use crate::lua::problem::Problem;
use crate::lua::sandbox::Sandbox;
use crate::lua::script::{self, Source};
use crate::lua::unknown::{self, Known};
use crate::lua::verdict;
use crate::observe::policy_counts::PolicyCounts;
use crate::policy::event::Stage;
use crate::policy::waiting::Waiting;

/// What is to be loaded; the same on every worker.
#[derive(Clone, Debug)]
pub struct Plan {
    /// `[policies]`.
    pub general: Policies,
    /// Every `[policy.NAME]`, and every name that a listener uses without a table.
    pub policies: Vec<Configured>,
    /// The names of the backends, for options of the type `backend`.
    pub backends: Vec<String>,
}

/// What counts a Lua state among those that are there: closed, it drops this.
struct Counted(#[expect(dead_code, reason = "it is there to be dropped")] Arc<()>);

/// All policies in one Lua state. A reload makes a new one beside it; sessions keep theirs to their end.
#[derive(Debug)]
pub struct Engine {
    pub(super) sandbox: Sandbox,
    pub(super) kit: Rc<Kit>,
    /// Time on the clock for all policies at one stage.
    pub(super) stage_time: Duration,
    /// The calls of the process that wait.
    pub(super) waiting: Arc<Waiting>,
    policies: Vec<Rc<Policy>>,
    /// The script of each policy, and the folders where they are looked for.
    sources: (Vec<Source>, Vec<PathBuf>),
    /// Once somebody has asked: only who tells a person does.
    warnings: OnceCell<Vec<Problem>>,
}

impl Engine {
    /// Loads every policy of `plan` into a new Lua state, whose scripts are measured by `clock`.
    ///
    /// Errors: all mistakes in all policies, and then the warnings; none of them is loaded then.
    pub fn load(plan: &Plan, parts: &Parts, clock: Clock) -> Result<Rc<Engine>, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut sources = Vec::new();
        for configured in &plan.policies {
            match script::find(&configured.script, &plan.general.paths) {
                Ok(source) => sources.push((configured, source)),
                Err(message) => {
                    problems.push(Problem::in_configuration(&configured.name, &configured.span, message));
                }
            }
        }
        let modules = sources
            .iter()
            .map(|(configured, source)| (configured.name.clone(), folders(source, &plan.general.paths)));
        let (sandbox, kit) = open(modules.collect(), parts, clock)
            .map_err(|error| vec![Problem::in_script("", "gatepost", error.to_string())])?;
        let mut policies = Vec::new();
        for (configured, source) in &sources {
            let loading = Loading { sandbox: &sandbox, configured, source };
            match loading.load(Surroundings { backends: &plan.backends, maps: parts.maps() }) {
                Ok(policy) => policies.push(Rc::new(policy)),
                Err(mut found) => problems.append(&mut found),
            }
        }
        if !problems.is_empty() {
            // A misspelt name is often why something else is wrong.
            let each = sources.iter().map(|(configured, source)| (&*configured.name, source, None));
            problems.extend(warnings(&sandbox, each, &plan.general.paths));
            return Err(problems);
        }
        let (kit, stage_time) = (Rc::new(kit), plan.general.budget.stage);
        let waiting = Arc::clone(parts.waiting());
        let sources = (sources.into_iter().map(|(_, source)| source).collect(), plan.general.paths.clone());
        let warnings = OnceCell::new();
        Ok(Rc::new(Engine { sandbox, kit, stage_time, waiting, policies, sources, warnings }))
    }

    /// From now on what the hooks say, how they fail and how long they take is counted in `counts`, for `worker`.
    pub fn count(&self, counts: &PolicyCounts, worker: usize) {
        // In the state itself: it may outlive the engine.
        self.sandbox.lua.set_app_data(Counted(counts.state()));
        for policy in &self.policies {
            let of_stage = |stage: Stage| counts.hook(&policy.name, stage.as_str(), worker);
            // Set already: the same counts.
            let _ = policy.counts.set(Stage::ALL.map(of_stage));
        }
    }

    /// From now on hooks that overrun their budgets are parked in `parking`, which all workers share.
    pub fn park(&self, parking: &Parking) {
        for policy in &self.policies {
            // Set already: the same places.
            let _ = policy.berths.set(Stage::ALL.map(|stage| parking.berth(&policy.name, stage.as_str())));
        }
    }

    /// Every policy, in the configuration's order.
    pub fn policies(&self) -> &[Rc<Policy>] {
        &self.policies
    }

    /// What somebody should look at in the policies.
    pub fn warnings(&self) -> &[Problem] {
        self.warnings.get_or_init(|| {
            let (sources, paths) = &self.sources;
            let each = self.policies.iter().zip(sources);
            let each = each.map(|(policy, source)| (&*policy.name, source, Some(&*policy.schema)));
            warnings(&self.sandbox, each, paths)
        })
    }

    /// The policy of this name.
    pub fn policy(&self, name: &str) -> Option<&Rc<Policy>> {
        self.policies.iter().find(|policy| &*policy.name == name)
    }

    /// The clock that measures hook calls.
    pub fn now(&self) -> Duration {
        self.sandbox.guard.now()
    }

    /// Octets that the Lua state holds.
    pub fn memory(&self) -> usize {
        self.sandbox.lua.used_memory()
    }
}

/// What somebody should look at in policies, each with its name, its source, and its options if they could be read.
fn warnings<'a>(
    sandbox: &Sandbox,
    policies: impl Iterator<Item = (&'a str, &'a Source, Option<&'a [OptionSchema]>)>,
    paths: &[PathBuf],
) -> Vec<Problem> {
    // A state whose globals can't be read has no policies that would run.
    let Ok(globals) = Globals::of(&sandbox.base) else { return Vec::new() };
    let of = |(name, source, options)| {
        let module = |module: &str| {
            // One that was not come to is looked for.
            let loaded = sandbox.guard.listing().module(name, module);
            loaded.or_else(|| script::find_module(module, &folders(source, paths)).ok())
        };
        unknown::warnings(name, source, module, &Known { globals: &globals, options })
    };
    policies.flat_map(of).collect()
}

/// A state with the modules and verdicts in it.
pub(super) fn open(
    folders: HashMap<String, Vec<PathBuf>>,
    parts: &Parts,
    clock: Clock,
) -> mlua::Result<(Sandbox, Kit)> {
    let sandbox = Sandbox::new(clock, folders, parts.chunks())?;
    if let Some(coverage) = parts.coverage() {
        coverage.clone().record(&sandbox.lua, &sandbox.guard)?;
    }
    if parts.wall().is_played() {
        sandbox.play_time(parts.wall())?;
    }
    verdict::open(&sandbox.lua, &sandbox.guard, &sandbox.base)?;
    api::open(&sandbox.lua, &sandbox.guard, parts, &sandbox.base, |name, module| sandbox.view(name, module))?;
    let kit = objects::open(&sandbox, parts)?;
    Ok((sandbox, kit))
}

/// Where `require` looks for the modules of the policy from `source`.
pub(super) fn folders(source: &Source, paths: &[PathBuf]) -> Vec<PathBuf> {
    source.folder.iter().chain(paths).cloned().collect()
}
