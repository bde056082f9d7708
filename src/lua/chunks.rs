//! Compiled scripts, kept for the next Lua state: bytecode that this process has made from the same text, and nobody else's.
//!
//! Lua doesn't check bytecode, so none is ever read from outside; what is kept here came from text a moment ago.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, Table};
use parking_lot::Mutex;

/// Compiled scripts. A clone is the same ones.
#[derive(Clone, Default)]
pub struct Chunks(Arc<Mutex<Kept>>);

/// A name and a text.
type Script = (Box<str>, Box<[u8]>);

#[derive(Default)]
struct Kept {
    /// By the name that errors call it, and the text.
    code: HashMap<Script, Arc<[u8]>>,
    octets: usize,
}

/// Octets that are kept; past them all are made anew.
const MOST: usize = 16 << 20;

impl Chunks {
    /// The script `text`, which must be text, in `lua`; errors call it `name`, and its globals are in `env`.
    ///
    /// *Errors*: it is no Lua.
    pub(super) fn function(
        &self,
        lua: &Lua,
        name: &str,
        text: &[u8],
        env: Option<Table>,
    ) -> mlua::Result<Function> {
        let key: Script = (name.into(), text.into());
        let known = self.0.lock().code.get(&key).cloned();
        let load = |code: &[u8], mode| {
            let chunk = lua.load(code).set_name(name).set_mode(mode);
            match env {
                Some(env) => chunk.set_environment(env).into_function(),
                None => chunk.into_function(),
            }
        };
        match known {
            Some(code) => load(&code, ChunkMode::Binary),
            None => {
                let function = load(text, ChunkMode::Text)?;
                self.keep(key, function.dump(false).into());
                Ok(function)
            }
        }
    }

    fn keep(&self, key: Script, code: Arc<[u8]>) {
        let mut kept = self.0.lock();
        let octets = key.0.len() + key.1.len() + code.len();
        if kept.octets + octets > MOST {
            *kept = Kept::default();
        }
        kept.octets += octets;
        kept.code.insert(key, code);
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chunks").field(&self.0.lock().code.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use mlua::Value;

    use super::*;

    #[test]
    fn what_was_compiled_runs_in_another_state_as_in_the_first() {
        let chunks = Chunks::default();
        let text = b"local a = ...\nx = (x or 0) + a\nif a > 2 then error('oh') end\nreturn x";
        for round in 0..2 {
            let lua = Lua::new();
            let env = lua.create_table().unwrap();
            env.set("error", lua.globals().get::<Value>("error").unwrap()).unwrap();
            let function = chunks.function(&lua, "@p.lua", text, Some(env.clone())).unwrap();
            assert_eq!(function.call::<i64>(1).unwrap(), 1, "{round}: nothing is left of another state");
            let problem = function.call::<Value>(3).unwrap_err().to_string();
            assert!(problem.contains("p.lua:3: oh"), "{round}: {problem}");
            assert_eq!(env.get::<i64>("x").unwrap(), 4);
            assert!(lua.globals().get::<Value>("x").unwrap().is_nil(), "globals are those that were given");
        }
        assert_eq!(chunks.0.lock().code.len(), 1);
    }

    #[test]
    fn bytecode_from_outside_is_refused() {
        let (chunks, lua) = (Chunks::default(), Lua::new());
        let code = lua.load("return 1").into_function().unwrap().dump(false);
        for _ in 0..2 {
            assert!(chunks.function(&lua, "@p.lua", &code, None).is_err());
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let (chunks, lua) = (Chunks::default(), Lua::new());
        for number in 0..40 {
            let text = format!("-- {}{number}\nreturn 1", "x".repeat(1 << 20));
            chunks.function(&lua, "@p.lua", text.as_bytes(), None).unwrap();
            assert!(chunks.0.lock().octets <= MOST);
        }
    }
}
