//! One line of the log being put together, in the form that the configuration asks for; bounded in every part.

use std::fmt;
use std::io::Write;
use std::time::SystemTime;

use tracing::Level;
use tracing::field::{Field, Visit};

use crate::observe::config::Format;
use crate::observe::fields::{CUT, LEVEL, MESSAGE, NOTES_FIELD, TIME};
use crate::observe::{fields, instant, journal, json, text};

/// A line: its message and its fields, in one form.
#[derive(Debug)]
pub(super) struct Line {
    form: Format,
    message: String,
    /// The fields in text or JSON; for the journal in text, as they follow its MESSAGE.
    fields: Vec<u8>,
    /// The fields as the journal has them.
    journal: Vec<u8>,
    /// The names so far, where a span's field could come twice.
    names: Option<Vec<&'static str>>,
    is_cut: bool,
    /// Where a value is formatted; kept for the next.
    scratch: String,
}

impl Line {
    /// An empty line. `keeps_names` where [`Line::has`] will be asked.
    pub(super) fn new(form: Format, keeps_names: bool) -> Self {
        Self {
            form,
            message: String::new(),
            fields: Vec::with_capacity(USUAL_LENGTH),
            journal: Vec::new(),
            names: keeps_names.then(Vec::new),
            is_cut: false,
            scratch: String::new(),
        }
    }

    /// Whether the line has a field of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.as_ref().is_some_and(|names| names.contains(&name))
    }

    /// Takes over all of `piece`, a line of the same form that has one field.
    pub(super) fn take(&mut self, name: &'static str, piece: &Self) {
        self.add(name, |line| {
            line.fields.extend_from_slice(&piece.fields);
            line.journal.extend_from_slice(&piece.journal);
        });
    }

    /// Adds a field with a text; what is over the bound is left out.
    pub(super) fn text(&mut self, name: &'static str, value: &str) {
        match name {
            MESSAGE => self.message = cut(value, VALUE_LIMIT).0.to_owned(),
            NOTES_FIELD => self.notes(value),
            _ => self.add(name, |line| line.append(name, value)),
        }
    }

    /// Adds a field with a number or a bool, as Rust writes it.
    pub(super) fn bare(&mut self, name: &'static str, value: impl fmt::Display) {
        self.add(name, |line| {
            match line.form {
                Format::Json => json::append_name(&mut line.fields, name),
                Format::Text | Format::Journald => text::append_name(&mut line.fields, name),
            }
            let begin = line.fields.len();
            // Writing to a Vec doesn't fail.
            let _ = write!(line.fields, "{value}");
            if line.form == Format::Journald {
                journal::append_own(&mut line.journal, name, line.fields.get(begin..).unwrap_or_default());
            }
        });
    }

    /// The line's octets: with its end for a file, a whole datagram for the journal.
    pub(super) fn finish(mut self, level: Level, now: SystemTime) -> Vec<u8> {
        if self.is_cut {
            self.is_cut = false;
            self.bare(CUT, true);
        }
        let mut line = Vec::with_capacity(64 + self.message.len() + self.fields.len() + self.journal.len());
        match self.form {
            Format::Text => {
                instant::append(&mut line, now);
                line.push(b' ');
                line.extend_from_slice(level.as_str().as_bytes());
                line.push(b' ');
                text::append_message(&mut line, &self.message);
                line.extend_from_slice(&self.fields);
                line.push(b'\n');
            }
            Format::Json => {
                line.extend_from_slice(format!("{{\"{TIME}\":\"").as_bytes());
                instant::append(&mut line, now);
                line.push(b'"');
                json::append(&mut line, LEVEL, word(level));
                json::append(&mut line, MESSAGE, &self.message);
                line.extend_from_slice(&self.fields);
                line.extend_from_slice(b"}\n");
            }
            Format::Journald => {
                let mut shown = Vec::with_capacity(self.message.len() + self.fields.len());
                text::append_message(&mut shown, &self.message);
                shown.extend_from_slice(&self.fields);
                journal::append(&mut line, "PRIORITY", priority(level));
                journal::append(&mut line, "SYSLOG_IDENTIFIER", b"gatepost");
                journal::append(&mut line, "MESSAGE", &shown);
                line.extend_from_slice(&self.journal);
            }
        }
        line
    }

    /// Adds what `append` appends, unless the line gets too long.
    fn add(&mut self, name: &'static str, append: impl FnOnce(&mut Self)) {
        let before = (self.fields.len(), self.journal.len());
        append(self);
        if self.fields.len() > LINE_LIMIT {
            self.fields.truncate(before.0);
            self.journal.truncate(before.1);
            self.is_cut = true;
        } else if let Some(names) = &mut self.names {
            names.push(name);
        }
    }

    fn append(&mut self, name: &str, value: &str) {
        let limit =
            if matches!(name, fields::FORWARD_PATHS | fields::DISCARDED) { LIST_LIMIT } else { VALUE_LIMIT };
        let (value, is_cut) = cut(value, limit);
        self.is_cut |= is_cut;
        match self.form {
            Format::Text => text::append(&mut self.fields, name, value),
            Format::Json => json::append(&mut self.fields, name, value),
            Format::Journald => {
                text::append(&mut self.fields, name, value);
                journal::append_own(&mut self.journal, name, value.as_bytes());
            }
        }
    }

    /// Adds each note as a field of its own.
    fn notes(&mut self, notes: &str) {
        for (key, value) in notes.split_terminator(NOTE_END).filter_map(|note| note.split_once(KEY_END)) {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            let key = key.chars().take(KEY_LIMIT).map(|c| if is_plain(c) { c } else { '_' });
            let name: String = "note.".chars().chain(key).collect();
            self.add(NOTES_FIELD, |line| line.append(&name, value));
        }
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.bare(field.name(), value);
        } else {
            self.text(field.name(), &value.to_string()); // JSON has no infinity
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut shown = Bounded(std::mem::take(&mut self.scratch));
        // An error here is the bound's: what came before it is shown.
        let _ = fmt::Write::write_fmt(&mut shown, format_args!("{value:?}"));
        self.text(field.name(), &shown.0);
        shown.0.clear();
        self.scratch = shown.0;
    }
}

