//! One policy, loaded: its hooks and its options.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use mlua::{Function, Table, Value};

use crate::lua::budget::{Allowance, HookCall, LONGEST_TEXT, Stopped};
use crate::lua::call::Call;
use crate::lua::capability::Capabilities;
use crate::lua::config::{Budget, OnError, Policy as Configured};
use crate::lua::later;
use crate::lua::options::check::{self, Surroundings};
use crate::lua::options::schema::{self, OptionSchema};
use crate::lua::parking::Berth;
use crate::lua::problem::{Problem, did_you_mean, first_words};
use crate::lua::sandbox::Sandbox;
use crate::lua::scan::tokens::line_of_key;
use crate::lua::script::Source;
use crate::lua::unreturned;
use crate::observe::policy_counts::HookCounts;
use crate::policy::event::{Stage, Stages};
use crate::policy::mode::Mode;
use crate::session::effects::PolicyName;
use crate::smtp::reply::Reply;

/// A policy in one Lua state.
#[derive(Debug)]
pub struct Policy {
    /// Its name in the configuration.
    pub name: PolicyName,
    /// What it does, in its own words.
    pub summary: Option<String>,
    /// The options that it takes.
    pub schema: Vec<OptionSchema>,
    /// Where its script was found.
    pub file: String,
    /// Whether its verdicts count, where the listener doesn't say.
    pub mode: Mode,
    /// What its errors become.
    pub on_error: OnError,
    /// Whether no other policy's `accept` skips it.
    pub required: bool,
    /// What its hook calls may cost.
    pub budget: Budget,
    /// What it may reach; none where nothing was said.
    pub(super) capabilities: Option<Arc<Capabilities>>,
    /// Its options, read-only.
    pub(super) options: Table,
    hooks: [Option<Function>; Stage::ALL.len()],
    /// What its hooks are counted in, once `Engine::count` was called.
    pub(super) counts: OnceCell<[Arc<HookCounts>; Stage::ALL.len()]>,
    /// Where its hooks are parked, once `Engine::park` was called.
    pub(super) berths: OnceCell<[Arc<Berth>; Stage::ALL.len()]>,
}

/// What loading a script and its `setup` may cost; there they may build large tables.
const LOADING: Allowance = Allowance {
    cpu: std::time::Duration::from_millis(1000),
    slice: std::time::Duration::MAX,
    memory: 128 << 20,
    text: LONGEST_TEXT,
};
/// Keys of a policy besides its hooks.
const KEYS: &[&str] = &["summary", "options", "setup"];

impl Policy {
    /// The stages at which it has a hook.
    pub fn stages(&self) -> Stages {
        stages_of(&self.hooks)
    }

    /// The hook for `stage`.
    pub(super) fn hook(&self, stage: Stage) -> Option<&Function> {
        self.hooks.get(stage as usize)?.as_ref()
    }

    /// What its failure at `stage` becomes; nothing where it is only logged.
    pub(super) fn failure(&self, stage: Stage) -> Option<Reply> {
        if matches!(stage, Stage::Verify | Stage::Reply | Stage::Outcome | Stage::Closed) {
            return None;
        }
        // At connect only 421 and 554 are codes that a client expects. RFC 5321 §4.3.2.
        let is_banner = matches!(stage, Stage::Connect | Stage::Tls);
        match self.on_error {
            OnError::Skip => None,
            OnError::Defer => {
                let code = if is_banner {
                    421
                } else if stage == Stage::Auth {
                    454
                } else {
                    451
                };
                Some(Reply::fixed(code, (4, 3, 0), "Local policy error, try again later"))
            }
            OnError::Reject => {
                let code = if is_banner {
                    554
                } else if stage == Stage::Auth {
                    535
                } else {
                    550
                };
                Some(Reply::fixed(code, (5, 3, 0), "Local policy error"))
            }
        }
    }

    /// What one of its hook calls may use.
    pub(super) fn allowance(&self) -> Allowance {
        Allowance::of(&self.budget)
    }
}

