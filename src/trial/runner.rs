//! Finds the files of policy tests and runs them: one after the other on each of a few threads, on a clock that stands
//! still but for the test.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

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
    let threads = wanted.threads.max(1);
    let slices =
        |path: PathBuf| (0..threads).map(move |number| Slice { path: path.clone(), number, of: threads });
    let queue: Mutex<VecDeque<Slice>> = Mutex::new(files.into_iter().flat_map(slices).collect());
    let (tell, told) = channel();
    let mut runs = BTreeMap::new();
    std::thread::scope(|scope| {
        for number in 0..threads {
            let (queue, tell) = (&queue, tell.clone());
            let worker = std::thread::Builder::new().name(format!("test-{number}"));
            let started = worker.spawn_scoped(scope, move || work_off(queue, wanted, &tell));
            if let Err(error) = started {
                tracing::error!(%error, "no thread");
            }
        }
        drop(tell);
        let mut parts: BTreeMap<PathBuf, Vec<Part>> = BTreeMap::new();
        for (path, part) in told {
            let have = parts.entry(path.clone()).or_default();
            have.push(part);
            if have.len() == threads {
                let file = whole(path.clone(), parts.remove(&path).unwrap_or_default());
                done(&file);
                runs.insert(path, file);
            }
        }
    });
    Run { files: runs.into_values().collect(), elapsed: start.elapsed() }
}

/// Every so many-th test of a file, so that a file with many tests keeps all threads busy.
struct Slice {
    path: PathBuf,
    number: usize,
    of: usize,
}

/// What came of a slice: its tests with their places in the file, or why the file can't be loaded.
struct Part {
    outcome: Result<Vec<(usize, TestRun)>, String>,
    elapsed: Duration,
}

fn whole(path: PathBuf, parts: Vec<Part>) -> FileRun {
    let elapsed = parts.iter().map(|part| part.elapsed).max().unwrap_or_default();
    let (mut tests, mut problem) = (Vec::new(), None);
    for part in parts {
        match part.outcome {
            Ok(some) => tests.extend(some),
            Err(why) => problem = Some(why),
        }
    }
    tests.sort_by_key(|(place, _)| *place);
    FileRun { path, tests: tests.into_iter().map(|(_, test)| test).collect(), problem, elapsed }
}

fn work_off(queue: &Mutex<VecDeque<Slice>>, wanted: &Wanted, tell: &Sender<(PathBuf, Part)>) {
    let journal = Journal::default();
    tracing::subscriber::with_default(journal.clone(), || {
        loop {
            let Some(slice) = queue.lock().pop_front() else { return };
            let start = Instant::now();
            let outcome = some(&slice, wanted, &journal);
            let _ = tell.send((slice.path, Part { outcome, elapsed: start.elapsed() }));
        }
    });
}

/// Runs the tests of one slice.
///
/// *Errors*: why the file can't be loaded.
fn some(slice: &Slice, wanted: &Wanted, journal: &Journal) -> Result<Vec<(usize, TestRun)>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    let home = Rc::new(Home::of(&slice.path, wanted.coverage.clone()));
    let suite = Suite::load(&slice.path, wanted.seed)?;
    let is_whole_file = slice.path.to_string_lossy().contains(&wanted.part);
    let meant = |test: &Test| is_whole_file || test.name.contains(&wanted.part);
    let mut runs = Vec::new();
    for (place, test) in suite.tests().into_iter().filter(meant).enumerate() {
        if place % slice.of != slice.number {
            continue;
        }
        let start = Instant::now();
        let failure = one(&runtime, &suite, &test, &home, journal);
        runs.push((place, TestRun { name: test.name, line: test.line, failure, elapsed: start.elapsed() }));
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
