//! What came of a run of policy tests.

use std::path::PathBuf;
use std::time::Duration;

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The files, in order of their names.
    pub files: Vec<FileRun>,
    /// How long it took.
    pub elapsed: Duration,
}

/// What came of one file.
#[derive(Clone, Debug)]
pub struct FileRun {
    /// The file.
    pub path: PathBuf,
    /// Its tests, in their order.
    pub tests: Vec<TestRun>,
    /// Why it could not be loaded.
    pub problem: Option<String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// What came of one test.
#[derive(Clone, Debug)]
pub struct TestRun {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub line: usize,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// How long it took.
    pub elapsed: Duration,
}

/// Why a test failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// What was expected and what came, or what went wrong; the first line begins with the place if one is known.
    pub message: String,
    /// The line that it happened at, its number first.
    pub source: Option<(usize, String)>,
    /// What each client said and heard, with a title.
    pub dialogues: Vec<(String, Vec<String>)>,
    /// The log.
    pub log: Vec<String>,
}

impl Run {
    /// Every test, with its file.
    pub fn tests(&self) -> impl Iterator<Item = (&FileRun, &TestRun)> {
        self.files.iter().flat_map(|file| file.tests.iter().map(move |test| (file, test)))
    }

    /// How many tests failed; a file that can't be loaded counts as one.
    pub fn failed(&self) -> usize {
        let broken = self.files.iter().filter(|file| file.problem.is_some()).count();
        broken + self.tests().filter(|(_, test)| test.failure.is_some()).count()
    }

    /// How many tests passed.
    pub fn passed(&self) -> usize {
        self.tests().filter(|(_, test)| test.failure.is_none()).count()
    }
}
