//! What is wrong with the users file that `auth.verify` names: each line that is, shown without what is secret in it.

use std::io::ErrorKind;
use std::path::Path;

use crate::auth::file::users::{LineError, Why, wrong_lines};
use crate::auth::file::{self, FileError};
use crate::config::error::Diagnostic;
use crate::config::places::KeyAt;
use crate::config::sources::Sources;
use crate::lua::config::Span;

/// Everything that is wrong with the users file at `path`, which is named at `at`.
///
/// *Changes*: `sources` gets it if lines are wrong, with `…` for the hashes.
pub(super) fn mistakes(path: &Path, at: &KeyAt, sources: &mut Sources) -> Vec<Diagnostic> {
    let text = match file::text(path) {
        Ok(text) => text,
        Err(error) => return vec![unused(path, at, &error)],
    };
    let wrong = wrong_lines(&text);
    if wrong.is_empty() {
        return Vec::new();
    }
    let shown = Shown::of(&text);
    let file = sources.add(path, shown.text.as_str().into());
    let mut found: Vec<Diagnostic> =
        wrong.iter().take(MOST).map(|error| told(path, at, *error, &shown, file)).collect();
    if wrong.len() > MOST {
        let message = format!("{}: {} more lines are wrong", path.display(), wrong.len() - MOST);
        found.push(Diagnostic::error(&*at.key, message, at.span.clone()).found("this file"));
    }
    found
}

fn unused(path: &Path, at: &KeyAt, error: &FileError) -> Diagnostic {
    let told = Diagnostic::error(&*at.key, format!("`{}`: {error}", at.key), at.span.clone());
    unreadable(told, path, "a line for each user, as `gatepost passwd USER` makes it")
}

fn told(path: &Path, at: &KeyAt, error: LineError, shown: &Shown, file: usize) -> Diagnostic {
    let row = shown.rows.get(error.line.saturating_sub(1)).cloned().unwrap_or_default();
    let (range, found) = match error.why {
        Why::NoUser => (row.start..row.end, "not USER:HASH"),
        Why::Twice(_) => (row.start..row.colon, "the same user"),
        Why::Hash(_) => (row.colon + 1..row.end, "this can't be used as a hash"),
    };
    let message = format!("users file {}, {error}", path.display());
    let told = Diagnostic::error(&*at.key, message, Some(Span { file, range })).found(found);
    let told = match error.why {
        Why::Twice(first) => match shown.rows.get(first.saturating_sub(1)) {
            Some(first) => told.also(Span { file, range: first.start..first.colon }, "stands here already"),
            None => told,
        },
        Why::NoUser | Why::Hash(_) => told
            .possible("USER:HASH, the hash argon2id, bcrypt, SHA-512-crypt or {SCRAM-SHA-256}")
            .help("`gatepost passwd USER` makes a line"),
    };
    match &at.span {
        Some(span) => told.also(span.clone(), "the file is named here"),
        None => told,
    }
}

/// The same with what helps: where the file at `path` can be read, `help` says what must be in it.
pub(super) fn unreadable(told: Diagnostic, path: &Path, help: &str) -> Diagnostic {
    match std::fs::File::open(path).map_err(|error| error.kind()) {
        Err(ErrorKind::NotFound) => told
            .found("there is no such file")
            .help("a path is looked for from the folder of the file that it stands in, unless it begins with /"),
        Err(ErrorKind::PermissionDenied) => {
            told.found("it may not be read").help(format!(
                "let gatepost's user read it, and those folders be passed that it is in: `namei -l {}` shows them",
                path.display()
            ))
        }
        _ => told.found("this file can't be used").help(help),
    }
}

/// Lines that are told of.
const MOST: usize = 20;

/// A users file as it may be shown.
struct Shown {
    text: String,
    rows: Vec<Row>,
}

/// Where a line stands in it.
#[derive(Clone, Debug, Default)]
struct Row {
    start: usize,
    /// Where its first colon is; its start if it has none.
    colon: usize,
    end: usize,
}

impl Shown {
    /// Users and no hashes. What has no colon may be a password, and is hidden as a whole; so is what isn't a name.
    fn of(text: &str) -> Shown {
        let mut shown = Shown { text: String::new(), rows: Vec::new() };
        for line in text.lines() {
            let start = shown.text.len();
            let is_plain =
                |user: &&str| !user.contains(['$', '{', '}']) && !user.chars().any(char::is_control);
            let user = line.split_once(':').map(|(user, _)| user.trim()).filter(is_plain);
            let (before, hidden) = match (line.trim(), user) {
                ("", _) => (String::new(), ""),
                (line, _) if line.starts_with('#') => (String::new(), ""),
                (_, Some(user)) => (format!("{user}:"), "…"),
                (_, None) => (String::new(), "…"),
            };
            shown.text.push_str(&before);
            let colon = shown.text.len().saturating_sub(1).max(start);
            shown.text.push_str(hidden);
            shown.rows.push(Row { start, colon, end: shown.text.len() });
            shown.text.push('\n');
        }
        shown
    }
}
