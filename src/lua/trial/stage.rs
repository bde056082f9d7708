//! Where policy tests are played: the world of the one that runs, and the tests that a file has named.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use mlua::{Function, Lua};

use crate::lua::caller::{line_of_script, raise};
use crate::lua::trial::world::World;

/// A test.
#[derive(Clone, Debug)]
pub struct Test {
    /// What it proves.
    pub name: String,
    /// Where it stands.
    pub line: usize,
    pub(super) body: Function,
}

/// Where tests are played: the world of the one that runs, if one does.
#[derive(Default)]
pub(in crate::lua) struct Stage {
    world: RefCell<Option<Rc<dyn World>>>,
    tests: RefCell<Vec<Test>>,
    is_loaded: Cell<bool>,
}

impl Stage {
    /// The world of the test that runs.
    ///
    /// *Errors*: none does.
    pub(super) fn world(&self) -> Result<Rc<dyn World>, String> {
        let world = self.world.borrow().clone();
        world.ok_or_else(|| "this stands inside a test: test(\"…\", function() … end)".to_owned())
    }

    /// Lets a test be played from now on, in `world`; or, without one, no more.
    pub(super) fn play_in(&self, world: Option<Rc<dyn World>>) {
        self.world.replace(world);
    }

    /// The tests named so far.
    pub(super) fn tests(&self) -> Vec<Test> {
        self.tests.borrow().clone()
    }

    /// Whether the file has been loaded: no more tests are named.
    pub(super) fn is_loaded(&self) -> bool {
        self.is_loaded.get()
    }

    /// Says that the file has been loaded.
    pub(super) fn finish_loading(&self) {
        self.is_loaded.set(true);
    }

    /// Takes one more test.
    ///
    /// *Errors*: a test within a test, or two of one name.
    pub(super) fn add(&self, lua: &Lua, name: String, body: Function) -> mlua::Result<()> {
        if self.is_loaded.get() {
            return Err(raise(lua, "a test inside a test; test(…) stands at the top of the file"));
        }
        let mut tests = self.tests.borrow_mut();
        if let Some(other) = tests.iter().find(|test| test.name == name) {
            return Err(raise(lua, &format!("line {} has a test of this name already: {name}", other.line)));
        }
        let line = line_of_script(lua).map_or(0, |(_, line)| line);
        tests.push(Test { name, line, body });
        Ok(())
    }
}
