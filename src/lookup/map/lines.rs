//! The form that all maps share: a key, blanks, a value on each line; comments, and lines that go on on the next.
//!
//! Source: Postfix's postmap(1), "INPUT FILE FORMAT".

use std::borrow::Cow;
use std::iter::{Enumerate, Peekable};
use std::str::Lines as TextLines;

use crate::lookup::map::error::LineError;

/// The logical lines of a text.
///
/// Blank lines and those whose first character is `#` don't count; one that begins with a blank continues the line
/// before it.
pub struct LogicalLines<'a> {
    lines: Peekable<Enumerate<TextLines<'a>>>,
}

/// A logical line, and the number of its first line from 1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogicalLine<'a> {
    /// The line where it begins.
    pub number: usize,
    /// Its text, without blanks around it.
    pub text: Cow<'a, str>,
}

/// One entry: a key and its value, with the line it stands on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Columns<'a> {
    /// The line, from 1.
    pub line: usize,
    /// The first column.
    pub key: String,
    /// What follows, without blanks around it.
    pub value: Cow<'a, str>,
}

impl<'a> LogicalLines<'a> {
    /// Those of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { lines: text.lines().enumerate().peekable() }
    }
}

impl<'a> Iterator for LogicalLines<'a> {
    type Item = Result<LogicalLine<'a>, LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (at, first) = self.lines.find(|(_, line)| !is_skipped(line))?;
        let number = at + 1;
        if first.starts_with(is_blank) {
            return Some(Err(LineError::new(
                number,
                "it begins with a blank, but there is no line to go on",
            )));
        }
        let mut text = Cow::Borrowed(first.trim_end_matches(is_blank));
        while let Some((_, more)) =
            self.lines.next_if(|(_, line)| is_skipped(line) || line.starts_with(is_blank))
        {
            if is_skipped(more) {
                continue;
            }
            let text = text.to_mut();
            text.push(' ');
            text.push_str(more.trim_matches(is_blank));
            if text.len() > LONGEST {
                return Some(Err(LineError::new(number, format!("it is longer than {LONGEST} octets"))));
            }
        }
        Some(Ok(LogicalLine { number, text }))
    }
}

impl<'a> LogicalLine<'a> {
    /// The key and the value. A key with blanks in it stands in double quotes.
    ///
    /// *Errors*: one of them is missing, or a quote.
    pub fn columns(self) -> Result<Columns<'a>, LineError> {
        let LogicalLine { number: line, text } = self;
        let (key, length) = match text.strip_prefix('"') {
            Some(quoted) => {
                let (key, length) =
                    unquoted(quoted).ok_or_else(|| LineError::new(line, "its key has no closing quote"))?;
                (key, length + 1)
            }
            None => {
                let length = text.find(is_blank).unwrap_or(text.len());
                (text.get(..length).unwrap_or_default().to_owned(), length)
            }
        };
        let value = match text {
            Cow::Borrowed(text) => {
                Cow::Borrowed(text.get(length..).unwrap_or_default().trim_matches(is_blank))
            }
            Cow::Owned(text) => {
                Cow::Owned(text.get(length..).unwrap_or_default().trim_matches(is_blank).to_owned())
            }
        };
        if key.is_empty() {
            return Err(LineError::new(line, "its key is empty"));
        }
        if value.is_empty() {
            return Err(LineError::new(line, format!("'{key}' has no value; a line is KEY VALUE")));
        }
        Ok(Columns { line, key, value })
    }
}

/// The entries of `text`, as they stand.
///
/// *Errors*: those of [`LogicalLine::columns`].
pub fn entries(text: &str) -> impl Iterator<Item = Result<Columns<'_>, LineError>> {
    LogicalLines::new(text).map(|line| line?.columns())
}

/// What stands before the closing quote, its escapes undone, and how many octets that and the quote take.
fn unquoted(text: &str) -> Option<(String, usize)> {
    let (mut key, mut is_escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => {
                key.push(c);
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            '"' => return Some((key, at + 1)),
            _ => key.push(c),
        }
    }
    None
}

/// Whether a line says nothing.
fn is_skipped(line: &str) -> bool {
    let text = line.trim_start_matches(is_blank);
    text.is_empty() || text.starts_with('#')
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r')
}

/// Octets of a logical line that goes over several lines.
const LONGEST: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(usize, String, String)>, LineError> {
        entries(text).map(|entry| entry.map(|e| (e.line, e.key, e.value.into_owned()))).collect()
    }

    #[test]
    fn lines_are_read_as_postmap_reads_them() {
        let text = "# a comment\n\
                    \n\
                    ann@a.example   OK\n\
                    bob@a.example\tREJECT  go away  \r\n\
                    \x20 # a comment with blanks before it\n\
                    carl@a.example first\n\
                    \n\
                    \x20 second\n\
                    # between\n\
                    \tthird\n\
                    \"with blank@a.example\" x y\n\
                    \"a\\\"b\"  z\n\
                    key value # no comment\n";
        let want = [
            (3, "ann@a.example", "OK"),
            (4, "bob@a.example", "REJECT  go away"),
            (6, "carl@a.example", "first second third"), // neither blank line nor comment ends it
            (11, "with blank@a.example", "x y"),
            (12, "a\"b", "z"),
            (13, "key", "value # no comment"),
        ];
        let want: Vec<_> =
            want.iter().map(|(n, key, value)| (*n, (*key).to_owned(), (*value).to_owned())).collect();
        assert_eq!(read(text), Ok(want));
        assert_eq!(read(""), Ok(Vec::new()));
    }

    #[test]
    fn a_line_that_says_nothing_is_named() {
        for (text, line, message) in [
            ("  key value\n", 1, "it begins with a blank"),
            ("# x\n\nkey\n", 3, "'key' has no value"),
            ("a b\nkey  \n", 2, "'key' has no value"),
            ("\"key value\n", 1, "no closing quote"),
            ("\"\" value\n", 1, "its key is empty"),
        ] {
            let error = read(text).expect_err(text);
            assert_eq!(error.line, line, "{text:?}");
            assert!(error.message.contains(message), "{text:?}: {}", error.message);
        }
        let long = format!("key value\n{}", " more\n".repeat(LONGEST / 5 + 1));
        assert_eq!(read(&long).expect_err("long").line, 1);
    }
}
