//! The built-in policies as docs/policies.md shows them, from their own words.

use std::fmt::Write;

use crate::lua::builtin::names;
use crate::lua::config::Script;
use crate::lua::library::{Description, OptionDescription, describe};
use crate::lua::problem::Problem;
use crate::policy::event::Stage;

/// One section for each built-in policy.
///
/// *Errors*: what is wrong with one of them.
pub fn markdown() -> Result<String, Vec<Problem>> {
    let mut page = String::new();
    for name in names() {
        section(&mut page, &describe(&Script::Name(name.to_owned()), &[])?);
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    Ok(page)
}

// Writing to a String never fails.
fn section(page: &mut String, policy: &Description) {
    let hooks = Stage::ALL.iter().filter(|stage| policy.stages.contains(**stage));
    let hooks: Vec<String> = hooks.map(|stage| format!("`{}`", stage.as_str())).collect();
    let summary = policy.summary.as_deref().unwrap_or_default();
    let _ = write!(page, "## {}\n\n{summary} Hooks: {}.\n\n", policy.name, hooks.join(", "));
    page.push_str("| option | value | default | what it is |\n| --- | --- | --- | --- |\n");
    let mut options: Vec<&OptionDescription> = policy.options.iter().collect();
    options.sort_by_key(|option| !option.required);
    for option in options {
        let default = match &option.default {
            _ if option.required => "**needed**".to_owned(),
            Some(default) => format!("`{default}`"),
            None => "none".to_owned(),
        };
        let help = option.help.as_deref().unwrap_or_default().replace('|', "\\|");
        let _ = writeln!(page, "| `{}` | {} | {default} | {help} |", option.name, option.kind);
    }
    page.push('\n');
}
