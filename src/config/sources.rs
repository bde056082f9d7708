//! The texts that the configuration was read from, kept so that an error can show its line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::lua::config::Span;

/// Every file that was read: the main one first, then what it includes and the lists that it names.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    texts: Vec<Source>,
}

/// One file's text.
#[derive(Clone, Debug)]
struct Source {
    path: PathBuf,
    text: Arc<str>,
}

impl Sources {
    /// The number of a text newly added under the name of its file.
    ///
    /// *Changes*: keeps the text.
    pub fn add(&mut self, path: &Path, text: Arc<str>) -> usize {
        self.texts.push(Source { path: path.to_path_buf(), text });
        self.texts.len() - 1
    }

    /// The text of that number.
    pub fn text(&self, file: usize) -> Option<&Arc<str>> {
        self.texts.get(file).map(|source| &source.text)
    }

    /// The file that the text of that number came from, as it was named.
    pub fn path(&self, file: usize) -> Option<&Path> {
        self.texts.get(file).map(|source| source.path.as_path())
    }

    /// All files, in the order in which they were read.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.texts.iter().map(|source| source.path.as_path())
    }

    /// Line and column of a place, both from 1; the column counts characters.
    pub fn line_and_column(&self, span: &Span) -> Option<(usize, usize)> {
        let before = self.text(span.file)?.get(..span.range.start)?;
        let line = before.bytes().filter(|octet| *octet == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
        Some((line, column))
    }

    /// What stands at a place.
    pub fn slice(&self, span: &Span) -> Option<&str> {
        self.text(span.file)?.get(span.range.clone())
    }

    /// "FILE:LINE" of a place.
    pub fn place(&self, span: &Span) -> String {
        let path = self.path(span.file).unwrap_or(Path::new("?")).display();
        match self.line_and_column(span) {
            Some((line, _)) => format!("{path}:{line}"),
            None => path.to_string(),
        }
    }
}
