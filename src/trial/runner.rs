//! Finds the files of policy tests and runs them: one after the other on each of a few threads, on a clock that stands
//! still but for the test.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

use crate::lua::coverage::Coverage;
use crate::lua::trial::suite::{Suite, Test};
use crate::trial::journal::Journal;
use crate::trial::place::Home;
use crate::trial::run::{Failure, FileRun, Run, TestRun};
use crate::trial::scene::Scene;

/// Which tests are run, and how.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Tests whose name, or whose file's, holds this; empty: all.
    pub part: String,
    /// What properties begin with.
    pub seed: i64,
    /// Threads.
    pub threads: usize,
    /// Who is told which lines of policies run.
    pub coverage: Option<Coverage>,
}

/// The test files that are meant by `paths`.
///
/// *Errors*: a path can't be read.
pub fn find(paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut found = BTreeSet::new();
    for path in paths {
        if path.is_dir() {
            walk(path, "_test.lua", &mut found)?;
        } else {
            path.metadata()
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
            found.insert(path.clone());
        }
    }
    Ok(found.into_iter().collect())
}

/// The files below `folder` whose names end in `end`; hidden folders are left out.
///
/// *Errors*: a folder can't be read.
pub fn walk(folder: &Path, end: &str, found: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
    for entry in folder.read_dir().map_err(named)? {
        let entry = entry.map_err(named)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // A link to a folder is not followed: it may lead in a circle.
        if entry.file_type().map_err(named)?.is_dir() {
            if !name.starts_with('.') {
                walk(&entry.path(), end, found)?;
            }
        } else if name.ends_with(end) {
            found.insert(entry.path());
        }
    }
    Ok(())
}

/// Runs `wanted` of `files`; `done` is told of each file as it ends.
pub fn run(files: Vec<PathBuf>, wanted: &Wanted, mut done: impl FnMut(&FileRun)) -> Run {
    let start = Instant::now();
    let threads = wanted.threads.clamp(1, files.len().max(1));
    let queue = Mutex::new(VecDeque::from(files));
    let (tell, told) = channel();
    let mut files: Vec<FileRun> = std::thread::scope(|scope| {
        for number in 0..threads {
            let (queue, tell) = (&queue, tell.clone());
            let worker = std::thread::Builder::new().name(format!("test-{number}"));
            let started = worker.spawn_scoped(scope, move || work_off(queue, wanted, &tell));
            if let Err(error) = started {
                tracing::error!(%error, "no thread");
            }
        }
        drop(tell);
        told.iter().inspect(|file| done(file)).collect()
    });
    files.sort_by(|a, b| a.path.cmp(&b.path));
    // A file that is missing took its thread with it.
    Run { files, elapsed: start.elapsed() }
}

fn work_off(queue: &Mutex<VecDeque<PathBuf>>, wanted: &Wanted, tell: &Sender<FileRun>) {
    let journal = Journal::default();
    tracing::subscriber::with_default(journal.clone(), || {
        loop {
            let Some(path) = queue.lock().pop_front() else { return };
            let start = Instant::now();
            let outcome = file(&path, wanted, &journal);
            let (tests, problem) = match outcome {
                Ok(tests) => (tests, None),
                Err(problem) => (Vec::new(), Some(problem)),
            };
            let _ = tell.send(FileRun { path, tests, problem, elapsed: start.elapsed() });
        }
    });
}

/// Runs the tests of one file.
///
/// *Errors*: why it can't be loaded.
fn file(path: &Path, wanted: &Wanted, journal: &Journal) -> Result<Vec<TestRun>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    let home = Rc::new(Home::of(path, wanted.coverage.clone()));
    let suite = Suite::load(path, wanted.seed)?;
    let mut runs = Vec::new();
    let is_whole_file = path.to_string_lossy().contains(&wanted.part);
    for test in suite.tests() {
        if !is_whole_file && !test.name.contains(&wanted.part) {
            continue;
        }
        let start = Instant::now();
        let failure = one(&runtime, &suite, &test, &home, journal);
        runs.push(TestRun { name: test.name, line: test.line, failure, elapsed: start.elapsed() });
    }
    Ok(runs)
}

/// Runs one test; why it failed.
fn one(runtime: &Runtime, suite: &Suite, test: &Test, home: &Rc<Home>, journal: &Journal) -> Option<Failure> {
    // What the test leaves running goes with it.
    LocalSet::new().block_on(runtime, async {
        let scene = match Scene::new(home, journal) {
            Ok(scene) => scene,
            Err(message) => return Some(Failure { message, ..Failure::default() }),
        };
        let world: Rc<Scene> = Rc::clone(&scene);
        let ran = suite.run(test, world).await;
        let dialogues = scene.dialogues();
        let errors = scene.end().await;
        let message = match (ran, errors.first()) {
            (Err(message), _) => message,
            (Ok(()), Some(error)) => error.clone(),
            (Ok(()), None) => return None,
        };
        Some(Failure { source: source_of(&message), message, dialogues, log: journal.lines() })
    })
}

/// The line that `message` begins with, as "file:line: ".
fn source_of(message: &str) -> Option<(usize, String)> {
    let (file, rest) = message.split_once(".lua:")?;
    let (line, _) = rest.split_once(':')?;
    let line: usize = line.parse().ok()?;
    let text = std::fs::read_to_string(format!("{file}.lua")).ok()?;
    Some((line, text.lines().nth(line.checked_sub(1)?)?.to_owned()))
}
