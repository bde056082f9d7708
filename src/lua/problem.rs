//! What is wrong with a policy, said to the person who wrote or configured it: where, what, and what would be right.

use std::fmt;
use std::ops::Range;

use crate::lua::config::Span;
use crate::names::suggest::nearest;

/// One mistake that keeps a policy from being loaded, or what somebody should look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The policy, by its name in the configuration.
    pub policy: Box<str>,
    /// Where the mistake stands.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub suggestion: Option<String>,
    /// In a script, the octets of the line that are meant, where they are known.
    pub columns: Option<Range<u32>>,
    /// Whether the policy can be used all the same.
    pub is_warning: bool,
}

/// Where a mistake stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// In the configuration.
    Configuration(Span),
    /// In a script; the line where it is known, from 1.
    Script {
        /// The file as it was found, or a built-in's name.
        file: String,
        /// The line.
        line: Option<usize>,
    },
}

impl Problem {
    /// A mistake in `file`; the line is taken from the message where Lua put it there ("file:12: …").
    pub(super) fn in_script(policy: &str, file: &str, message: impl Into<String>) -> Self {
        let message: String = message.into();
        let (line, message) = match split_line(file, &message) {
            Some((line, rest)) => (Some(line), rest.to_owned()),
            None => (None, message),
        };
        let place = Place::Script { file: file.to_owned(), line };
        Problem::new(policy, place, message)
    }

    /// A mistake in the configuration at `span`.
    pub(super) fn in_configuration(policy: &str, span: &Span, message: impl Into<String>) -> Self {
        let place = Place::Configuration(span.clone());
        Problem::new(policy, place, message.into())
    }

    fn new(policy: &str, place: Place, message: String) -> Self {
        let policy = policy.into();
        Problem { policy, place, message, suggestion: None, columns: None, is_warning: false }
    }

    /// A mistake in `file`: these octets of this line.
    pub(super) fn at(
        policy: &str,
        file: &str,
        (line, columns): (usize, Range<u32>),
        message: String,
    ) -> Self {
        let place = Place::Script { file: file.to_owned(), line: Some(line) };
        Problem { columns: Some(columns), ..Problem::new(policy, place, message) }
    }

    /// The same of what may be meant as it is.
    pub(super) fn warning(policy: &str, file: &str, place: (usize, Range<u32>), message: String) -> Self {
        Problem { is_warning: true, ..Problem::at(policy, file, place, message) }
    }

    /// The same with what would be right.
    pub(super) fn suggest(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Script { file, line: Some(line) } => write!(f, "{file}:{line}: ")?,
            Place::Script { file, line: None } => write!(f, "{file}: ")?,
            Place::Configuration(_) => write!(f, "policy {}: ", self.policy)?,
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, " ({suggestion})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

/// The line and the rest of a message that begins with "file:line: ".
fn split_line<'a>(file: &str, message: &'a str) -> Option<(usize, &'a str)> {
    let (line, rest) = message.strip_prefix(file)?.strip_prefix(':')?.split_once(':')?;
    Some((line.parse().ok()?, rest.trim_start()))
}

/// Whether an error says that memory was not enough.
pub(super) fn is_hunger(error: &mlua::Error) -> bool {
    match error {
        mlua::Error::MemoryError(_) => true,
        mlua::Error::CallbackError { cause, .. } | mlua::Error::BadArgument { cause, .. } => is_hunger(cause),
        _ => false,
    }
}

/// The words of an error from Lua, without the traceback.
pub(super) fn first_words(error: &mlua::Error) -> String {
    let text = match error {
        mlua::Error::SyntaxError { message, .. } => message.clone(),
        mlua::Error::RuntimeError(message) => message.clone(),
        mlua::Error::CallbackError { cause, .. } => return first_words(cause),
        mlua::Error::BadArgument { cause, .. } => return first_words(cause),
        mlua::Error::MemoryError(_) => "not enough memory within the hook's budget".to_owned(),
        other => other.to_string(),
    };
    text.split("\nstack traceback:").next().unwrap_or_default().trim().to_owned()
}

/// "did you mean …", when one of `known` is close to `name`.
pub(super) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(name, known).map(|candidate| format!("did you mean '{candidate}'?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_taken_from_luas_message() {
        let problem = Problem::in_script("site", "site.lua", "site.lua:12: unexpected symbol near 'x'");
        assert_eq!(problem.place, Place::Script { file: "site.lua".into(), line: Some(12) });
        assert_eq!(problem.to_string(), "site.lua:12: unexpected symbol near 'x'");
    }
}
