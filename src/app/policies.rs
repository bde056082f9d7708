//! The configuration's policies, loaded, and what is wrong with them told as what is wrong with the configuration is.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use crate::auth::config::Place as Verify;
use crate::config::Config;
use crate::config::error::Diagnostic;
use crate::config::places::{KeyAt, Places};
use crate::config::sources::Sources;
use crate::lookup::dns::Resolver;
use crate::lookup::map::error::MapError;
use crate::lookup::map::maps::{Maps, Reach};
use crate::lua::api::Parts;
use crate::lua::builtin;
use crate::lua::clock::Clock;
use crate::lua::config::Span;
use crate::lua::engine::{Engine, Plan};
use crate::lua::problem::{Place, Problem};
use crate::policy::event::Stage;
use crate::threads::helper::HelperHandle;

/// What `config` wants loaded.
pub fn plan(config: &Config) -> Plan {
    Plan {
        general: config.policies.clone(),
        policies: config.policy.clone(),
        backends: config.backends.iter().map(|backend| backend.name.clone()).collect(),
    }
}

/// The names of the policies inside the binary.
pub fn built_in() -> Vec<&'static str> {
    builtin::POLICIES.iter().map(|(name, _)| *name).collect()
}

/// Who is asked for names, for a command that has but one runtime, the caller's.
///
/// *Errors*: no resolver can be made.
pub fn resolver(config: &Config) -> Result<Resolver, String> {
    let helper = HelperHandle::of_caller().ok_or("no runtime")?;
    Resolver::new(&config.dns, helper).map_err(|error| format!("[dns]: {error}"))
}

/// Loads every policy of `config`, once, to see whether that can be done.
///
/// *Errors*: every mistake in every policy, with its place. *Changes*: `sources` gets the scripts with mistakes.
pub fn load(config: &Config, places: &Places, sources: &mut Sources) -> Result<Rc<Engine>, Vec<Diagnostic>> {
    // Nothing waits while policies are loaded. Where a map is wrong they get by without.
    let (parts, mut mistakes) = match read_maps(config, None) {
        Ok(maps) => (Parts::offline().with_maps(maps), Vec::new()),
        Err(wrong) => (Parts::offline(), wrong_maps(config, &wrong, sources)),
    };
    let engine = Engine::load(&plan(config), &parts, Clock::monotonic());
    match engine.map_err(|problems| diagnostics(&problems, sources)) {
        Ok(engine) if mistakes.is_empty() => match no_verify_hook(config, places, &engine) {
            None => Ok(engine),
            Some(mistake) => Err(vec![mistake]),
        },
        Ok(_) => Err(mistakes),
        Err(more) => {
            mistakes.extend(more);
            Err(mistakes)
        }
    }
}

/// What is wrong with a policy that is to check logins and has no `verify` hook.
fn no_verify_hook(config: &Config, places: &Places, engine: &Engine) -> Option<Diagnostic> {
    let own = config.listeners.iter().enumerate().map(|(number, listener)| (number, &listener.auth));
    // Of `[auth]` alone, where each listener has its own: any number past theirs means it.
    let all = own.chain([(usize::MAX, &config.auth)]);
    let mut named = all.filter_map(|(number, auth)| match &auth.verify {
        Some(Verify::Policy(name)) => Some((number, name)),
        _ => None,
    });
    let has_hook =
        |name: &str| engine.policy(name).is_some_and(|policy| policy.stages().contains(Stage::Verify));
    let (number, name) = named.find(|(_, name)| !has_hook(name))?;
    let KeyAt { key, span } = places.login(number, "verify");
    let problem = Diagnostic::error(key, format!("policy \"{name}\" has no verify hook"), span);
    Some(problem.found("nobody could log in").help(
        "a verify hook is given session, credentials and options, and returns true, a name, false, or nil and why",
    ))
}

/// The maps of `config`, read now; those on servers are asked as `reach` says.
///
/// *Errors*: of each map that can't be used, its name and why.
pub fn read_maps(config: &Config, reach: Option<&Reach>) -> Result<Maps, Vec<(String, MapError)>> {
    let maps: Vec<_> = config.maps.iter().map(|named| named.map.clone()).collect();
    Maps::read(&maps, reach)
}

/// Maps that can't be used, with the line of the file where that is known. *Changes*: `sources` gets those files.
fn wrong_maps(config: &Config, wrong: &[(String, MapError)], sources: &mut Sources) -> Vec<Diagnostic> {
    let mut known = HashMap::new();
    let mut told = |(name, error): &(String, MapError)| {
        let file = error.file.display().to_string();
        let span = error.line.and_then(|line| script_line(&file, line, sources, &mut known));
        let key = format!("map.{name}.source");
        match span {
            Some(span) => Diagnostic::error(key, format!("map \"{name}\": {}", error.message), Some(span)),
            None => {
                let named = config.maps.iter().find(|named| named.map.name == *name);
                Diagnostic::error(
                    key,
                    format!("map \"{name}\": {error}"),
                    named.and_then(|named| named.span.clone()),
                )
            }
        }
    };
    wrong.iter().map(&mut told).collect()
}

