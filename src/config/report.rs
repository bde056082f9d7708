//! Errors and warnings as people read them, with line and caret, and as JSON.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use crate::config::error::{Diagnostic, Severity};
use crate::config::sources::Sources;

/// The order in which they are told: by file and place, those without a place first.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|a, b| {
        let place = |d: &Diagnostic| d.span.as_ref().map(|span| (span.file, span.range.start));
        (place(a), a.severity, &a.message).cmp(&(place(b), b.severity, &b.message))
    });
}

/// All of them, one after the other, as text; with colours if `styled`.
pub fn text(diagnostics: &[Diagnostic], sources: &Sources, styled: bool) -> String {
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for diagnostic in diagnostics {
        out.push_str(&renderer.render(&[group(diagnostic, sources)]));
        out.push_str("\n\n");
    }
    out
}

/// All of them as a list of objects: severity, key, message, found, possible, help, file, line, column.
pub fn json(diagnostics: &[Diagnostic], sources: &Sources) -> Value {
    diagnostics.iter().map(|diagnostic| object(diagnostic, sources)).collect()
}

fn object(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let place = diagnostic.span.as_ref();
    let position = place.and_then(|span| sources.line_and_column(span));
    json!({
        "severity": match diagnostic.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "key": diagnostic.key,
        "message": diagnostic.message,
        "found": diagnostic.found,
        "possible": diagnostic.possible,
        "help": diagnostic.help,
        "file": place.and_then(|span| sources.path(span.file)).map(|path| path.display().to_string()),
        "line": position.map(|(line, _)| line),
        "column": position.map(|(_, column)| column),
    })
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(printable(&diagnostic.message)));
    let mut snippets = Vec::new();
    if let Some(span) = &diagnostic.span {
        snippets.push((span, AnnotationKind::Primary, &diagnostic.found));
    }
    for (span, what) in &diagnostic.also {
        snippets.push((span, AnnotationKind::Context, what));
    }
    let mut files: Vec<usize> = snippets.iter().map(|(span, ..)| span.file).collect();
    files.dedup();
    for file in files {
        let (Some(text), Some(path)) = (sources.text(file), sources.path(file)) else { continue };
        let here: Vec<_> = snippets.iter().filter(|(span, ..)| span.file == file).collect();
        let (from, to, line) = lines(text, here.iter().map(|(span, ..)| caret(text, span.range.clone())));
        let annotations = here.iter().map(|(span, kind, label)| {
            let caret = caret(text, span.range.clone());
            kind.span(caret.start - from..caret.end - from).label(printable(label).into_owned())
        });
        let snippet = Snippet::source(text.get(from..to).unwrap_or_default()).line_start(line);
        group = group.element(snippet.path(path.display().to_string()).annotations(annotations));
    }
    if let Some(possible) = &diagnostic.possible {
        group = group.element(Level::NOTE.message(format!("possible: {possible}")));
    }
    group.elements(diagnostic.help.iter().map(|help| Level::HELP.message(printable(help))))
}

/// From where to where the lines go that hold all of `carets`, and the number of the first.
fn lines(text: &str, carets: impl Iterator<Item = Range<usize>>) -> (usize, usize, usize) {
    let all = carets.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0);
    let before = text.get(..all.start).unwrap_or_default();
    let from = before.rfind('\n').map_or(0, |at| at + 1);
    let rest = text.get(all.end..).unwrap_or_default();
    let to = rest.find('\n').map_or(text.len(), |at| all.end + at);
    (from, to, before.matches('\n').count() + 1)
}

/// The part of `range` to underline: its first line, within the text, on whole characters.
fn caret(text: &str, range: Range<usize>) -> Range<usize> {
    let start = (0..=range.start.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let slice = text.get(start..range.end).unwrap_or("");
    start..start + slice.lines().next().unwrap_or("").trim_end().len()
}

/// The text with what could disturb a terminal made visible.
fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        text.chars().map(|c| if c.is_control() { '?' } else { c }).collect::<String>().into()
    } else {
        text.into()
    }
}
