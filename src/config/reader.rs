//! The reader of one TOML text: which file it reads, and what it has found wrong so far.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_spanned::Spanned;
use toml::de::DeValue;

use crate::config::error::Diagnostic;
use crate::config::sources::Sources;
use crate::lua::config::Span;

/// Reads one file; what is wrong gathers in `problems`.
pub(super) struct Reader<'s> {
    /// Every text so far; lists in files of their own are added.
    pub(super) sources: &'s mut Sources,
    /// What was wrong so far.
    pub(super) problems: Vec<Diagnostic>,
    /// The number of the file that is read.
    pub(super) file: usize,
    /// What its paths are relative to.
    pub(super) directory: Arc<Path>,
}

/// A value of the file, with the full name of its key.
pub(super) struct Given<'a, 'i> {
    /// The key's full name, as `limits.errors`.
    pub(super) path: &'a str,
    /// The value.
    pub(super) toml: &'a Spanned<DeValue<'i>>,
}

impl Reader<'_> {
    /// A place in this file.
    pub(super) fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span { file: self.file, range }
    }

    /// Tells what is wrong with a value: what it must be, what it is.
    ///
    /// *Changes*: `problems`.
    pub(super) fn wrong(&mut self, given: &Given, must_be: &str, possible: impl Into<String>) {
        let message = format!("`{}` {must_be}", given.path);
        let problem = Diagnostic::error(given.path, message, Some(self.span(given.toml.span())));
        self.problems.push(problem.found(found(given.toml.get_ref())).possible(possible));
    }

    /// Tells that something is there only in a later version.
    ///
    /// *Changes*: `problems`.
    pub(super) fn later(&mut self, path: &str, what: &str, span: Span) {
        let problem = Diagnostic::error(path, format!("{what} is not in this version"), Some(span));
        self.problems.push(problem.found("planned for a later version"));
    }

    /// Adds to what was told last.
    pub(super) fn amend(&mut self, more: impl FnOnce(Diagnostic) -> Diagnostic) {
        if let Some(last) = self.problems.pop() {
            self.problems.push(more(last));
        }
    }

    /// A path of this file: relative to the folder that the file is in.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        self.directory.join(text)
    }
}

/// What a value is, in words.
fn found(toml: &DeValue) -> String {
    match toml {
        DeValue::String(text) if text.chars().count() > 40 => "found this text".into(),
        DeValue::String(text) => format!("found \"{text}\""),
        DeValue::Integer(number) => format!("found the number {number}"),
        DeValue::Float(number) => format!("found the number {number}"),
        DeValue::Boolean(boolean) => format!("found {boolean}"),
        DeValue::Datetime(_) => "found a date".into(),
        DeValue::Array(_) => "found a list".into(),
        DeValue::Table(_) => "found a table".into(),
    }
}
