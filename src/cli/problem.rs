//! What is wrong or unwise in a configuration, as the log has it: a line each, with fields.

use crate::config::error::{Diagnostic, Severity};
use crate::config::sources::Sources;

/// Writes `problem` into the log.
pub fn tell(problem: &Diagnostic, sources: &Sources) {
    let Diagnostic { severity, key, message: error, span, possible, .. } = problem;
    let key = Some(key.as_str()).filter(|key| !key.is_empty());
    let file = span.as_ref().map(|span| sources.place(span));
    let column = span.as_ref().and_then(|span| sources.line_and_column(span)).map(|(_, column)| column);
    let possible = possible.iter().map(|possible| format!("possible: {possible}"));
    let help: Vec<String> = possible.chain(problem.help.iter().map(|help| help.trim().to_owned())).collect();
    let help = Some(help.join("; ")).filter(|help| !help.is_empty());
    let (file, help) = (file.as_deref(), help.as_deref());
    match severity {
        Severity::Error => tracing::error!(key, file, column, error, help, "mistake in the configuration"),
        Severity::Warning => {
            tracing::warn!(key, file, column, error, help, "the configuration should be looked at");
        }
    }
}
