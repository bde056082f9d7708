//! What is wrong, or unwise, in a configuration: one value for each thing, with its place.

use crate::lua::config::Span;

/// One thing that is wrong or unwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the configuration can be used.
    pub severity: Severity,
    /// The key with its tables, `limits.errors`; empty where none is concerned.
    pub key: String,
    /// The whole complaint, in one sentence without a full stop.
    pub message: String,
    /// Where it is; `None` where something is missing altogether.
    pub span: Option<Span>,
    /// What was found there, said at the caret.
    pub found: String,
    /// What is possible instead.
    pub possible: Option<String>,
    /// What to do about it.
    pub help: Vec<String>,
    /// Other places that have to do with it, each with what is there.
    pub also: Vec<(Span, String)>,
}

/// Whether a configuration with such a thing in it can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// No.
    Error,
    /// Yes, but somebody should look.
    Warning,
}

impl Diagnostic {
    /// An error about a key at a place.
    pub fn error(key: impl Into<String>, message: impl Into<String>, span: Option<Span>) -> Self {
        Self {
            severity: Severity::Error,
            key: key.into(),
            message: message.into(),
            span,
            found: String::new(),
            possible: None,
            help: Vec::new(),
            also: Vec::new(),
        }
    }

    /// A warning about a key at a place.
    pub fn warning(key: impl Into<String>, message: impl Into<String>, span: Option<Span>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(key, message, span) }
    }

    /// The same, with what was found at the place.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = found.into();
        self
    }

    /// The same, with what is possible.
    #[must_use]
    pub fn possible(mut self, possible: impl Into<String>) -> Self {
        self.possible = Some(possible.into());
        self
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The same, with the nearest name, if any is near.
    #[must_use]
    pub fn nearest(self, name: Option<&str>) -> Self {
        match name {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    /// The same, with another place that has to do with it.
    #[must_use]
    pub fn also(mut self, span: Span, what: impl Into<String>) -> Self {
        self.also.push((span, what.into()));
        self
    }
}
