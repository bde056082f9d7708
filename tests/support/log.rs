//! What the proxy logs while a test runs on this thread: each event as its fields.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// The lines so far.
pub struct Log {
    lines: Arc<Mutex<Vec<Line>>>,
    _guard: DefaultGuard,
}

/// One event: its fields, and `level`, `target` and `message`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Line(pub BTreeMap<String, String>);

impl Log {
    /// Takes down what this thread logs from now on, until dropped.
    pub fn start() -> Self {
        let lines: Arc<Mutex<Vec<Line>>> = Arc::default();
        let layer = Recorder { lines: Arc::clone(&lines) };
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        Log { lines, _guard: guard }
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<Line> {
        self.lines.lock().unwrap().clone()
    }

    /// Takes away the first line that has all of `fields`, and gives it.
    pub fn take(&self, fields: &[(&str, &str)]) -> Option<Line> {
        let mut lines = self.lines.lock().unwrap();
        let number = lines.iter().position(|line| line.has(fields))?;
        Some(lines.remove(number))
    }
}

impl Line {
    /// Whether it has all of `fields`; `[*]` in a value stands for any octets.
    pub fn has(&self, fields: &[(&str, &str)]) -> bool {
        fields.iter().all(|(key, want)| self.0.get(*key).is_some_and(|value| fits(want, value)))
    }
}

impl Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, value) in &self.0 {
            write!(f, "{key}={value:?} ")?;
        }
        Ok(())
    }
}

/// Whether `text` is as `pattern` says: `[*]` stands for one or more characters, all else for itself.
pub fn fits(pattern: &str, text: &str) -> bool {
    let Some((before, behind)) = pattern.split_once("[*]") else { return pattern == text };
    let Some(rest) = text.strip_prefix(before) else { return false };
    let starts = rest.char_indices().skip(1).map(|(start, _)| start).chain([rest.len()]);
    starts.filter(|start| *start > 0).any(|start| fits(behind, &rest[start..]))
}

struct Recorder {
    lines: Arc<Mutex<Vec<Line>>>,
}

impl<S: Subscriber> Layer<S> for Recorder {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        line.0.insert("level".to_owned(), event.metadata().level().to_string().to_lowercase());
        line.0.insert("target".to_owned(), event.metadata().target().to_owned());
        event.record(&mut line);
        self.lines.lock().unwrap().push(line);
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_at_least_one_character() {
        for (pattern, text, want) in [
            ("250 Ok", "250 Ok", true),
            ("250 Ok", "250 Ok ", false),
            ("550 No [*]", "550 No [00ABC]", true),
            ("550 No [*]", "550 No ", false),
            ("550 No[*]", "550 No", false),
            ("a[*]b[*]c", "a1b1b2c", true),
            ("a[*]b", "ab", false),
            ("[*]", "", false),
        ] {
            assert_eq!(fits(pattern, text), want, "{pattern:?} {text:?}");
        }
    }
}
