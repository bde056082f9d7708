//! Holds `[policy.NAME]` against the schema and converts its values into what the script receives.

use std::path::Path;
use std::sync::Arc;

use mlua::{IntoLua, Lua, Table, Value};

use crate::lookup::map::maps::Maps;
use crate::lua::api::map;
use crate::lua::config::{OptionEntry, Policy, Span};
use crate::lua::convert::map::MapObject;
use crate::lua::convert::sets::{DomainSetObject, NetworkSetObject};
use crate::lua::options::list_file;
use crate::lua::options::scalar::{self, Scalar};
use crate::lua::options::schema::{Kind, OptionSchema};
use crate::lua::options::value::{Data, Given};
use crate::lua::problem::{Problem, did_you_mean};
use crate::lua::sandbox::Sandbox;
use crate::names::domain_set::DomainSet;
use crate::names::network_set::NetworkSet;

/// What options are checked against besides their schema.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The names of the backends.
    pub backends: &'a [String],
    /// The maps of the configuration; none where maps can't be asked.
    pub maps: Option<&'a Maps>,
}

/// What is wrong with a value, and where in the configuration.
type Wrong = (Option<Span>, String);

/// The options of `policy` as a table for its script, not yet read-only.
///
/// Errors: every mistake, in the order of the configuration. A mistake in a default is one in `file`.
pub(in crate::lua) fn check(
    sandbox: &Sandbox,
    policy: &Policy,
    schema: &[OptionSchema],
    surroundings: Surroundings<'_>,
    in_script: impl Fn(&str, String) -> Problem,
) -> Result<Table, Vec<Problem>> {
    let mut problems = unknown(policy, schema);
    let converter = Converter { sandbox, surroundings };
    let options = match sandbox.lua.create_table() {
        Ok(options) => options,
        Err(error) => return Err(vec![in_script("options", error.to_string())]),
    };
    for option in schema {
        let entry = policy.options.iter().find(|entry| entry.key == option.name);
        match converter.one(option, entry) {
            Ok(value) => {
                if let Err(error) = options.raw_set(option.name.as_str(), value) {
                    problems.push(in_script(&option.name, error.to_string()));
                }
            }
            Err((Some(span), message)) => {
                problems.push(Problem::in_configuration(&policy.name, &span, message))
            }
            Err((None, message)) if entry.is_none() && option.required => {
                problems.push(Problem::in_configuration(&policy.name, &policy.span, message));
            }
            Err((None, message)) => problems.push(in_script(&option.name, message)),
        }
    }
    if problems.is_empty() { Ok(options) } else { Err(problems) }
}

/// Options in the configuration that the schema doesn't know.
fn unknown(policy: &Policy, schema: &[OptionSchema]) -> Vec<Problem> {
    let names = || schema.iter().map(|option| option.name.as_str());
    let is_unknown = |entry: &&OptionEntry| !names().any(|name| name == entry.key);
    let complain = |entry: &OptionEntry| {
        let message = format!("policy '{}' has no option '{}'", policy.name, entry.key);
        let suggestion = did_you_mean(&entry.key, names()).or_else(|| match schema.is_empty() {
            true => Some("it takes no options".to_owned()),
            false => Some(format!("its options: {}", names().collect::<Vec<_>>().join(", "))),
        });
        Problem::in_configuration(&policy.name, &entry.key_span, message).suggest(suggestion)
    };
    policy.options.iter().filter(is_unknown).map(complain).collect()
}

struct Converter<'a> {
    sandbox: &'a Sandbox,
    surroundings: Surroundings<'a>,
}