/// `problems` with line and caret. *Changes*: `sources` gets the scripts that they are in.
pub fn diagnostics(problems: &[Problem], sources: &mut Sources) -> Vec<Diagnostic> {
    let mut known = HashMap::new();
    problems.iter().map(|problem| diagnostic(problem, sources, &mut known)).collect()
}

fn diagnostic(problem: &Problem, sources: &mut Sources, known: &mut HashMap<String, usize>) -> Diagnostic {
    let key = format!("policy.{}", problem.policy);
    let of_policy = |what: &str| format!("policy \"{}\": {what}", problem.policy);
    let diagnosed = if problem.is_warning { Diagnostic::warning } else { Diagnostic::error };
    let diagnostic = match &problem.place {
        Place::Configuration(span) => {
            let span = Some(span.clone()).filter(|span| *span != Span::default());
            diagnosed(key, of_policy(&problem.message), span)
        }
        Place::Script { file, line } => {
            let row = line.and_then(|line| script_line(file, line, sources, known));
            let span = row.map(|row| meant(row, problem, sources));
            let message = match (&span, line) {
                (Some(_), _) => of_policy(&problem.message),
                (None, Some(line)) => of_policy(&format!("{file}:{line}: {}", problem.message)),
                (None, None) => of_policy(&format!("{file}: {}", problem.message)),
            };
            diagnosed(key, message, span)
        }
    };
    match &problem.suggestion {
        Some(suggestion) => diagnostic.help(suggestion.clone()),
        None => diagnostic,
    }
}

/// The part of the line `row` that `problem` is about, else all of it without the blanks around it.
fn meant(row: Span, problem: &Problem, sources: &Sources) -> Span {
    let text = sources.slice(&row).unwrap_or_default();
    let blanks = text.len() - text.trim_start().len();
    let all = blanks..text.trim_end().len().max(blanks);
    let columns = problem.columns.as_ref().map(|columns| columns.start as usize..columns.end as usize);
    let part = columns.filter(|columns| text.get(columns.clone()).is_some());
    let part = part.or_else(|| quoted(&problem.message, text)).unwrap_or(all);
    Span { file: row.file, range: row.range.start + part.start..row.range.start + part.end }
}

/// Where `row` has a word that stands in single quotes in `message`.
fn quoted(message: &str, row: &str) -> Option<Range<usize>> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let words = message.split('\'').skip(1).step_by(2).filter(|word| !word.is_empty());
    let mut places = words.flat_map(|word| row.match_indices(word));
    places.find_map(|(at, word)| {
        let (before, behind) = (row.get(..at)?, row.get(at + word.len()..)?);
        let is_joined = before.ends_with(is_part) && word.starts_with(is_part)
            || behind.starts_with(is_part) && word.ends_with(is_part);
        (!is_joined).then_some(at..at + word.len())
    })
}

/// The place of a script's line.
fn script_line(
    file: &str,
    line: usize,
    sources: &mut Sources,
    known: &mut HashMap<String, usize>,
) -> Option<Span> {
    let number = match known.get(file) {
        Some(number) => *number,
        None => {
            let number = sources.add(Path::new(file), text_of(file)?);
            known.insert(file.to_owned(), number);
            number
        }
    };
    let text = sources.text(number)?;
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let row = text.get(start..)?.lines().next().unwrap_or_default();
    Some(Span { file: number, range: start..start + row.len() })
}

/// The text of a script by its file, or by a built-in one's "NAME.lua".
pub fn text_of(file: &str) -> Option<Arc<str>> {
    match std::fs::read(file) {
        Ok(octets) => Some(String::from_utf8_lossy(&octets).into()),
        Err(_) => builtin::find(file.strip_suffix(".lua")?).map(Arc::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_in_quotes_is_where_the_caret_stands() {
        for (message, row, want) in [
            ("'conect' is no hook", "  conect = function() end,", Some("conect")),
            ("attempt to call a nil value (global 'x')", "  return xx + x()", Some("x")),
            ("unexpected symbol near '}'", "  return }", Some("}")),
            ("unexpected symbol near '<eof>'", "  return", None),
            ("option 'zone': this is no type", "zones = 1", None), // another word
            ("nothing in quotes", "quotes", None),
        ] {
            assert_eq!(quoted(message, row).and_then(|place| row.get(place)), want, "{message}");
        }
    }
}
