//! How much of the policies a run of tests has covered, file by file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::lua::builtin;
use crate::lua::coverage::Coverage;
use crate::lua::executable;

/// One script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    /// Its file, "NAME.lua" for a built-in one.
    pub file: String,
    /// Lines that can run.
    pub lines: usize,
    /// Those that have.
    pub hit: usize,
    /// Those that have not.
    pub missed: Vec<usize>,
}

impl Covered {
    /// The share of lines that have run, in percent.
    pub fn percent(&self) -> f64 {
        if self.lines == 0 { 100.0 } else { 100.0 * self.hit as f64 / self.lines as f64 }
    }
}

/// What `coverage` says of each script that ran, and of those in `scripts`, which perhaps did not.
pub fn of(coverage: &Coverage, scripts: &BTreeSet<PathBuf>) -> Vec<Covered> {
    let mut hits: BTreeMap<PathBuf, BTreeSet<usize>> = BTreeMap::new();
    for (file, lines) in coverage.lines() {
        hits.entry(plain(Path::new(&file))).or_default().extend(lines);
    }
    for script in scripts {
        hits.entry(plain(script)).or_default();
    }
    hits.into_iter().filter_map(|(path, hit)| one(&path, &hit)).collect()
}

fn one(path: &Path, hit: &BTreeSet<usize>) -> Option<Covered> {
    let file = path.display().to_string();
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(_) => builtin::find(file.strip_suffix(".lua")?)?.as_bytes().to_vec(),
    };
    let lines = executable::lines(&text);
    let missed: Vec<usize> = lines.difference(hit).copied().collect();
    Some(Covered { file, lines: lines.len(), hit: lines.len() - missed.len(), missed })
}

/// `path` without "./" in it, so that a file has one name.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != std::path::Component::CurDir).collect()
}

/// The table that people read.
pub fn table(all: &[Covered]) -> String {
    let width = all.iter().map(|one| one.file.chars().count()).max().unwrap_or(0).max(4);
    let row = |file: &str, lines: usize, hit: usize, percent: f64, missed: &str| {
        let line = format!("{file:<width$}  {lines:>5}  {hit:>5}  {percent:>5.1}  {missed}");
        line.trim_end().to_owned() + "\n"
    };
    let mut out = format!("{:<width$}  lines    hit      %  not hit\n", "file");
    for one in all {
        out.push_str(&row(&one.file, one.lines, one.hit, one.percent(), &ranges(&one.missed)));
    }
    let sum = |of: fn(&Covered) -> usize| all.iter().map(of).sum::<usize>();
    let (lines, hit) = (sum(|one| one.lines), sum(|one| one.hit));
    let total = Covered { file: String::new(), lines, hit, missed: Vec::new() };
    out.push_str(&row("all", lines, hit, total.percent(), ""));
    out
}

/// "3, 5-7".
fn ranges(lines: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for line in lines {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *line => *last = *line,
            _ => runs.push((*line, *line)),
        }
    }
    let shown = runs.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_hit_is_told_in_ranges() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.lua");
        std::fs::write(&path, "local a = 1\nif a > 1 then\n  a = 2\n  a = 3\nend\nreturn a\n").unwrap();
        let coverage = Coverage::default();
        let name = path.display().to_string();
        [1, 2, 6].into_iter().for_each(|line| coverage.note(&name, line));
        let unseen = folder.path().join("unseen.lua");
        std::fs::write(&unseen, "return {}\n").unwrap();
        let found = of(&coverage, &BTreeSet::from([path, unseen]));
        let told: Vec<_> = found.iter().map(|one| (one.lines, one.hit, ranges(&one.missed))).collect();
        assert_eq!(told, [(5, 3, "3-4".to_owned()), (1, 0, "1".to_owned())]);
        assert!(
            table(&found).lines().any(|line| line.trim_end().ends_with("5      3   60.0  3-4")),
            "{}",
            table(&found)
        );
    }
}