impl Converter<'_> {
    /// The value of `option`, given by `entry` or by the schema's default.
    fn one(&self, option: &OptionSchema, entry: Option<&OptionEntry>) -> Result<Value, Wrong> {
        let (given, directory) = match entry {
            Some(entry) => Given::from_configuration(entry),
            None if option.required => return Err((None, format!("option '{}' is required", option.name))),
            None if option.default.is_nil() => return self.absent(&option.kind),
            None => match Given::from_default(&option.default) {
                Some(given) => (given, Path::new(".")),
                None => {
                    return Err((
                        None,
                        "its default is not a value that a configuration can hold".to_owned(),
                    ));
                }
            },
        };
        let span = given.span.clone();
        let name = &option.name;
        let wrong =
            |(inner, message): Wrong| (inner.or_else(|| span.clone()), format!("option '{name}': {message}"));
        let value = self.convert(&option.kind, &given, directory).map_err(wrong)?;
        within(option, &value).map_err(|message| (span.clone(), format!("option '{name}': {message}")))?;
        Ok(value)
    }

    /// What a script finds when nothing was said: empty sets and lists, so that it need not ask, else nil.
    fn absent(&self, kind: &Kind) -> Result<Value, Wrong> {
        let empty = Given { data: Data::List(Vec::new()), span: None };
        match kind {
            Kind::Networks | Kind::Domains | Kind::List(_) => self.convert(kind, &empty, Path::new(".")),
            _ => Ok(Value::Nil),
        }
    }

    fn convert(&self, kind: &Kind, given: &Given, directory: &Path) -> Result<Value, Wrong> {
        let lua = &self.sandbox.lua;
        match kind {
            Kind::Networks => {
                let set = NetworkSet::parse(items(given, directory)?.iter().map(|(item, _)| item));
                let is_wrong = |item: &str| NetworkSet::parse([item]).is_err();
                let set = set.map_err(|error| (place(given, directory, is_wrong), error.to_string()))?;
                lua_value(lua, NetworkSetObject(Arc::new(set)))
            }
            Kind::Domains => {
                let set = DomainSet::parse(items(given, directory)?.iter().map(|(item, _)| item));
                let is_wrong = |item: &str| DomainSet::parse([item]).is_err();
                let set = set.map_err(|error| (place(given, directory, is_wrong), error.to_string()))?;
                lua_value(lua, DomainSetObject(Arc::new(set)))
            }
            Kind::Map => {
                let Data::Text(name) = &given.data else {
                    let found = given.data.found();
                    return Err((
                        given.span.clone(),
                        format!("the name of a map is wanted, this is {found}"),
                    ));
                };
                let map =
                    self.surroundings.maps.map_or(Ok(MapObject::absent()), |maps| map::named(maps, name));
                lua_value(lua, map.map_err(|message| (given.span.clone(), message))?)
            }
            Kind::List(of) => self.list(of, given, directory),
            _ => {
                let scalar = scalar::read(kind, &given.data, directory, self.surroundings.backends);
                match scalar.map_err(|message| (given.span.clone(), message))? {
                    Scalar::Text(text) => lua_value(lua, text),
                    Scalar::Integer(whole) => lua_value(lua, whole),
                    Scalar::Number(number) => lua_value(lua, number),
                    Scalar::Boolean(truth) => lua_value(lua, truth),
                }
            }
        }
    }

    /// A list whose items are converted; a single value is a list of one, `"file:NAME"` the lines of a file.
    fn list(&self, of: &Kind, given: &Given, directory: &Path) -> Result<Value, Wrong> {
        let single = std::slice::from_ref(given);
        let list = match &given.data {
            Data::List(list) => list.as_slice(),
            _ => single,
        };
        let table = self.sandbox.lua.create_table().map_err(by_lua)?;
        for item in list {
            match &item.data {
                Data::Text(text) if text.starts_with("file:") => {
                    for (line, span) in items(item, directory)? {
                        let line = Given { data: Data::Text(line), span };
                        table.push(self.convert(of, &line, directory)?).map_err(by_lua)?;
                    }
                }
                _ => table.push(self.convert(of, item, directory)?).map_err(by_lua)?,
            }
        }
        self.sandbox.view("options", table).map(Value::Table).map_err(by_lua)
    }
}

/// Where the first item stands of which `is_wrong` is true.
fn place(given: &Given, directory: &Path, is_wrong: impl Fn(&str) -> bool) -> Option<Span> {
    let items = items(given, directory).unwrap_or_default();
    items.into_iter().find(|(item, _)| is_wrong(item)).and_then(|(_, span)| span)
}

/// The texts of a list or of a single text, each with its place; files are read.
fn items(given: &Given, directory: &Path) -> Result<Vec<(String, Option<Span>)>, Wrong> {
    match &given.data {
        Data::Text(text) => match text.strip_prefix("file:") {
            Some(name) => {
                let lines = list_file::read(&directory.join(name))
                    .map_err(|message| (given.span.clone(), message))?;
                Ok(lines.into_iter().map(|line| (line, given.span.clone())).collect())
            }
            None => Ok(vec![(text.clone(), given.span.clone())]),
        },
        Data::List(list) => {
            let mut all = Vec::new();
            for item in list {
                all.append(&mut items(item, directory)?);
            }
            Ok(all)
        }
        other => Err((given.span.clone(), format!("a list of strings is wanted, this is {}", other.found()))),
    }
}

/// Whether `value` is within the schema's `min` and `max`.
fn within(option: &OptionSchema, value: &Value) -> Result<(), String> {
    let (amount, unit) = match value {
        Value::Integer(whole) => (*whole as f64, ""),
        Value::Number(number) => (*number, ""),
        Value::String(text) => (text.to_string_lossy().chars().count() as f64, " characters"),
        Value::Table(list) => (list.len().unwrap_or_default() as f64, " items"),
        _ => return Ok(()),
    };
    match (option.min, option.max) {
        (Some(min), _) if amount < min => Err(format!("at least {min}{unit}")),
        (_, Some(max)) if amount > max => Err(format!("at most {max}{unit}")),
        _ => Ok(()),
    }
}

fn lua_value(lua: &Lua, value: impl IntoLua) -> Result<Value, Wrong> {
    value.into_lua(lua).map_err(by_lua)
}

fn by_lua(error: mlua::Error) -> Wrong {
    (None, error.to_string())
}
