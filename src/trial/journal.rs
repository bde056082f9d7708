//! The log of one test: what policies say, how they fail, and what the proxy warns of.

use std::fmt::{Debug, Write as _};
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Lines of the log. A clone is the same log.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal(Arc<Mutex<Pages>>);

#[derive(Debug, Default)]
struct Pages {
    lines: Vec<String>,
    /// Those that say how a policy failed, until somebody asks.
    errors: Vec<String>,
}

/// Lines of one test that are kept.
const MOST: usize = 10_000;

impl Journal {
    /// All lines.
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().lines.clone()
    }

    /// The first line with `text` in it.
    pub(super) fn find(&self, text: &str) -> Option<String> {
        self.0.lock().lines.iter().find(|line| line.contains(text)).cloned()
    }

    /// How policies have failed since the last time this was asked.
    pub(super) fn take_errors(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().errors)
    }

    /// Begins anew.
    pub(super) fn clear(&self) {
        *self.0.lock() = Pages::default();
    }
}

impl Subscriber for Journal {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The record of each session and message would drown what a policy says.
        let is_scripts = metadata.target().starts_with("gatepost::lua");
        *metadata.level() <= Level::WARN || is_scripts && *metadata.level() <= Level::INFO
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let Line { message, fields, policy, hook, error, source, column } = line;
        let mut pages = self.0.lock();
        if message == "policy failed" {
            let mut told = format!("policy {policy}, hook {hook}: {error}");
            if let Ok(column) = column.parse::<usize>() {
                // A tab has become a space there, so that the caret stands where it should.
                let _ = write!(told, "\n    {source}\n    {:>column$}", "^");
            }
            pages.errors.push(told);
        }
        if pages.lines.len() < MOST {
            let level = event.metadata().level().as_str().to_lowercase();
            pages.lines.push(format!("{level}: {message}{fields}"));
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An event as a line.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
    policy: String,
    hook: String,
    error: String,
    source: String,
    column: String,
}

impl Line {
    fn take(&mut self, name: &str, value: String) {
        match name {
            "message" => self.message = value,
            // Nobody looks for these in a test.
            "session" => {}
            "traceback" if value.is_empty() => {}
            "fields" => {
                let _ = write!(self.fields, " {value}"); // to a String, which never fails
            }
            _ => {
                let value = value.replace('\n', " | ");
                let _ = match value.contains([' ', '"']) {
                    true => write!(self.fields, " {name}={value:?}"),
                    false => write!(self.fields, " {name}={value}"),
                };
                match name {
                    "policy" => self.policy = value,
                    "hook" => self.hook = value,
                    "error" => self.error = value,
                    "source" => self.source = value,
                    "column" => self.column = value,
                    _ => {}
                }
            }
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.take(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field.name(), value.to_owned());
    }
}
