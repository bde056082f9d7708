//! What came of a run of policy tests, as people read it.

use std::fmt::Write as _;

use crate::trial::run::{Failure, FileRun, Run};

/// A line for a file that has been run.
pub fn file(file: &FileRun) -> String {
    let path = file.path.display();
    let failed = file.tests.iter().filter(|test| test.failure.is_some()).count();
    let passed = file.tests.len() - failed;
    match &file.problem {
        Some(_) => format!("FAILED  {path}: can't be loaded"),
        None if failed > 0 => format!("FAILED  {path}: {failed} of {} failed", file.tests.len()),
        None => format!("ok      {path}: {passed} passed ({} ms)", file.elapsed.as_millis()),
    }
}

/// Every failure, with all that helps to see why.
pub fn failures(run: &Run) -> String {
    let mut out = String::new();
    for file in &run.files {
        let path = file.path.display();
        if let Some(problem) = &file.problem {
            let _ = write!(out, "\n{path}\n{}", indented(problem, 4)); // to a String, which never fails
        }
        for test in &file.tests {
            if let Some(failure) = &test.failure {
                let _ = write!(out, "\n{path}:{}: {}\n{}", test.line, test.name, told(failure));
            }
        }
    }
    out
}

/// The last line: how many, how long.
pub fn summary(run: &Run) -> String {
    let (passed, failed) = (run.passed(), run.failed());
    let files = match run.files.len() {
        1 => "1 file".to_owned(),
        many => format!("{many} files"),
    };
    let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
    format!("{passed} passed{failed} in {files} ({:.2} s)", run.elapsed.as_secs_f64())
}

/// A failure in a few lines, without the name of its test.
pub fn told(failure: &Failure) -> String {
    let mut out = indented(&failure.message, 4);
    if let Some((line, text)) = &failure.source {
        let _ = writeln!(out, "    {line:>5} | {}", text.trim());
    }
    for (title, dialogue) in &failure.dialogues {
        let _ = write!(out, "    {title}\n{}", indented(&dialogue.join("\n"), 6));
    }
    if !failure.log.is_empty() {
        let _ = write!(out, "    log\n{}", indented(&failure.log.join("\n"), 6));
    }
    out
}

fn indented(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{:by$}{line}\n", "")).collect()
}
