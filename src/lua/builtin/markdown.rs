//! The built-in policies as the page docs/policies.md shows them.

use std::fmt::Write;

use mlua::Value;

use crate::lua::api::Parts;
use crate::lua::builtin::{Description, describe, names};
use crate::lua::options::schema::{Kind, OptionSchema};
use crate::lua::problem::Problem;
use crate::policy::event::Stage;

/// One section for each built-in policy.
///
/// *Errors*: what is wrong with one of them.
pub fn markdown(parts: &Parts) -> Result<String, Vec<Problem>> {
    let mut page = String::new();
    for name in names() {
        section(&mut page, &describe(name, &[], parts)?);
    }
    Ok(page.trim_end().to_owned() + "\n")
}

// Writing to a String never fails.
fn section(page: &mut String, policy: &Description) {
    let hooks: Vec<String> = Stage::ALL
        .iter()
        .filter(|stage| policy.stages.contains(**stage))
        .map(|stage| format!("`{}`", stage.as_str()))
        .collect();
    let _ = write!(page, "## {}\n\n{} Hooks: {}.\n\n", policy.name, policy.summary, hooks.join(", "));
    page.push_str("| option | value | default | what it is |\n| --- | --- | --- | --- |\n");
    for option in &policy.options {
        let help = option.help.as_deref().unwrap_or_default().replace('|', "\\|");
        let (value, default) = (value_of(option), default_of(option));
        let _ = writeln!(page, "| `{}` | {value} | {default} | {help} |", option.name);
    }
    page.push('\n');
}

/// What an option's value may be, in words.
pub fn value_of(option: &OptionSchema) -> String {
    let kind = match &option.kind {
        Kind::Choice(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
            return words.join(", ");
        }
        Kind::List(of) => format!("list of {}", plural(of)),
        Kind::Boolean => "`true` or `false`".to_owned(),
        kind => kind.as_str().to_owned(),
    };
    let bounds = match (option.min, option.max) {
        (Some(min), Some(max)) => format!(", {min} to {max}"),
        (Some(min), None) => format!(", at least {min}"),
        (None, Some(max)) => format!(", at most {max}"),
        (None, None) => String::new(),
    };
    let unit = match (&option.kind, bounds.is_empty()) {
        (Kind::Duration, false) => " seconds",
        (Kind::Size, false) => " octets",
        (Kind::List(_), false) => " of them",
        _ => "",
    };
    kind + &bounds + unit
}

/// What an option is when nothing is said, in words.
pub fn default_of(option: &OptionSchema) -> String {
    match &option.default {
        _ if option.required => "**needed**".to_owned(),
        Value::String(text) => format!("`\"{}\"`", text.to_string_lossy()),
        Value::Integer(whole) => format!("`{whole}`"),
        Value::Number(number) => format!("`{number}`"),
        Value::Boolean(truth) => format!("`{truth}`"),
        Value::Table(items) => {
            let items = items.sequence_values::<String>().flatten().map(|item| format!("\"{item}\""));
            format!("`[{}]`", items.collect::<Vec<_>>().join(", "))
        }
        _ => "none".to_owned(),
    }
}

fn plural(kind: &Kind) -> String {
    match kind {
        Kind::String => "texts".to_owned(),
        kind => format!("{}s", kind.as_str()),
    }
}
