//! `gatepost policy list`, `show NAME` and `new NAME`: the policy library.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::app::policies;
use crate::cli::check::hooks;
use crate::cli::{CONFIGURATION, WRONG, skeleton};
use crate::config;
use crate::lua::config::Script;
use crate::lua::library::{Description, describe};

/// What `policy` is asked.
#[derive(Args, Debug)]
pub struct Policy {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the policies inside the binary and those in `policies.paths`.
    List {
        /// The configuration whose `policies.paths` are looked into as well, if it is there.
        #[arg(short, long, value_name = "FILE", default_value = CONFIGURATION)]
        config: PathBuf,
        /// Print a JSON list.
        #[arg(long)]
        json: bool,
    },
    /// Write a small policy that works, and its test, to begin with.
    New {
        /// Its name; NAME.lua and NAME_test.lua are written.
        name: String,
        /// Where they are written.
        #[arg(short, long, value_name = "DIR", default_value = ".")]
        directory: PathBuf,
    },
    /// Show what a policy does and which options it takes.
    Show {
        /// Its name, or the path of a script.
        name: String,
        /// The configuration whose `policies.paths` are looked into as well, if it is there.
        #[arg(short, long, value_name = "FILE", default_value = CONFIGURATION)]
        config: PathBuf,
        /// Print a JSON object.
        #[arg(long)]
        json: bool,
        /// Print its Lua source.
        #[arg(long, conflicts_with = "json")]
        source: bool,
    },
}

impl Policy {
    /// Lists, shows or writes; the exit code.
    pub fn run(&self) -> ExitCode {
        let done = match &self.command {
            Command::List { config, json } => list(&Library::open(config), *json),
            Command::New { name, directory } => skeleton::write(name, directory),
            Command::Show { name, config, json, source } => {
                show(&Library::open(config), name, *json, *source)
            }
        };
        match done {
            Ok(text) => {
                print!("{text}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("gatepost: {error}");
                ExitCode::from(WRONG)
            }
        }
    }
}

/// Where policies are looked for.
struct Library {
    folders: Vec<PathBuf>,
}

impl Library {
    /// With the folders of the configuration at `path`; without it, the binary alone.
    fn open(path: &Path) -> Library {
        let config = match config::load(path, &policies::built_in()) {
            Ok(loaded) => Some(loaded.config),
            Err(broken) => broken.config.map(|config| *config),
        };
        Library { folders: config.map(|config| config.policies.paths).unwrap_or_default() }
    }

    /// All names: those of the binary, and those of the folders' scripts, sorted.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = policies::built_in().iter().map(|name| (*name).to_owned()).collect();
        let entries =
            self.folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        names.extend(entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_suffix(".lua").filter(|name| !name.ends_with("_test")).map(str::to_owned)
        }));
        names.sort();
        names.dedup();
        names
    }

    fn describe(&self, name: &str) -> Result<Description, String> {
        let script = match name.contains('/') || name.ends_with(".lua") {
            true => Script::File(name.into()),
            false => Script::Name(name.to_owned()),
        };
        describe(&script, &self.folders).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            lines.join("\ngatepost: ")
        })
    }
}

fn list(library: &Library, as_json: bool) -> Result<String, String> {
    let described: Vec<(String, Result<Description, String>)> =
        library.names().into_iter().map(|name| (name.clone(), library.describe(&name))).collect();
    if as_json {
        let all: Vec<Value> =
            described.iter().filter_map(|(_, found)| found.as_ref().ok().map(json_of)).collect();
        return Ok(format!("{:#}\n", Value::from(all)));
    }
    let width = described.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, found): &(String, Result<Description, String>)| {
        let words = match found {
            Ok(found) => found.summary.clone().unwrap_or_default(),
            Err(error) => format!("(no policy: {error})"),
        };
        format!("{name:<width$}  {words}\n")
    };
    Ok(described.iter().map(line).collect())
}

fn show(library: &Library, name: &str, as_json: bool, source: bool) -> Result<String, String> {
    let found = library.describe(name).map_err(|error| {
        let known = library.names();
        format!("{error}\ngatepost: there are: {}", known.join(", "))
    })?;
    if source {
        return policies::text_of(&found.file).map(|text| text.to_string()).ok_or_else(|| found.file.clone());
    }
    if as_json {
        return Ok(format!("{:#}\n", json_of(&found)));
    }
    let mut out = format!("{}: {}\n", found.name, found.summary.as_deref().unwrap_or("(no summary)"));
    out.push_str(&format!("\nscript: {}\nhooks:  {}\n", found.file, hooks(found.stages)));
    if found.options.is_empty() {
        out.push_str("\nIt takes no options.\n");
        return Ok(out);
    }
    out.push_str(&format!("\n[policy.{}]\n", found.name));
    let mut options: Vec<_> = found.options.iter().collect();
    options.sort_by_key(|option| !option.required);
    for option in options {
        let needed = if option.required { "; needed" } else { "" };
        let help = option.help.as_deref().unwrap_or_default();
        out.push_str(&format!("\n# {help} ({}{needed})\n", option.kind));
        match (&option.default, option.required) {
            (Some(default), _) => out.push_str(&format!("{} = {default}\n", option.name)),
            (None, true) => out.push_str(&format!("{} = …\n", option.name)),
            (None, false) => out.push_str(&format!("# {} = …\n", option.name)),
        }
    }
    Ok(out)
}

fn json_of(found: &Description) -> Value {
    let options: Vec<Value> = found
        .options
        .iter()
        .map(|option| {
            json!({
                "name": option.name,
                "type": option.kind,
                "default": option.default,
                "required": option.required,
                "help": option.help,
            })
        })
        .collect();
    json!({
        "name": found.name,
        "script": found.file,
        "summary": found.summary,
        "hooks": hooks(found.stages).split_whitespace().collect::<Vec<_>>(),
        "options": options,
    })
}