/// A policy that is being loaded.
pub(super) struct Loading<'a> {
    pub(super) sandbox: &'a Sandbox,
    pub(super) configured: &'a Configured,
    pub(super) source: &'a Source,
}

/// A policy's script that has run: its schema is known, its options are not checked yet.
pub(super) struct Declared {
    pub(super) summary: Option<String>,
    setup: Option<Function>,
    pub(super) hooks: [Option<Function>; Stage::ALL.len()],
    pub(super) schema: Vec<OptionSchema>,
}

impl Loading<'_> {
    /// Loads the policy afresh in an environment of its own.
    ///
    /// Errors: every mistake that can be seen at once.
    pub(super) fn load(&self, surroundings: Surroundings<'_>) -> Result<Policy, Vec<Problem>> {
        let declared = self.declare()?;
        let in_schema = |option: &str, message: String| {
            self.problem(format!("option '{option}': {message}"), line_of_key(&self.source.text, option))
        };
        let facts = check::check(self.sandbox, self.configured, &declared.schema, surroundings, in_schema)?;
        if let Some(setup) = &declared.setup {
            self.run(setup, &facts).map_err(|problem| vec![problem])?;
        }
        let options = self.sandbox.view("options", facts).map_err(|error| vec![self.raised(&error)])?;
        Ok(Policy {
            name: self.configured.name.as_str().into(),
            summary: declared.summary,
            schema: declared.schema,
            file: self.source.name.clone(),
            mode: self.configured.mode,
            on_error: self.configured.on_error,
            required: self.configured.required,
            budget: self.configured.budget,
            capabilities: self.configured.allow.clone(),
            options,
            hooks: declared.hooks,
            counts: OnceCell::new(),
            berths: OnceCell::new(),
        })
    }

    /// Runs the script and reads the table that it returns.
    pub(super) fn declare(&self) -> Result<Declared, Vec<Problem>> {
        if let Some((line, name)) = later::find(&self.source.text) {
            return Err(vec![self.problem(format!("'{name}' is not in this version"), Some(line))]);
        }
        self.sandbox.guard.listing().note(self.source);
        let chunk = self
            .sandbox
            .environment()
            .and_then(|env| self.source.compile(&self.sandbox.lua, env, &self.sandbox.chunks));
        let chunk = chunk.map_err(|error| vec![self.raised(&error)])?;
        match self.run(&chunk, &Value::Nil) {
            Ok(Value::Table(table)) => self.read(&table),
            Ok(other) => Err(vec![self.problem(
                format!("a policy returns a table of its hooks, this returns {}", article(other.type_name())),
                None,
            )]),
            Err(problem) => Err(vec![problem]),
        }
    }

    /// What the returned table declares.
    fn read(&self, table: &Table) -> Result<Declared, Vec<Problem>> {
        let mut problems = self.unreturned();
        let mut declared =
            Declared { summary: None, setup: None, hooks: Default::default(), schema: Vec::new() };
        for (key, value) in table.pairs::<Value, Value>().flatten() {
            let Some(key) = key.as_string().map(mlua::LuaString::to_string_lossy) else {
                problems.push(self.problem(
                    "a policy is a table of names; this one has a number for a key".to_owned(),
                    None,
                ));
                continue;
            };
            let line = || line_of(&value).or_else(|| line_of_key(&self.source.text, &key));
            if let Err(message) = declared.take(&key, &value) {
                problems.push(self.problem(message, line()));
            } else if let Some(suggestion) = declared.unknown(&key) {
                let message = format!("'{key}' is no hook and nothing else that a policy has");
                problems.push(self.problem(message, line()).suggest(Some(suggestion)));
            } else if let ("options", Value::Table(schema)) = (key.as_str(), &value) {
                match schema::read(schema) {
                    Ok(schema) => declared.schema = schema,
                    Err((option, message)) => {
                        let line = line_of_key(&self.source.text, &option);
                        problems.push(self.problem(message, line));
                    }
                }
            }
        }
        // Those of modules come last.
        problems.sort_by_key(|problem| match &problem.place {
            crate::lua::problem::Place::Script { line, file } => (*file != self.source.name, *line),
            crate::lua::problem::Place::Configuration(_) => (true, None),
        });
        if problems.is_empty() { Ok(declared) } else { Err(problems) }
    }

    /// The verdicts that the script, and the modules that it has required, make and don't return.
    fn unreturned(&self) -> Vec<Problem> {
        let name = &self.configured.name;
        let modules = self.sandbox.guard.listing().modules(name);
        let sources = std::iter::once(self.source).chain(&modules);
        sources.flat_map(|source| unreturned::problems(name, source)).collect()
    }

    /// Calls `function` where nothing may wait.
    fn run(&self, function: &Function, argument: impl mlua::IntoLua) -> Result<Value, Problem> {
        let call = Rc::new(Call {
            folder: self.source.folder.as_deref().map(Rc::from),
            ..Call::load(self.configured.name.as_str().into(), self.configured.allow.clone())
        });
        let running =
            HookCall::new(&self.sandbox.lua, &self.sandbox.guard, call, LOADING, function, Ok(argument));
        running.finish_now().map_err(|stopped| match stopped {
            Stopped::Raised(error) => self.raised(&error),
            other => self.problem(other.to_string(), None),
        })
    }

    fn problem(&self, message: String, line: Option<usize>) -> Problem {
        let mut problem = Problem::in_script(&self.configured.name, &self.source.name, message);
        if let crate::lua::problem::Place::Script { line: place, .. } = &mut problem.place {
            *place = place.or(line);
        }
        problem
    }

    fn raised(&self, error: &mlua::Error) -> Problem {
        Problem::in_script(&self.configured.name, &self.source.name, first_words(error))
    }
}

