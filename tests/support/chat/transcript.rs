//! What was said so far in a chat, and what it waits for: the report of a failure.

use std::sync::{Arc, Mutex};

/// A chat's transcript; a clone is the same one.
#[derive(Clone, Debug, Default)]
pub struct Transcript(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    lines: Vec<String>,
    waiting: String,
}

impl Transcript {
    /// Notes that `line` has happened.
    pub fn note(&self, line: impl Into<String>) {
        let mut line: String = line.into();
        if line.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
            let cut = line.len() - end;
            line.truncate(end);
            line.push_str(&format!("… and {cut} more"));
        }
        self.0.lock().unwrap().lines.push(line);
    }

    /// Notes that the chat now waits for `step`.
    pub fn wait_for(&self, step: &str) {
        self.0.lock().unwrap().waiting = step.to_owned();
    }

    /// All that was said, then what is waited for.
    pub fn text(&self) -> String {
        let inner = self.0.lock().unwrap();
        let skipped = inner.lines.len().saturating_sub(MOST);
        let mut text = String::new();
        if skipped > 0 {
            text.push_str(&format!("    … {skipped} lines before\n"));
        }
        for line in &inner.lines[skipped..] {
            text.push_str("    ");
            text.push_str(line);
            text.push('\n');
        }
        text.push_str(" -> ");
        text.push_str(&inner.waiting);
        text
    }
}

/// Characters of a line that are shown.
const LONGEST: usize = 300;
/// Lines that are shown.
const MOST: usize = 80;
