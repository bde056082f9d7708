//! What `check --probe` heard from maps on servers, as people read it.

use serde_json::{Value, json};

use crate::app::probe_maps::AskedMap;
use crate::config::error::Diagnostic;

/// What is to be said of `asked`: an error makes the probe fail.
pub fn judge(asked: &AskedMap) -> Option<Diagnostic> {
    let error = asked.answer.err()?;
    let AskedMap { name, server, key, .. } = asked;
    let message = format!("map \"{name}\" at {server}, asked for {key}: {error}");
    let told = Diagnostic::error(format!("map.{name}.source"), message, None);
    Some(told.help(format!("policies that ask it would get nil, \"{}\"", error.kind())))
}

/// What was heard, in a line.
pub fn text(asked: &AskedMap) -> String {
    let AskedMap { name, server, key, .. } = asked;
    let heard = match asked.answer {
        Ok(true) => "it has a value".to_owned(),
        Ok(false) => "it answers that there is none".to_owned(),
        Err(error) => format!("{error}, see below"),
    };
    format!("\n# probe: map \"{name}\" at {server}\n#   asked for {key}: {heard}\n")
}

/// The same for programs.
pub fn json(asked: &AskedMap) -> Value {
    let answer = match asked.answer {
        Ok(true) => "value",
        Ok(false) => "none",
        Err(error) => error.kind(),
    };
    json!({ "map": asked.name, "server": asked.server, "key": asked.key, "answer": answer })
}