/// A text that ends where a line would be too long.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let (more, is_cut) = cut(more, (LIST_LIMIT + 4).saturating_sub(self.0.len()));
        self.0.push_str(more);
        if is_cut { Err(fmt::Error) } else { Ok(()) }
    }
}

/// The longest beginning of `text` with at most `limit` octets, and whether that is not all.
fn cut(text: &str, limit: usize) -> (&str, bool) {
    if text.len() <= limit {
        return (text, false);
    }
    let end = text.floor_char_boundary(limit);
    (text.get(..end).unwrap_or_default(), true)
}

fn word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// As syslog counts.
fn priority(level: Level) -> &'static [u8] {
    match level {
        Level::ERROR => b"3",
        Level::WARN => b"4",
        Level::INFO => b"6",
        Level::DEBUG | Level::TRACE => b"7",
    }
}

/// Ends the key of a note, on the way from a record to its line.
pub(super) const KEY_END: char = '\u{1f}';
/// Ends a note.
pub(super) const NOTE_END: char = '\u{1e}';

/// Fields of a line in all. systemd cuts what comes over standard error at 48 KiB, and what is behind the cut would
/// begin a line with a text of the client's choice.
const LINE_LIMIT: usize = 32 * 1024;
/// One value, in octets before quoting.
const VALUE_LIMIT: usize = 1024;
/// The forward-paths of a transaction, or its notes, together.
pub(super) const LIST_LIMIT: usize = 16 * 1024;
/// The key of a note.
const KEY_LIMIT: usize = 48;
/// Room for most lines from the start.
const USUAL_LENGTH: usize = 512;
