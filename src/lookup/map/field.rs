//! Which part of a database's record is meant: `country.iso_code`, `subdivisions.0.iso_code`.

use std::str::FromStr;

/// The way from a record to a value in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Field {
    steps: Vec<Step>,
}

/// A step of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// Into a table, by this key.
    Key(String),
    /// Into a list, from 0.
    Index(usize),
}

/// A text that is no field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no field, as \"country.iso_code\" or \"subdivisions.0.iso_code\"")]
pub struct FieldError;

impl Field {
    /// The steps from the record on.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl FromStr for Field {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let steps: Option<Vec<Step>> = text.split('.').map(step).collect();
        let steps =
            steps.filter(|steps| steps.len() <= DEEPEST && text.len() <= LONGEST).ok_or(FieldError)?;
        Ok(Self { steps })
    }
}

fn step(text: &str) -> Option<Step> {
    if text.is_empty() || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    match text.bytes().all(|octet| octet.is_ascii_digit()) {
        true => text.parse().ok().map(Step::Index),
        false => Some(Step::Key(text.to_owned())),
    }
}

/// Steps, and octets of all of them.
const DEEPEST: usize = 16;
const LONGEST: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_a_way_into_a_record() {
        let key = |text: &str| Step::Key(text.to_owned());
        for (text, want) in [
            ("country", Some(vec![key("country")])),
            ("country.iso_code", Some(vec![key("country"), key("iso_code")])),
            ("subdivisions.0.names.pt-BR", {
                Some(vec![key("subdivisions"), Step::Index(0), key("names"), key("pt-BR")])
            }),
            ("", None),
            (".", None),
            ("country.", None),
            ("country iso", None),
            ("99999999999999999999", None),
            (&"a.".repeat(20), None),
            (&"x".repeat(LONGEST + 1), None),
        ] {
            assert_eq!(text.parse::<Field>().ok().map(|field| field.steps), want, "{text}");
        }
    }
}
