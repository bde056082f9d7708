//! A policy's own option as it stands in the file; the policy's script says later what it must be.

use toml::de::DeValue;

use crate::config::reader::{Given, Reader};
use crate::config::scalar;
use crate::lua::config::{OptionData, OptionValue};

impl Reader<'_> {
    /// The value with its place, or `None` if it is none that a script can be given.
    ///
    /// *Changes*: the problems.
    pub(super) fn option_value(&mut self, given: &Given) -> Option<OptionValue> {
        let each = |toml| Given { path: given.path, toml };
        let data = match given.toml.get_ref() {
            DeValue::String(text) => OptionData::String(text.to_string()),
            DeValue::Boolean(boolean) => OptionData::Boolean(*boolean),
            DeValue::Integer(_) => match scalar::integer(given.toml.get_ref()) {
                Some(integer) => OptionData::Integer(integer),
                None => return self.no_value(given),
            },
            DeValue::Float(float) => match float.as_str().parse::<f64>() {
                Ok(float) if float.is_finite() => OptionData::Float(float),
                _ => return self.no_value(given),
            },
            DeValue::Datetime(_) => return self.no_value(given),
            DeValue::Array(items) => {
                OptionData::List(items.iter().filter_map(|item| self.option_value(&each(item))).collect())
            }
            DeValue::Table(table) => {
                let mut pairs: Vec<_> = table.iter().collect();
                pairs.sort_by_key(|(name, _)| name.span().start);
                let values = pairs.into_iter().filter_map(|(name, value)| {
                    Some((name.get_ref().to_string(), self.option_value(&each(value))?))
                });
                OptionData::Table(values.collect())
            }
        };
        Some(OptionValue { data, span: self.span(given.toml.span()) })
    }

    fn no_value(&mut self, given: &Given) -> Option<OptionValue> {
        let possible = "text, a number of at most 63 bits, true or false, a list, a table";
        self.wrong(given, "can't be given to a script", possible);
        None
    }
}