impl Declared {
    /// The stages at which it has a hook.
    pub(super) fn stages(&self) -> Stages {
        stages_of(&self.hooks)
    }

    /// Takes one entry of the policy's table, if it is known.
    fn take(&mut self, key: &str, value: &Value) -> Result<(), String> {
        let stage = Stage::ALL.iter().find(|stage| stage.as_str() == key);
        match (key, value) {
            ("summary", Value::String(text)) => self.summary = Some(text.to_string_lossy()),
            ("summary", _) => return Err("summary is a sentence in quotes".to_owned()),
            ("options", Value::Table(_)) => {}
            ("options", _) => return Err("options is a table: options = { name = { type = … } }".to_owned()),
            ("setup", Value::Function(setup)) => self.setup = Some(setup.clone()),
            ("setup", _) => return Err("setup is a function of the options".to_owned()),
            ("needs", _) => return Err("'needs' is not in this version".to_owned()),
            (_, Value::Function(hook)) => {
                if let Some(place) = stage.and_then(|stage| self.hooks.get_mut(*stage as usize)) {
                    *place = Some(hook.clone());
                }
            }
            (hook, other) if stage.is_some() => {
                return Err(format!(
                    "the hook '{hook}' is a function, this is {}",
                    article(other.type_name())
                ));
            }
            _ => {}
        }
        Ok(())
    }

    /// A suggestion for `key` if a policy has nothing of this name.
    fn unknown(&self, key: &str) -> Option<String> {
        let known = || KEYS.iter().copied().chain(Stage::ALL.iter().map(|stage| stage.as_str()));
        if known().any(|name| name == key) {
            return None;
        }
        Some(did_you_mean(key, known()).unwrap_or_else(|| {
            let hooks: Vec<&str> = Stage::ALL.iter().map(|stage| stage.as_str()).collect();
            format!("the hooks are {}", hooks.join(", "))
        }))
    }
}

fn stages_of(hooks: &[Option<Function>]) -> Stages {
    let there = Stage::ALL.into_iter().zip(hooks).filter(|(_, hook)| hook.is_some());
    there.fold(Stages::default(), |stages, (stage, _)| stages.with(stage))
}

/// The line where a function begins.
fn line_of(value: &Value) -> Option<usize> {
    value.as_function()?.info().line_defined
}

fn article(kind: &str) -> String {
    match kind {
        "nil" => "nothing".to_owned(),
        "integer" => "an integer".to_owned(),
        other => format!("a {other}"),
    }
}
