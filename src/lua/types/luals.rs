//! Annotations for the Lua language server: what policies find, with types and a word about each.

use std::fmt::{Result, Write};

use crate::lua::options::schema;
use crate::lua::types::class::{Class, Kind};
use crate::lua::types::hooks::hook;
use crate::lua::types::member::{Member, Signature};
use crate::lua::types::{self, GLOBALS};
use crate::policy::event::Stage;

/// The kinds of "not", which come behind a nil. Source: docs/lua.md.
const KINDS: &[&str] =
    &["none", "timeout", "servfail", "refused", "unreachable", "invalid", "too_large", "unavailable"];

/// The whole file.
pub fn annotations() -> String {
    let mut out = String::new();
    // Writing to a string can't fail.
    let _ = write(&mut out);
    out
}

fn write(out: &mut String) -> Result {
    writeln!(
        out,
        "---@meta\n-- What policies find in gatepost {}; written by `gatepost types`.\n",
        env!("CARGO_PKG_VERSION")
    )?;
    writeln!(out, "---Why there is no value.\n---@alias gatepost.Kind {}\n", choice(KINDS))?;
    writeln!(out, "---Seconds, or a text such as \"5m\".\n---@alias gatepost.Duration number|string\n")?;
    writeln!(out, "---Octets, or a text such as \"25 MB\".\n---@alias gatepost.Size integer|string\n")?;
    writeln!(out, "---What a hook answers.\n---@class gatepost.Verdict\n")?;
    policy(out)?;
    for class in types::all() {
        write_class(out, class)?;
    }
    GLOBALS.iter().try_for_each(|member| function(out, "", member))
}

/// The table that a policy is, and the schema of an option.
fn policy(out: &mut String) -> Result {
    writeln!(out, "---What is known of one option.\n---@class gatepost.Option")?;
    for key in schema::KEYS {
        let form = match *key {
            "type" | "of" => choice(schema::TYPES),
            "required" => "boolean".to_owned(),
            "min" | "max" => "number|string".to_owned(),
            "values" => "string[]".to_owned(),
            "help" => "string".to_owned(),
            _ => "any".to_owned(),
        };
        let mark = if *key == "type" { "" } else { "?" };
        writeln!(out, "---@field {key}{mark} {form}")?;
    }
    writeln!(out, "\n---A policy: what it is for, its options, its hooks.\n---@class gatepost.Policy")?;
    writeln!(out, "---@field summary? string A sentence for `gatepost policy list`.")?;
    writeln!(out, "---@field options? table<string, gatepost.Option> What may stand in `[policy.NAME]`.")?;
    writeln!(
        out,
        "---@field setup? fun(options: table) Runs once on each worker when the policy is loaded."
    )?;
    for stage in Stage::ALL {
        let hook = hook(stage);
        let answer = match (stage, hook.decides) {
            (Stage::Verify, _) => ": boolean|string|nil, gatepost.Kind?",
            (_, true) => ": gatepost.Verdict?",
            (_, false) => "",
        };
        writeln!(
            out,
            "---@field {}? fun(session: gatepost.Session, {}: gatepost.{}, options: table){answer}",
            stage.as_str(),
            hook.subject,
            hook.class
        )?;
    }
    writeln!(out)
}

fn write_class(out: &mut String, class: &Class) -> Result {
    writeln!(out, "---{}\n---@class gatepost.{}", class.help, class.name)?;
    for field in class.members.iter().filter(|member| !member.is_function()) {
        writeln!(out, "---@field {} {} {}", field.name, ours(field.form), field.help)?;
    }
    let owner = match class.kind {
        Kind::Module => {
            writeln!(out, "{} = {{}}\n", class.name)?;
            format!("{}.", class.name)
        }
        Kind::Object | Kind::Record if class.functions().next().is_none() => return writeln!(out),
        Kind::Object | Kind::Record => {
            writeln!(out, "local {} = {{}}\n", class.name)?;
            format!("{}:", class.name)
        }
    };
    class.functions().try_for_each(|member| function(out, &owner, member))
}

/// A function with all of its forms; `owner` is what stands before its name.
fn function(out: &mut String, owner: &str, member: &Member) -> Result {
    writeln!(out, "---{}", member.help)?;
    if member.is_later() {
        writeln!(out, "---@deprecated")?;
    }
    let signatures = member.signatures();
    let Some((usual, others)) = signatures.split_first() else { return Ok(()) };
    for (name, form) in &usual.parameters {
        writeln!(out, "---@param {name} {}", ours(form))?;
    }
    for result in &usual.results {
        writeln!(out, "---@return {}", ours(result))?;
    }
    others.iter().try_for_each(|other| writeln!(out, "---@overload {}", overload(other)))?;
    let names: Vec<&str> = usual.parameters.iter().map(|(name, _)| name.trim_end_matches('?')).collect();
    writeln!(out, "function {owner}{}({}) end\n", member.name, names.join(", "))
}

fn overload(signature: &Signature<'_>) -> String {
    let parameters = signature.parameters.iter().map(|(name, form)| format!("{name}: {}", ours(form)));
    let results: Vec<String> = signature.results.iter().map(|form| ours(form)).collect();
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    format!("fun({parameters}): {}", results.join(", "))
}

fn choice(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join("|")
}

/// `form` with "gatepost." before the names of our own classes.
fn ours(form: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    for letter in form.chars() {
        if letter.is_ascii_uppercase() && !before.is_ascii_alphanumeric() {
            out.push_str("gatepost.");
        }
        out.push(letter);
        before = letter;
    }
    out
}
