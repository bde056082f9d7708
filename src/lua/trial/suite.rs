//! The tests of one file: loaded once, and run one by one, each in a world of its own.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use mlua::{Function, Table};

use crate::lua::budget::{Allowance, HookCall, Stopped};
use crate::lua::call::Call;
use crate::lua::chunks::Chunks;
use crate::lua::clock::Clock;
use crate::lua::config::Script;
use crate::lua::guard::Budget;
use crate::lua::problem::first_words;
use crate::lua::sandbox::Sandbox;
use crate::lua::script;
use crate::lua::trial::natives::Natives;
use crate::lua::trial::stage::Stage;
pub use crate::lua::trial::stage::Test;
use crate::lua::trial::world::World;

/// The tests of one file.
pub struct Suite {
    sandbox: Sandbox,
    stage: Rc<Stage>,
    /// `run(body)`: what every test begins with, then the test.
    run: Function,
}

/// What a test's own script may use, counted in instructions; a policy has its own budget.
const ALLOWANCE: Allowance =
    Allowance { cpu: Duration::from_secs(2), slice: Duration::MAX, memory: 512 << 20, text: usize::MAX };

impl Suite {
    /// The tests in `file`; `seed` is what its properties begin with.
    ///
    /// *Errors*: what is wrong with the file, as "file:line: why".
    pub fn load(file: &Path, seed: i64) -> Result<Suite, String> {
        let source = script::find(&Script::File(file.to_owned()), &[])?;
        let folders = HashMap::from([(TEST.to_owned(), source.folder.clone().into_iter().collect())]);
        let opened = Sandbox::new(Clock::counted(), folders, &Chunks::default());
        let sandbox = opened.map_err(|error| error.to_string())?;
        let stage = Rc::new(Stage::default());
        let run = open(&sandbox, &stage, seed).map_err(|error| error.to_string())?;
        let suite = Suite { sandbox, stage, run };
        let chunk = suite
            .sandbox
            .environment()
            .and_then(|env| source.compile(&suite.sandbox.lua, env, &suite.sandbox.chunks));
        let chunk = chunk.map_err(|error| first_words(&error))?;
        let loaded = suite.call(&chunk, ()).finish_now();
        loaded.map_err(|stopped| told(&stopped))?;
        suite.stage.finish_loading();
        Ok(suite)
    }

    /// Its tests, in their order.
    pub fn tests(&self) -> Vec<Test> {
        self.stage.tests()
    }

    /// Runs `test` in `world`.
    ///
    /// *Errors*: why it failed: mostly "file:line: what was expected", and further lines.
    pub async fn run(&self, test: &Test, world: Rc<dyn World>) -> Result<(), String> {
        self.stage.play_in(Some(world));
        let ran = self.call(&self.run, &test.body).await;
        self.stage.play_in(None);
        ran.map(drop).map_err(|stopped| told(&stopped))
    }

    fn call(&self, function: &Function, argument: impl mlua::IntoLuaMulti) -> HookCall {
        let Sandbox { lua, guard, .. } = &self.sandbox;
        let call = Rc::new(Call::load(TEST.into(), None));
        HookCall::new(lua, guard, call, ALLOWANCE, function, Ok(argument))
    }
}

/// Puts the language into `sandbox`; what runs a test.
pub(in crate::lua) fn open(sandbox: &Sandbox, stage: &Rc<Stage>, seed: i64) -> mlua::Result<Function> {
    let Sandbox { lua, base, .. } = sandbox;
    let natives = Natives { lua, stage }.table()?;
    let playing = Rc::clone(stage);
    let add =
        lua.create_function(move |lua, (name, body): (String, Function)| playing.add(lua, name, body))?;
    natives.raw_set("add", add)?;
    let playing = Rc::clone(stage);
    natives.raw_set("is_loaded", lua.create_function(move |_, ()| Ok(playing.is_loaded()))?)?;
    let kit = lua.create_table()?;
    kit.raw_set("native", natives)?;
    kit.raw_set("view", &sandbox.view)?;
    kit.raw_set("pcall", base.raw_get::<Function>("pcall")?)?;
    kit.raw_set("seed", seed)?;
    for part in [include_str!("words.lua"), include_str!("clients.lua"), include_str!("generators.lua")] {
        lua.load(part).set_name("=gatepost").call::<()>(&kit)?;
    }
    let language = lua.load(include_str!("language.lua")).set_name("=gatepost");
    let (globals, run): (Table, Function) = language.call(&kit)?;
    for pair in globals.pairs::<String, mlua::Value>() {
        let (name, value) = pair?;
        base.raw_set(name, value)?;
    }
    Ok(run)
}

fn told(stopped: &Stopped) -> String {
    match stopped {
        Stopped::Raised(error) => first_words(error),
        Stopped::Spent(Budget::Cpu, place) => {
            let place = place.as_ref().map_or(String::new(), |place| format!("{place}: "));
            format!("{place}the test doesn't come to an end")
        }
        Stopped::Waited => "this stands inside a test: test(\"…\", function() … end)".to_owned(),
        other => other.to_string(),
    }
}

/// Whose calls these are, as the guard knows it.
const TEST: &str = "test";
