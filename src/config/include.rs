//! The main file and those that it includes, read as one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::config::error::Diagnostic;
use crate::config::list;
use crate::config::reader::Reader;
use crate::config::section::{ItemValue, Section};
use crate::config::sources::Sources;
use crate::lua::config::Span;

/// The file with all that it includes, as one; `None` if any of it is no TOML.
///
/// *Changes*: `sources` gets the texts, `problems` what is wrong with them.
pub(super) fn read_all(
    path: &Path,
    sources: &mut Sources,
    problems: &mut Vec<Diagnostic>,
) -> Option<Section> {
    match list::read_text(path) {
        Ok(text) => read_text(&text, path, sources, problems),
        Err(error) => {
            let problem = Diagnostic::error("", format!("{} can't be read: {error}", path.display()), None);
            problems.push(problem.help("-c FILE names another; docs/quick-start.md shows the smallest one"));
            None
        }
    }
}

/// The same for a text that has been read.
pub(super) fn read_text(
    text: &str,
    path: &Path,
    sources: &mut Sources,
    problems: &mut Vec<Diagnostic>,
) -> Option<Section> {
    let mut top = read_one(text, path, sources, problems);
    let mut all_toml = top.is_some();
    let mut seen: BTreeSet<PathBuf> = BTreeSet::from([canonical(path)]);
    let mut due = top.as_ref().map(|top| included(top, problems)).unwrap_or_default();
    while let Some((file, named)) = due.pop() {
        if !seen.insert(canonical(&file)) {
            continue; // a glob may well find the file that it stands in
        }
        if seen.len() > MOST_FILES {
            problems.push(Diagnostic::error(
                "include",
                format!("more than {MOST_FILES} files are included"),
                Some(named),
            ));
            return None;
        }
        let section = match list::read_text(&file) {
            Ok(text) => read_one(&text, &file, sources, problems),
            Err(error) => {
                let message = format!("{} can't be read: {error}", file.display());
                problems.push(Diagnostic::error("include", message, Some(named)).found("named here"));
                continue;
            }
        };
        all_toml &= section.is_some();
        if let (Some(top), Some(section)) = (&mut top, section) {
            due.extend(included(&section, problems));
            top.merge(section, problems);
        }
    }
    top.filter(|_| all_toml)
}

fn read_one(
    text: &str,
    path: &Path,
    sources: &mut Sources,
    problems: &mut Vec<Diagnostic>,
) -> Option<Section> {
    let file = sources.add(path, text.into());
    let directory: Arc<Path> = path.parent().unwrap_or(Path::new("")).into();
    let mut reader = Reader { sources, problems: Vec::new(), file, directory };
    let section = reader.document(text);
    problems.append(&mut reader.problems);
    section
}

/// The files that a text includes, the last first.
fn included(top: &Section, problems: &mut Vec<Diagnostic>) -> Vec<(PathBuf, Span)> {
    let mut files = Vec::new();
    for item in top.list("include").unwrap_or_default() {
        let ItemValue::Path(pattern) = &item.value else { continue };
        let found = matches(pattern);
        if found.is_empty() && !has_wildcard(&pattern.to_string_lossy()) {
            let message = format!("`include`: {} doesn't exist", pattern.display());
            problems.push(Diagnostic::error("include", message, Some(item.span.clone())).found("named here"));
        }
        files.extend(found.into_iter().map(|file| (file, item.span.clone())));
    }
    files.reverse();
    files
}

/// The files that a pattern stands for, in order of their names.
fn matches(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let name = part.as_os_str().to_string_lossy();
        let wild = matches!(part, Component::Normal(_)) && has_wildcard(&name);
        found = found.iter().flat_map(|folder| step(folder, &name, wild)).collect();
    }
    found.retain(|path| path.is_file());
    found
}

fn step(folder: &Path, name: &str, wild: bool) -> Vec<PathBuf> {
    if !wild {
        return vec![folder.join(name)];
    }
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut names: Vec<String> = fs::read_dir(here)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|found| is_match(name, found) && (!found.starts_with('.') || name.starts_with('.')))
        .collect();
    names.sort();
    names.into_iter().map(|name| folder.join(name)).collect()
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether a name fits a pattern in which * is any text and ? any character.
fn is_match(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut seen) = (0, 0);
    let mut star = None;
    while let Some(character) = name.get(seen) {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == character => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((before, taken)) = star else { return false };
                star = Some((before, taken + 1));
                at = before + 1;
                seen = taken + 1;
            }
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == '*')
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

const MOST_FILES: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_what_is_there() {
        for (pattern, name, want) in [
            ("*.toml", "a.toml", true),
            ("*.toml", "a.toml.bak", false),
            ("?0-*.toml", "10-limits.toml", true),
            ("?0-*.toml", "0-limits.toml", false), // ? is exactly one
            ("*a*b", "xaxaxb", true),              // the star takes more when it must
            ("*", "", true),
            ("a", "ab", false),
        ] {
            assert_eq!(is_match(pattern, name), want, "{pattern} {name}");
        }
    }
}
