//! The value of an option before it is checked: from the configuration with its place, or a script's default.

use std::path::Path;

use mlua::Value;

use crate::lua::config::{OptionData, OptionEntry, OptionValue, Span};

/// A value to be checked, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Given {
    pub(super) data: Data,
    /// None for a default, which stands in the script.
    pub(super) span: Option<Span>,
}

/// What was given.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Data {
    Text(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
    List(Vec<Given>),
    Table(Vec<(String, Given)>),
}

impl Data {
    /// What an error says it found.
    pub(super) fn found(&self) -> &'static str {
        match self {
            Data::Text(_) => "a string",
            Data::Integer(_) => "an integer",
            Data::Number(_) => "a number",
            Data::Boolean(_) => "a boolean",
            Data::List(_) => "a list",
            Data::Table(_) => "a table",
        }
    }
}

impl Given {
    /// The value of `entry` and what its paths are relative to.
    pub(super) fn from_configuration(entry: &OptionEntry) -> (Given, &Path) {
        (Given::from_value(&entry.value), &entry.directory)
    }

    fn from_value(value: &OptionValue) -> Given {
        let data = match &value.data {
            OptionData::String(text) => Data::Text(text.clone()),
            OptionData::Integer(whole) => Data::Integer(*whole),
            OptionData::Float(number) => Data::Number(*number),
            OptionData::Boolean(truth) => Data::Boolean(*truth),
            OptionData::List(items) => Data::List(items.iter().map(Given::from_value).collect()),
            OptionData::Table(entries) => Data::Table(
                entries.iter().map(|(key, value)| (key.clone(), Given::from_value(value))).collect(),
            ),
        };
        Given { data, span: Some(value.span.clone()) }
    }

    /// The default that a script gives; nothing if it is no value that a configuration could hold.
    pub(super) fn from_default(value: &Value) -> Option<Given> {
        let data = match value {
            Value::String(text) => Data::Text(text.to_string_lossy()),
            Value::Integer(whole) => Data::Integer(*whole),
            Value::Number(number) => Data::Number(*number),
            Value::Boolean(truth) => Data::Boolean(*truth),
            Value::Table(items) => {
                let items: Option<Vec<Given>> = items
                    .sequence_values::<Value>()
                    .map(|item| item.ok().as_ref().and_then(Given::from_default))
                    .collect();
                Data::List(items?)
            }
            _ => return None,
        };
        Some(Given { data, span: None })
    }
}
