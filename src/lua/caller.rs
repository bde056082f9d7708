//! The script that called into the engine: its file and line, for errors that name them.

use mlua::Lua;

/// An error with the file and line of the script that is running.
pub fn raise(lua: &Lua, message: &str) -> mlua::Error {
    match line_of_script(lua) {
        Some((file, line)) => mlua::Error::runtime(format!("{file}:{line}: {message}")),
        None => mlua::Error::runtime(message),
    }
}

/// The file and line of the script that called into the engine.
pub(super) fn line_of_script(lua: &Lua) -> Option<(String, usize)> {
    // Level 0 is the engine's function itself; frames between are the prelude's and mlua's own.
    (0..16).find_map(|level| {
        lua.inspect_stack(level, |frame| {
            let source = frame.source();
            let file = source.source.as_deref()?.strip_prefix('@')?.to_owned();
            Some((file, frame.current_line()?))
        })
        .flatten()
    })
}
