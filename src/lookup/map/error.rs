//! What is wrong with a map's file, and on which line.

use std::path::{Path, PathBuf};

/// Why a map can't be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}{}: {message}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct MapError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; none where the file as a whole is meant.
    pub line: Option<usize>,
    /// What is wrong, in words.
    pub message: String,
}

impl MapError {
    /// Something is wrong with the whole of `file`.
    pub(in crate::lookup) fn whole(file: &Path, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, message: message.into() }
    }

    /// `wrong` is in `file`.
    pub(in crate::lookup) fn in_file(file: &Path, wrong: LineError) -> Self {
        Self { file: file.to_owned(), line: Some(wrong.line), message: wrong.message }
    }
}

/// What is wrong with one line of a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LineError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, in words.
    pub message: String,
}

impl LineError {
    /// `message` about `line`.
    pub(in crate::lookup) fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}
