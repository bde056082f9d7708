//! Where a policy's source comes from: a file of its own, a policy folder, or the binary; and what `require` may find.

use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, Table};

use crate::lua::builtin;
use crate::lua::chunks::Chunks;
use crate::lua::config::Script;

/// The text of a script and the name by which errors call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// The path without "./" in it, or "NAME.lua" for a built-in one.
    pub(super) name: String,
    /// The text.
    pub(super) text: Rc<[u8]>,
    /// The folder beside it, where `require` looks first.
    pub(super) folder: Option<PathBuf>,
}

/// A policy of this size is a mistake.
const LARGEST: u64 = 1 << 20;

/// What Lua says of a text that is nested too deeply, without a line.
const TOO_DEEP: &str = "C stack overflow";

fn is_too_deep(error: &mlua::Error) -> bool {
    error.to_string().contains(TOO_DEEP)
}

impl Source {
    /// Compiles the text, which must be text, under `env`; or takes what `chunks` has of it.
    pub(super) fn compile(&self, lua: &Lua, env: Table, chunks: &Chunks) -> mlua::Result<Function> {
        let compiled = chunks.function(lua, &format!("@{}", self.name), &self.text, Some(env));
        compiled.map_err(|error| match is_too_deep(&error) {
            true => {
                let line = self.deep_line(lua);
                let name = &self.name;
                mlua::Error::runtime(format!("{name}:{line}: too many levels, one in another: {TOO_DEEP}"))
            }
            false => error,
        })
    }

    /// The line, from 1, at which Lua finds the text nested too deeply, which it doesn't say.
    fn deep_line(&self, lua: &Lua) -> usize {
        let ends: Vec<usize> =
            self.text.iter().enumerate().filter(|(_, octet)| **octet == b'\n').map(|(at, _)| at).collect();
        // What ends before it is only incomplete.
        let is_before = |end: &usize| {
            let beginning = lua.load(self.text.get(..*end).unwrap_or_default()).set_mode(ChunkMode::Text);
            !beginning.into_function().is_err_and(|error| is_too_deep(&error))
        };
        ends.partition_point(is_before) + 1
    }

    /// The file at `path`.
    fn read(path: &Path) -> Result<Source, String> {
        let plain: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
        let name = plain.display().to_string();
        let length = std::fs::metadata(path).map_err(|error| format!("can't read {name}: {error}"))?.len();
        if length > LARGEST {
            return Err(format!("{name} is larger than 1 MiB"));
        }
        let text = std::fs::read(path).map_err(|error| format!("can't read {name}: {error}"))?.into();
        Ok(Source { name, text, folder: path.parent().map(Path::to_owned) })
    }
}

/// The source of `script`: a file, else NAME.lua in one of `folders`, else the built-in one of that name.
///
/// Errors: a sentence that says what was looked for and where.
pub(super) fn find(script: &Script, folders: &[PathBuf]) -> Result<Source, String> {
    let name = match script {
        Script::File(path) => return Source::read(path),
        Script::Name(name) => name,
    };
    let file = format!("{name}.lua");
    for folder in folders {
        let path = folder.join(&file);
        if path.is_file() {
            if builtin::find(name).is_some() {
                tracing::info!(policy = %name, file = %path.display(), "replaces the built-in policy of that name");
            }
            return Source::read(&path);
        }
    }
    match builtin::find(name) {
        Some(text) => Ok(Source { name: file, text: text.as_bytes().into(), folder: None }),
        None if folders.is_empty() => {
            Err(format!("there is no built-in policy '{name}', and no policies.paths"))
        }
        None => Err(format!("there is no {file} in policies.paths, and no built-in policy of that name")),
    }
}

/// The module `name`, dots for folders, below one of `folders` and nowhere else.
pub(super) fn find_module(name: &str, folders: &[PathBuf]) -> Result<Source, String> {
    let is_word = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    if !name.split('.').all(is_word) {
        return Err(format!("'{name}' is no module's name: words with dots between"));
    }
    let file = format!("{}.lua", name.replace('.', "/"));
    for folder in folders {
        // Both in their true form, so that no link leads out.
        let (Ok(folder), Ok(path)) = (folder.canonicalize(), folder.join(&file).canonicalize()) else {
            continue;
        };
        if path.starts_with(&folder) {
            return Source::read(&path);
        }
    }
    Err(format!("there is no {file} in the policy folders"))
}
