//! Names that a policy asks for and that are not there. They are nil, which a policy may reckon with: a warning each.

use crate::lua::globals::Globals;
use crate::lua::later;
use crate::lua::options::schema::OptionSchema;
use crate::lua::problem::{Problem, did_you_mean};
use crate::lua::scan::members::Missing;
use crate::lua::scan::tokens::Token;
use crate::lua::scan::uses::{Level, OPTIONS, Use, walk};
use crate::lua::script::Source;
use crate::lua::types;
use crate::lua::types::class::{self, Class};

/// What plain Lua has and policies don't.
const ABSENT: &[&str] =
    &["_G", "collectgarbage", "debug", "dofile", "io", "load", "loadfile", "package", "warn"];
/// Modules of one policy that are read at most.
const MODULES: usize = 64;
/// Warnings of one file. To find what was meant takes its time, and who reads so many knows enough.
const WARNINGS: usize = 100;

/// The names that there are.
#[derive(Clone, Copy)]
pub(super) struct Known<'k> {
    /// What every policy finds.
    pub(super) globals: &'k Globals,
    /// The policy's own options, if they could be read.
    pub(super) options: Option<&'k [OptionSchema]>,
}

/// Warns of every unknown name in the source of `policy` and in what `module` finds of those that it requires.
pub(super) fn warnings(
    policy: &str,
    source: &Source,
    module: impl Fn(&str) -> Option<Source>,
    known: &Known<'_>,
) -> Vec<Problem> {
    let mut read = Vec::new();
    let mut warnings = read_one(policy, source, known, &mut read);
    // What a module receives as its options is its caller's affair.
    let known = &Known { options: None, ..*known };
    let mut next = 0;
    while let Some(name) = read.get(next).filter(|_| next < MODULES).cloned() {
        next += 1;
        // One that is not there has been an error by now.
        if let Some(module) = module(&name) {
            warnings.extend(read_one(policy, &module, known, &mut read));
        }
    }
    warnings
}

/// The same in one file; what it requires is added to `required`.
fn read_one(policy: &str, source: &Source, known: &Known<'_>, required: &mut Vec<String>) -> Vec<Problem> {
    let mut found: Vec<Problem> = Vec::new();
    let mut options = Options::default();
    walk(&source.text, &mut |used| {
        let name = used.token.text();
        if let Some(module) = used.argument.filter(|_| used.is_global && name == "require") {
            let module = String::from_utf8_lossy(module).into_owned();
            if !required.contains(&module) {
                required.push(module);
            }
        }
        if options.take(used) || found.len() >= WARNINGS {
            return;
        }
        if let Some((token, message, suggestion)) = unknown(name, used, known.globals) {
            let place = (token.line, token.columns(&source.text));
            found.push(Problem::warning(policy, &source.name, place, message).suggest(suggestion));
        }
    });
    for (token, message, suggestion) in
        known.options.map(|schema| options.unknown(schema)).unwrap_or_default()
    {
        let place = (token.line, token.columns(&source.text));
        found.push(Problem::warning(policy, &source.name, place, message).suggest(suggestion));
    }
    found
}

/// The fields of `options` that a script asks for, and those that it puts there itself, in `setup`.
#[derive(Default)]
struct Options<'a> {
    read: Vec<Token<'a>>,
    assigned: Vec<&'a str>,
}

impl<'a> Options<'a> {
    /// Takes note of a field of `options`; whether `used` is one.
    fn take(&mut self, used: &Use<'_, 'a>) -> bool {
        let field = used.missing.filter(|missing| missing.class.name == OPTIONS.name);
        let Some(Missing { token, is_assigned, .. }) = field else { return false };
        match is_assigned {
            true => self.assigned.push(token.text()),
            false => self.read.push(token),
        }
        true
    }

    /// Those that are neither in `schema` nor put there.
    fn unknown(self, schema: &[OptionSchema]) -> Vec<Told<'a>> {
        let names = || schema.iter().map(|option| option.name.as_str()).chain(self.assigned.iter().copied());
        let missing = self.read.iter().filter(|token| !names().any(|name| name == token.text()));
        let told = missing.map(|token| {
            let name = token.text();
            (*token, format!("options has no '{name}'"), did_you_mean(name, names()))
        });
        told.collect()
    }
}

type Told<'a> = (Token<'a>, String, Option<String>);

/// What is unknown in this use of `name`.
fn unknown<'a>(name: &str, used: &Use<'_, 'a>, globals: &Globals) -> Option<Told<'a>> {
    let missing = used.missing.map(|missing| (missing.token, missing_member(&missing), nearest(&missing)));
    // Told as an error; and `_ENV` is Lua's own.
    if !used.is_global || later::is_later(name) || name == "_ENV" {
        return missing;
    }
    match used.assigned {
        // Told as an error.
        Some(Level::Top) => return None,
        Some(Level::Function) => {
            let message =
                format!("global '{name}' can't be assigned: write 'local {name}', or use session.vars");
            return Some((used.token, message, None));
        }
        None => {}
    }
    let Some(members) = globals.members(name) else {
        if ABSENT.contains(&name) {
            return Some((used.token, format!("policies have no '{name}'"), None));
        }
        let locals: Vec<&str> =
            used.scopes.names().filter_map(|name| std::str::from_utf8(name).ok()).collect();
        let suggestion = did_you_mean(name, locals.into_iter().chain(globals.names()));
        return Some((used.token, format!("unknown global '{name}'"), suggestion));
    };
    match used.member {
        // What is in it is known better there than from the types.
        Some(token) if !members.is_empty() => {
            let member = token.text();
            if !members.iter().any(|known| known == member) {
                let suggestion = did_you_mean(member, members.iter().map(String::as_str));
                return Some((token, format!("{name} has no '{member}'"), suggestion));
            }
            missing.filter(|(missing, ..)| missing.at != token.at)
        }
        _ => missing,
    }
}

fn missing_member(missing: &Missing<'_>) -> String {
    let name = missing.token.text();
    let owner = match missing.class.kind {
        class::Kind::Record => format!("a {}", missing.class.name),
        class::Kind::Object | class::Kind::Module => missing.class.shown(),
    };
    let (mark, what) = if missing.is_method { (':', "method") } else { ('.', "field") };
    match missing.is_later {
        true => format!("{owner}{mark}{name} is not in this version"),
        false => format!("{owner} has no {what} '{name}'"),
    }
}

/// What was probably meant: a member, or one of an object that is a member, as `client.ip` for `clientip` or `ip`.
fn nearest(missing: &Missing<'_>) -> Option<String> {
    if missing.is_later {
        return None;
    }
    let members = |class: &Class| {
        let fits =
            class.members.iter().filter(|one| one.is_function() == missing.is_method && !one.is_later());
        fits.map(|one| one.name).collect::<Vec<_>>()
    };
    let own = members(missing.class);
    let mark = if missing.is_method { ':' } else { '.' };
    let mut inner = Vec::new();
    for field in missing.class.members.iter().filter(|one| !one.is_function()) {
        let names = field.class().and_then(types::find).map(members).unwrap_or_default();
        inner.extend(names.into_iter().map(|name| (name, format!("{}{mark}{name}", field.name))));
    }
    let name = missing.token.text();
    match inner.iter().find(|(inner, _)| *inner == name) {
        Some((_, path)) => Some(format!("did you mean '{path}'?")),
        None => did_you_mean(name, own.into_iter().chain(inner.iter().map(|(_, path)| path.as_str()))),
    }
}
