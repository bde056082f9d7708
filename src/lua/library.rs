//! What a policy says of itself: its summary, its options, its hooks; for `gatepost policy list` and `show`, and the docs.

use std::collections::HashMap;
use std::path::PathBuf;

use mlua::Value;

use crate::lua::api::Parts;
use crate::lua::clock::Clock;
use crate::lua::config::{Budget, OnError, Policy as Configured, Script, Span};
use crate::lua::engine;
use crate::lua::options::schema::{Kind, OptionSchema};
use crate::lua::policy::Loading;
use crate::lua::problem::Problem;
use crate::lua::script;
use crate::policy::event::Stages;
use crate::policy::mode::Mode;

/// A policy's words about itself.
#[derive(Clone, Debug)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Where its script was found; "NAME.lua" for a built-in one.
    pub file: String,
    /// What it does.
    pub summary: Option<String>,
    /// Its options, by name.
    pub options: Vec<OptionDescription>,
    /// The stages at which it has hooks.
    pub stages: Stages,
}

/// An option's words about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionDescription {
    /// Its name.
    pub name: String,
    /// Its type in words: "duration", "list of string", "choice: reject, defer".
    pub kind: String,
    /// The default as one writes it; none if there is none.
    pub default: Option<String>,
    /// Whether the configuration must say it.
    pub required: bool,
    /// What it is for.
    pub help: Option<String>,
}

/// What the policy in `script` says of itself; no option needs to be set for that.
///
/// `folders` are `policies.paths`. *Errors*: as when it is loaded, but for options.
pub fn describe(script: &Script, folders: &[PathBuf]) -> Result<Description, Vec<Problem>> {
    let name = match script {
        Script::Name(name) => name.clone(),
        Script::File(path) => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
    };
    let wrong = |message: String| vec![Problem::in_configuration(&name, &Span::default(), message)];
    let source = script::find(script, folders).map_err(wrong)?;
    let modules = HashMap::from([(name.clone(), engine::folders(&source, folders))]);
    let opened = engine::open(modules, &Parts::offline(), Clock::monotonic());
    let (sandbox, _) = opened.map_err(|error| wrong(error.to_string()))?;
    let configured = Configured {
        name: name.clone(),
        span: Span::default(),
        script: script.clone(),
        mode: Mode::Enforce,
        on_error: OnError::Defer,
        required: false,
        budget: Budget::default(),
        allow: None,
        options: Vec::new(),
    };
    let loading = Loading { sandbox: &sandbox, configured: &configured, source: &source };
    let declared = loading.declare()?;
    let options = declared.schema.iter().map(OptionDescription::new).collect();
    let stages = declared.stages();
    Ok(Description { name, file: source.name.clone(), summary: declared.summary, options, stages })
}

impl OptionDescription {
    /// The description of the option with this schema.
    pub fn new(schema: &OptionSchema) -> Self {
        OptionDescription {
            name: schema.name.clone(),
            kind: kind(&schema.kind),
            default: written(&schema.default),
            required: schema.required,
            help: schema.help.clone(),
        }
    }
}

fn kind(of: &Kind) -> String {
    match of {
        Kind::Choice(words) => format!("choice: {}", words.join(", ")),
        Kind::List(item) => format!("list of {}", kind(item)),
        other => other.as_str().to_owned(),
    }
}

/// A default as TOML writes it.
fn written(value: &Value) -> Option<String> {
    Some(match value {
        Value::Nil => return None,
        Value::String(text) => format!("{:?}", text.to_string_lossy()),
        Value::Table(items) => {
            let items = items.sequence_values::<Value>().flatten().filter_map(|item| written(&item));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Value::Integer(whole) => whole.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        other => format!("({})", other.type_name()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lua::builtin;
    use crate::policy::event::Stage;

    #[test]
    fn a_policy_describes_itself_without_its_options() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"return { summary = "Does it.", options = {
            zones = { type = "list", required = true, help = "Where to ask." },
            wait = { type = "duration", default = "5m" },
            action = { type = "choice", values = { "reject", "defer" }, default = "reject" },
            nets = { type = "networks", default = { "192.0.2.0/24", "::1" } },
        }, setup = function() error("not called") end, mail = function() end }"#;
        std::fs::write(folder.path().join("p.lua"), text).unwrap();
        let found = describe(&Script::Name("p".into()), &[folder.path().to_owned()]).unwrap();
        assert_eq!((found.name.as_str(), found.summary.as_deref()), ("p", Some("Does it.")));
        assert!(found.stages.contains(Stage::Mail) && !found.stages.contains(Stage::Rcpt));
        let told: Vec<_> = found
            .options
            .iter()
            .map(|option| {
                (option.name.as_str(), option.kind.as_str(), option.default.as_deref(), option.required)
            })
            .collect();
        let want = [
            ("action", "choice: reject, defer", Some("\"reject\""), false),
            ("nets", "networks", Some("[\"192.0.2.0/24\", \"::1\"]"), false),
            ("wait", "duration", Some("\"5m\""), false),
            ("zones", "list of string", None, true),
        ];
        assert_eq!(told, want);
    }

    #[test]
    fn every_built_in_policy_describes_itself() {
        for (name, _) in builtin::POLICIES {
            let found =
                describe(&Script::Name((*name).into()), &[]).unwrap_or_else(|e| panic!("{name}: {e:?}"));
            assert!(found.summary.is_some(), "{name} has no summary");
            assert!(
                found.options.iter().all(|option| option.help.is_some()),
                "{name}: an option without help"
            );
        }
    }
}
