//! `gatepost test`: runs the tests of policies, which are Lua too.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::WRONG;
use crate::lua::coverage::Coverage;
use crate::trial::covered::{self, Covered};
use crate::trial::run::{FileRun, Run, TestRun};
use crate::trial::runner::{self, Wanted};
use crate::trial::watch::Watch;
use crate::trial::{junit, report};

/// What `test` is asked.
#[derive(Args, Debug)]
pub struct Test {
    /// Folders, in which and below which every *_test.lua is run; or single files.
    #[arg(value_name = "DIR", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Only tests whose name holds this, or whose file's name does.
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// Run again whenever a script or a configuration changes.
    #[arg(long)]
    watch: bool,
    /// Write what came of it to FILE as well, as JUnit's XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Show which lines of the policies have run.
    #[arg(long)]
    coverage: bool,
    /// What the values of `for_all` begin with: another number gives other values.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: i64,
    /// Print one JSON object.
    #[arg(long, conflicts_with = "watch")]
    json: bool,
}

impl Test {
    /// Runs the tests; the exit code: 1 if one failed, 2 if there are none.
    pub fn run(&self) -> ExitCode {
        if !self.watch {
            return self.once();
        }
        let watch = match Watch::start(&self.paths) {
            Ok(watch) => watch,
            Err(error) => return wrong(&error),
        };
        loop {
            let _ = self.once();
            println!("watching; Ctrl-C ends it");
            if !watch.wait() {
                return ExitCode::SUCCESS;
            }
            println!();
        }
    }

    fn once(&self) -> ExitCode {
        let files = match runner::find(&self.paths) {
            Ok(files) if files.is_empty() => return wrong("no *_test.lua there"),
            Ok(files) => files,
            Err(error) => return wrong(&error.to_string()),
        };
        let wanted = Wanted {
            part: self.filter.clone(),
            seed: self.seed,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            coverage: self.coverage.then(Coverage::default),
        };
        let run = runner::run(files, &wanted, |file| {
            // With a filter, a file without a test that is meant is not worth a line.
            if !self.json && (file.problem.is_some() || !file.tests.is_empty()) {
                println!("{}", report::file(file));
            }
        });
        let covered = wanted.coverage.map(|coverage| covered::of(&coverage, &self.scripts()));
        if let Some(path) = &self.junit
            && let Err(error) = std::fs::write(path, junit::xml(&run))
        {
            return wrong(&format!("{}: {error}", path.display()));
        }
        self.print(&run, covered.as_deref());
        match (run.failed(), run.passed()) {
            (0, 0) => wrong("no test of that name"),
            (0, _) => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }

    fn print(&self, run: &Run, covered: Option<&[Covered]>) {
        if self.json {
            println!("{:#}", described(run, covered));
            return;
        }
        print!("{}", report::failures(run));
        if let Some(covered) = covered {
            print!("\n{}", covered::table(covered));
        }
        println!("\n{}", report::summary(run));
    }

    /// Scripts that are no tests: none of them is left out of the coverage because no test loads it.
    fn scripts(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        for path in self.paths.iter().filter(|path| path.is_dir()) {
            // What can't be read was told when tests were looked for.
            let _ = runner::walk(path, ".lua", &mut found);
        }
        found.retain(|path| !path.to_string_lossy().ends_with("_test.lua"));
        found
    }
}

fn wrong(why: &str) -> ExitCode {
    eprintln!("gatepost test: {why}");
    ExitCode::from(WRONG)
}

fn described(run: &Run, covered: Option<&[Covered]>) -> Value {
    json!({
        "passed": run.passed(),
        "failed": run.failed(),
        "seconds": run.elapsed.as_secs_f64(),
        "files": run.files.iter().map(file).collect::<Vec<_>>(),
        "coverage": covered.map(|all| all.iter().map(coverage).collect::<Vec<_>>()),
    })
}

fn file(file: &FileRun) -> Value {
    json!({
        "file": file.path.display().to_string(),
        "problem": file.problem,
        "seconds": file.elapsed.as_secs_f64(),
        "tests": file.tests.iter().map(test).collect::<Vec<_>>(),
    })
}

fn test(test: &TestRun) -> Value {
    let failure = test.failure.as_ref().map(|failure| {
        let dialogue = |(title, lines): &(String, Vec<String>)| json!({ "client": title, "lines": lines });
        json!({
            "message": failure.message,
            "line": failure.source.as_ref().map(|(line, _)| line),
            "dialogues": failure.dialogues.iter().map(dialogue).collect::<Vec<_>>(),
            "log": failure.log,
        })
    });
    json!({
        "name": test.name,
        "line": test.line,
        "passed": test.failure.is_none(),
        "failure": failure,
        "seconds": test.elapsed.as_secs_f64(),
    })
}

fn coverage(covered: &Covered) -> Value {
    json!({
        "file": covered.file,
        "lines": covered.lines,
        "hit": covered.hit,
        "percent": covered.percent(),
        "missed": covered.missed,
    })
}
