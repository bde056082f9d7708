//! The schema of a policy's options, as its script declares it.

use mlua::{LuaString, Table, Value};

use crate::lua::problem::did_you_mean;

/// One option that a policy takes.
#[derive(Clone, Debug)]
pub struct OptionSchema {
    /// Its name.
    pub name: String,
    /// What its value is.
    pub kind: Kind,
    /// What it is when the configuration says nothing; `Value::Nil` if it is not there then.
    pub default: Value,
    /// Whether the configuration must say it.
    pub required: bool,
    /// The least value: of a number, a string's characters, a list's items; of durations and sizes in seconds and octets.
    pub min: Option<f64>,
    /// The greatest, likewise.
    pub max: Option<f64>,
    /// What it is for, in a sentence.
    pub help: Option<String>,
}

/// What an option's value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Addresses and networks; becomes a set.
    Networks,
    /// Domains; becomes a set.
    Domains,
    /// The name of a map; becomes the map.
    Map,
    /// The name of a backend.
    Backend,
    /// "5m"; becomes seconds.
    Duration,
    /// "25 MB"; becomes octets.
    Size,
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// true or false.
    Boolean,
    /// One of these words.
    Choice(Vec<String>),
    /// Several values of one kind.
    List(Box<Kind>),
    /// Text that is read from a file or the environment and never logged.
    Secret,
}

/// Words that `type` may be.
pub(in crate::lua) const TYPES: &[&str] = &[
    "networks", "domains", "map", "backend", "duration", "size", "string", "integer", "number", "boolean",
    "choice", "list", "secret",
];
/// Keys of one option's schema.
pub(in crate::lua) const KEYS: &[&str] =
    &["type", "of", "default", "required", "min", "max", "values", "help"];
/// Names that `[policy.NAME]` uses itself.
const RESERVED: &[&str] = &["script", "mode", "on_error", "budget", "allow", "required"];

impl Kind {
    /// The word that `type` says.
    pub fn as_str(&self) -> &'static str {
        match self {
            Kind::Networks => "networks",
            Kind::Domains => "domains",
            Kind::Map => "map",
            Kind::Backend => "backend",
            Kind::Duration => "duration",
            Kind::Size => "size",
            Kind::String => "string",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Boolean => "boolean",
            Kind::Choice(_) => "choice",
            Kind::List(_) => "list",
            Kind::Secret => "secret",
        }
    }
}

/// The options that `table` declares, by name.
///
/// Errors: the option and what is wrong with its schema.
pub(in crate::lua) fn read(table: &Table) -> Result<Vec<OptionSchema>, (String, String)> {
    let mut options = Vec::new();
    for pair in table.pairs::<Value, Value>() {
        let Ok((name, schema)) = pair else { continue };
        let Some(name) = text(&name) else {
            return Err((
                "options".into(),
                "options are given by name: options = { name = { type = … } }".into(),
            ));
        };
        let wrong = |message: String| (name.clone(), format!("option '{name}': {message}"));
        if RESERVED.contains(&name.as_str()) {
            return Err(wrong("this name is taken by [policy.NAME] itself".into()));
        }
        let Value::Table(schema) = schema else {
            return Err(wrong("a schema is a table: { type = … }".into()));
        };
        options.push(read_one(&name, &schema).map_err(wrong)?);
    }
    options.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(options)
}

fn read_one(name: &str, schema: &Table) -> Result<OptionSchema, String> {
    for (key, _) in schema.pairs::<Value, Value>().flatten() {
        let key = text(&key).unwrap_or_default();
        if !KEYS.contains(&key.as_str()) {
            let suggestion = did_you_mean(&key, KEYS.iter().copied())
                .unwrap_or_else(|| format!("known: {}", KEYS.join(", ")));
            return Err(format!("'{key}' says nothing about an option; {suggestion}"));
        }
    }
    let entry = |key: &str| schema.raw_get::<Value>(key).unwrap_or(Value::Nil);
    let word = text(&entry("type")).ok_or("its type is missing")?;
    let required = match entry("required") {
        Value::Nil => false,
        Value::Boolean(required) => required,
        _ => return Err("required is true or false".into()),
    };
    let default = entry("default");
    if required && !default.is_nil() {
        return Err("it is required, so it needs no default".into());
    }
    Ok(OptionSchema {
        name: name.to_owned(),
        kind: kind(&word, &entry("of"), &entry("values"))?,
        default,
        required,
        min: number(&entry("min")).map_err(|()| "min is a number")?,
        max: number(&entry("max")).map_err(|()| "max is a number")?,
        help: text(&entry("help")),
    })
}

/// The kind that `type`, `of` and `values` say together.
fn kind(word: &str, of: &Value, values: &Value) -> Result<Kind, String> {
    if !of.is_nil() && word != "list" {
        return Err("only a list has an 'of'".into());
    }
    Ok(match word {
        "networks" => Kind::Networks,
        "domains" => Kind::Domains,
        "map" => Kind::Map,
        "backend" => Kind::Backend,
        "duration" => Kind::Duration,
        "size" => Kind::Size,
        "string" => Kind::String,
        "integer" => Kind::Integer,
        "number" => Kind::Number,
        "boolean" => Kind::Boolean,
        "secret" => Kind::Secret,
        "choice" => match values {
            Value::Table(words) => {
                let words: Vec<String> =
                    words.sequence_values::<Value>().flatten().filter_map(|w| text(&w)).collect();
                if words.is_empty() {
                    return Err("values lists the words to choose from".into());
                }
                Kind::Choice(words)
            }
            _ => return Err("a choice needs values = { … }".into()),
        },
        "list" => {
            let of =
                if of.is_nil() { "string".to_owned() } else { text(of).ok_or("'of' is a type's name")? };
            match kind(&of, &Value::Nil, values)? {
                Kind::List(_) | Kind::Networks | Kind::Domains | Kind::Map | Kind::Secret => {
                    return Err(format!("a list can't be of {of}"));
                }
                of => Kind::List(Box::new(of)),
            }
        }
        other => {
            let suggestion = did_you_mean(other, TYPES.iter().copied());
            return Err(format!(
                "there is no type '{other}'; {}",
                suggestion.unwrap_or_else(|| TYPES.join(", "))
            ));
        }
    })
}

fn text(value: &Value) -> Option<String> {
    value.as_string().map(LuaString::to_string_lossy)
}

fn number(value: &Value) -> Result<Option<f64>, ()> {
    match value {
        Value::Nil => Ok(None),
        Value::Integer(whole) => Ok(Some(*whole as f64)),
        Value::Number(number) => Ok(Some(*number)),
        Value::String(unit) => {
            let unit = unit.to_string_lossy();
            let seconds = crate::lua::units::duration(&unit).map(|d| d.as_secs_f64());
            seconds.or_else(|| crate::lua::units::size(&unit).map(|octets| octets as f64)).map(Some).ok_or(())
        }
        _ => Err(()),
    }
}
