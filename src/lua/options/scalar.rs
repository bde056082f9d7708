//! Single values of options: read from what was given, without Lua.

use std::path::Path;

use crate::lua::options::list_file;
use crate::lua::options::schema::Kind;
use crate::lua::options::value::{Data, Given};
use crate::lua::units;

/// A value as a script receives it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Text(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
}

/// The value of the kind `kind` that `data` says; `backends` are the names that a backend may have.
///
/// *Errors*: what is wanted, and what was found.
pub(super) fn read(
    kind: &Kind,
    data: &Data,
    directory: &Path,
    backends: &[String],
) -> Result<Scalar, String> {
    match (kind, data) {
        (Kind::Backend, Data::Text(name)) if !backends.contains(name) => {
            Err(format!("there is no backend '{name}'; there is: {}", backends.join(", ")))
        }
        (Kind::Choice(words), Data::Text(word)) if !words.contains(word) => {
            Err(format!("'{word}' is none of: {}", words.join(", ")))
        }
        (Kind::Backend | Kind::String | Kind::Choice(_), Data::Text(text)) => Ok(Scalar::Text(text.clone())),
        (Kind::Duration, Data::Text(words)) => match units::duration(words) {
            Some(duration) => Ok(seconds(duration.as_secs_f64())),
            None => Err(format!("'{words}' is no duration; \"90s\", \"5m\", \"1h30m\"")),
        },
        (Kind::Duration, Data::Number(number)) if *number >= 0.0 => Ok(seconds(*number)),
        (Kind::Size, Data::Text(words)) => match units::size(words).and_then(|size| i64::try_from(size).ok())
        {
            Some(octets) => Ok(Scalar::Integer(octets)),
            None => Err(format!("'{words}' is no size; \"25 MB\", \"16 KiB\"")),
        },
        (Kind::Duration | Kind::Size, Data::Integer(whole)) if *whole >= 0 => Ok(Scalar::Integer(*whole)),
        (Kind::Integer | Kind::Number, Data::Integer(whole)) => Ok(Scalar::Integer(*whole)),
        (Kind::Number, Data::Number(number)) => Ok(Scalar::Number(*number)),
        (Kind::Boolean, Data::Boolean(truth)) => Ok(Scalar::Boolean(*truth)),
        (Kind::Secret, Data::Table(entries)) => secret(entries, directory).map(Scalar::Text),
        _ => Err(format!("{} is wanted, this is {}", wanted(kind), data.found())),
    }
}

/// What an error says is wanted.
fn wanted(kind: &Kind) -> String {
    match kind {
        Kind::Networks => "a list of networks".to_owned(),
        Kind::Domains => "a list of domains".to_owned(),
        Kind::List(_) => "a list".to_owned(),
        Kind::Map => "a map's name".to_owned(),
        Kind::Backend => "a backend's name".to_owned(),
        Kind::Duration => "a duration (\"5m\")".to_owned(),
        Kind::Size => "a size (\"25 MB\")".to_owned(),
        Kind::String => "a string".to_owned(),
        Kind::Integer => "an integer".to_owned(),
        Kind::Number => "a number".to_owned(),
        Kind::Boolean => "true or false".to_owned(),
        Kind::Choice(words) => format!("one of {}", words.join(", ")),
        Kind::Secret => "{ file = \"…\" } or { env = \"…\" }".to_owned(),
    }
}

/// Seconds as Lua knows them: an integer where they are whole.
fn seconds(seconds: f64) -> Scalar {
    let is_whole = seconds.fract() == 0.0 && seconds < 9e15;
    if is_whole { Scalar::Integer(seconds as i64) } else { Scalar::Number(seconds) }
}

/// The secret that `{ file = … }` or `{ env = … }` names.
fn secret(entries: &[(String, Given)], directory: &Path) -> Result<String, String> {
    match entries {
        [(key, Given { data: Data::Text(name), .. })] if key == "file" => {
            Ok(list_file::text(&directory.join(name))?.trim_end_matches(['\r', '\n']).to_owned())
        }
        [(key, Given { data: Data::Text(name), .. })] if key == "env" => {
            std::env::var(name).map_err(|_| format!("the environment has no {name}"))
        }
        _ => Err("{ file = \"…\" } or { env = \"…\" } is wanted".to_owned()),
    }
}
