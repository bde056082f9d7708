//! What clients come to in a policy test: a configuration, built as a proxy builds it, in two Lua states.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::app::build::{Ground, House, Outside};
use crate::config::{self, Config};
use crate::lua::builtin;
use crate::lua::chunks::Chunks;
use crate::lua::coverage::Coverage;
use crate::lua::trial::world::Place;
use crate::proxy::context::Context;
use crate::proxy::worker::Generation;
use crate::smtp::extension::Capabilities;
use crate::trial::backend::OFFERED;
use crate::trial::tables;

/// Lua states that the sessions of a test are spread over: what one state keeps to itself shows.
pub(super) const STATES: usize = 2;

/// A test file, as far as its place says what is tested.
pub(super) struct Home {
    /// The folder that it is in.
    folder: PathBuf,
    /// The policy under test, if the file's name says one: `helo` for `helo_test.lua`.
    subject: Result<String, String>,
    /// Who is told which lines of policies run.
    pub(super) coverage: Option<Coverage>,
    /// Configurations that were read, by their text or path.
    read: RefCell<HashMap<String, Config>>,
    /// Compiled scripts: every test has Lua states of its own, but for its text none needs to be read twice.
    pub(super) chunks: Chunks,
}

impl Home {
    /// The home of the test `file`.
    pub(super) fn of(file: &Path, coverage: Option<Coverage>) -> Home {
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = stem.strip_suffix("_test").unwrap_or(&stem).to_owned();
        let subject = match folder.join(format!("{name}.lua")).is_file() || builtin::find(&name).is_some() {
            true => Ok(name),
            false => Err(format!(
                "there is no {name}.lua beside this file, nor a built-in policy of that name: say policies = {{ … }}, \
                 or set_up \"gatepost.toml\""
            )),
        };
        Home { folder, subject, coverage, read: RefCell::default(), chunks: Chunks::default() }
    }

    /// The configuration in `file`, a path beside the test.
    ///
    /// *Errors*: all that is wrong with it.
    pub(super) fn configured(&self, file: &str) -> Result<Config, String> {
        let path = self.folder.join(file);
        self.remembered(&path.display().to_string(), || {
            config::load(&path, &builtin::names())
                .map(|loaded| loaded.config)
                .map_err(|broken| broken.to_string())
        })
    }

    /// The configuration that `place` describes: a small one, with what it says laid over.
    ///
    /// *Errors*: all that is wrong with it.
    pub(super) fn described(&self, place: &Place) -> Result<Config, String> {
        let text = tables::text(&self.tables(place)?);
        self.remembered(&text, || {
            let loaded = config::load_str(&text, &self.folder, &builtin::names());
            let told =
                |broken: Box<config::Broken>| format!("as a configuration, this session is wrong:\n{broken}");
            loaded.map(|loaded| loaded.config).map_err(told)
        })
    }

    fn remembered(&self, key: &str, read: impl FnOnce() -> Result<Config, String>) -> Result<Config, String> {
        if let Some(config) = self.read.borrow().get(key) {
            return Ok(config.clone());
        }
        let mut config = read()?;
        // No file is written for a test.
        config.spool.memory = config.spool.limit;
        self.read.borrow_mut().insert(key.to_owned(), config.clone());
        Ok(config)
    }

    fn tables(&self, place: &Place) -> Result<Map<String, Value>, String> {
        let mut uses = Vec::new();
        let mut tables = Map::new();
        let listed = match &place.policies {
            Some(policies) => policies.clone(),
            None => vec![(self.subject.clone()?, Map::new())],
        };
        for (name, settings) in listed {
            uses.push(Value::from(name.as_str()));
            if !settings.is_empty() {
                tables.insert(name, Value::Object(settings));
            }
        }
        if let Some(options) = &place.options {
            let subject = self.subject.clone()?;
            lay_over(tables.entry(subject).or_insert_with(|| json!({})), &Value::Object(options.clone()));
        }
        let mut all = json!({
            "hostname": "mx.ours.example",
            "relay": { "domains": ["ours.example"] },
            "policies": { "paths": ["."] },
            "listener": [{ "name": "25", "bind": "192.0.2.25:25", "reply_id": false, "policies": uses }],
            "backend": [{ "name": "backend", "address": "192.0.2.26:25" }],
        });
        if !tables.is_empty() {
            lay_over(&mut all, &json!({ "policy": tables }));
        }
        if let Some(config) = &place.config {
            lay_over(&mut all, &Value::Object(config.clone()));
        }
        match all {
            Value::Object(tables) => Ok(tables),
            _ => Ok(Map::new()),
        }
    }
}

/// Lays what `over` says upon `under`, table by table; a table upon a list of one goes upon that one.
fn lay_over(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                lay_over(under.entry(key.as_str()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(list), Value::Object(_)) if list.len() == 1 => {
            list.iter_mut().for_each(|one| lay_over(one, over));
        }
        (under, over) => *under = over.clone(),
    }
}

/// A set-up that clients can come to.
pub(super) struct Built {
    house: Arc<House>,
    states: [OnceCell<Generation>; STATES],
}

impl Built {
    /// What `config` says, in that `outside`.
    ///
    /// *Errors*: a map can't be read.
    pub(super) fn new(config: Config, ground: &Ground, outside: Outside) -> Result<Rc<Built>, String> {
        let house = House::build_in(outside, config, ground, None).map_err(|error| format!("{error:#}"))?;
        for server in house.servers.values() {
            // As after the first connection.
            (0..server.config.addresses.len())
                .for_each(|number| server.note_success(number, &Capabilities::parse(OFFERED)));
        }
        Ok(Rc::new(Built { house, states: Default::default() }))
    }

    /// The listener of that name, or the first, in the Lua state of that number, which is made now if need be.
    ///
    /// *Errors*: what is wrong with the policies, or that there is no such listener.
    pub(super) fn listener(
        &self,
        name: Option<&str>,
        state: usize,
        ground: &Ground,
    ) -> Result<Rc<Context>, String> {
        let slot = self.states.get(state).ok_or("no such Lua state")?;
        let generation = match slot.get() {
            Some(generation) => generation,
            None => {
                let made = self.house.blueprint(ground)(state)?;
                slot.get_or_init(|| made)
            }
        };
        let found = generation.iter().find(|context| name.is_none_or(|name| context.listener.name == name));
        found.map(Rc::clone).ok_or_else(|| {
            let names: Vec<&str> = generation.iter().map(|context| context.listener.name.as_str()).collect();
            format!("there is no listener '{}', only {}", name.unwrap_or_default(), names.join(", "))
        })
    }
}
