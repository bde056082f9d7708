//! Which lines of scripts have run: what `gatepost test --coverage` shows.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use mlua::debug::DebugEvent;
use mlua::{HookTriggers, Lua, VmState};
use parking_lot::Mutex;

use crate::lua::guard::Guard;
use crate::lua::period::INSTRUCTIONS;

/// The lines that have run, by the script's name. A clone is the same record.
#[derive(Clone, Debug, Default)]
pub struct Coverage(Arc<Mutex<BTreeMap<String, BTreeSet<usize>>>>);

impl Coverage {
    /// From now on notes each line that runs in `lua`, which `guard` goes on watching.
    pub(super) fn record(self, lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<()> {
        let guard = Rc::clone(guard);
        let triggers = HookTriggers::new().every_nth_instruction(INSTRUCTIONS).every_line();
        lua.set_global_hook(triggers, move |lua, debug| {
            if debug.event() != DebugEvent::Line {
                return guard.tick(lua);
            }
            let source = debug.source();
            let file = source.source.as_deref().and_then(|source| source.strip_prefix('@'));
            if let (Some(file), Some(line)) = (file, debug.current_line()) {
                self.note(file, line);
            }
            Ok(VmState::Continue)
        })
    }

    /// Notes that this line of `file` runs.
    pub fn note(&self, file: &str, line: usize) {
        let mut files = self.0.lock();
        match files.get_mut(file) {
            Some(lines) => {
                lines.insert(line);
            }
            None => {
                files.insert(file.to_owned(), BTreeSet::from([line]));
            }
        }
    }

    /// All that has run.
    pub fn lines(&self) -> BTreeMap<String, BTreeSet<usize>> {
        self.0.lock().clone()
    }
}
