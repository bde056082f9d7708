//! Reads Rust sources well enough to judge their borders: comments and literals blanked, paths found, functions
//! measured.

use std::fs;
use std::path::{Path, PathBuf};

/// One source file.
pub(crate) struct Source {
    /// Below the package's folder, with `/`.
    pub(crate) path: String,
    /// As it stands in the file.
    pub(crate) text: String,
    /// The same with comments, strings and characters blanked; line ends stay.
    pub(crate) code: String,
    /// Whether all of it is compiled for tests alone.
    pub(crate) is_test: bool,
}

/// All sources below `folder` of the package, in the order of their paths; those of `#[cfg(test)]` modules marked.
pub(crate) fn read_all(root: &Path, folder: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&root.join(folder), &mut paths);
    paths.sort();
    let mut sources: Vec<Source> = paths.iter().map(|path| Source::read(root, path)).collect();
    let mut tests: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    for source in &mut sources {
        let is_test = |test: &String| {
            source.path == format!("{test}.rs") || source.path.starts_with(&format!("{test}/"))
        };
        source.is_test = tests.iter_mut().any(|test| is_test(test));
    }
    sources
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

impl Source {
    fn read(root: &Path, path: &Path) -> Source {
        let text = fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        Source { code: blanked(&text), path, text, is_test: false }
    }

    /// The first folder or file below `src/`.
    pub(crate) fn module(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap_or(&self.path);
        below.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// The code without what is compiled for tests alone.
    pub(crate) fn product(&self) -> &str {
        if self.is_test {
            return "";
        }
        let end = self.code.find("#[cfg(test)]\nmod tests {").unwrap_or(self.code.len());
        &self.code[..end]
    }

    /// Paths without `.rs` of the files that `#[cfg(test)] mod x;` names here.
    fn test_modules(&self) -> Vec<String> {
        let own = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut found = Vec::new();
        let lines: Vec<&str> = self.text.lines().collect();
        for (at, _) in lines.iter().enumerate().filter(|(_, line)| line.trim() == "#[cfg(test)]") {
            let mut path = None;
            for line in &lines[at + 1..] {
                if let Some(given) = line.trim().strip_prefix("#[path = \"") {
                    path =
                        Some(format!("{folder}/{}", given.trim_end_matches("\"]").trim_end_matches(".rs")));
                    continue;
                }
                let name = line.trim().strip_suffix(';').and_then(|line| line.rsplit_once("mod "));
                found.extend(name.map(|(_, name)| path.unwrap_or_else(|| format!("{own}/{name}"))));
                break;
            }
        }
        found
    }

    /// All paths that begin with `crate::`, braces written out, such as `smtp::reply::Reply`.
    pub(crate) fn crate_paths(code: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (at, _) in code.match_indices("crate::") {
            let is_word = code[..at].chars().next_back().is_some_and(is_name);
            if !is_word {
                expand(&mut code[at + "crate::".len()..].chars().peekable(), "", &mut found);
            }
        }
        found
    }

    /// Whether `code` names `name` at the start of a path: `name::x`, or `use name;`.
    pub(crate) fn names_root(code: &str, name: &str) -> bool {
        code.match_indices(name).any(|(at, _)| {
            let before = code[..at].trim_end_matches(' ');
            let after = &code[at + name.len()..];
            let starts = !code[..at].ends_with(|c: char| is_name(c) || c == '.') && !before.ends_with("::");
            let is_use = before.ends_with("use") && after.starts_with([';', ' ']);
            starts
                && (after.starts_with("::") || is_use || name.contains("::") && !after.starts_with(is_name))
        })
    }

    /// Each function's name, first line, and lines of code in its body.
    pub(crate) fn functions(&self) -> Vec<(String, usize, usize)> {
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices("fn ") {
            let is_word = self.code[..at].chars().next_back().is_some_and(is_name);
            let name: String = self.code[at + 3..].chars().take_while(|c| is_name(*c)).collect();
            if is_word || name.is_empty() {
                continue;
            }
            let Some(body) = body(&self.code[at..]) else { continue };
            let lines = body.lines().filter(|line| !line.trim().is_empty()).count();
            let line = self.code[..at].lines().count().max(1);
            found.push((name, line, lines.saturating_sub(2)));
        }
        found
    }

    /// Every identifier of the product's code.
    pub(crate) fn identifiers(&self) -> impl Iterator<Item = &str> {
        self.product()
            .split(|c: char| !is_name(c))
            .filter(|word| word.starts_with(|c: char| !c.is_ascii_digit()))
    }
}

/// The words of an identifier in lower case: `SmtpReply` and `smtp_reply` are both smtp, reply.
pub(crate) fn words(identifier: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for character in identifier.chars() {
        if character == '_' || character.is_uppercase() && was_lower {
            words.push(String::new());
        }
        if character != '_' {
            words.last_mut().unwrap().extend(character.to_lowercase());
        }
        was_lower = character.is_lowercase();
    }
    words
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Reads one tree of a `use`, or one path, and writes out its leaves.
fn expand(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, prefix: &str, found: &mut Vec<String>) {
    let skip = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| {
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
    };
    skip(rest);
    if rest.next_if_eq(&'{').is_some() {
        loop {
            expand(rest, prefix, found);
            skip(rest);
            // "as name" is part of no path
            while rest.next_if(|c| is_name(*c) || c.is_whitespace()).is_some() {}
            match rest.next() {
                Some(',') => skip(rest),
                _ => return,
            }
            if rest.peek() == Some(&'}') {
                rest.next();
                return;
            }
        }
    }
    let mut name = String::new();
    while let Some(character) = rest.next_if(|c| is_name(*c) || *c == '*') {
        name.push(character);
    }
    let path = if prefix.is_empty() { name } else { format!("{prefix}::{name}") };
    let mut ahead = rest.clone();
    if ahead.next() == Some(':') && ahead.next() == Some(':') && ahead.peek() != Some(&'<') {
        *rest = ahead;
        return expand(rest, &path, found);
    }
    if !path.is_empty() {
        found.push(path);
    }
}

/// From the first brace of a function to its last; nothing if it has no body.
fn body(code: &str) -> Option<&str> {
    let mut depth = 0usize;
    let mut round = 0usize;
    let mut start = None;
    for (at, character) in code.char_indices() {
        match character {
            '(' | '[' => round += 1,
            ')' | ']' => round = round.saturating_sub(1),
            ';' if start.is_none() && round == 0 => return None,
            '{' => {
                depth += 1;
                start = start.or(Some(at));
            }
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return code.get(start?..=at);
                }
            }
            _ => {}
        }
    }
    None
}

/// `text` with its comments and literals as blanks, every line where it was.
pub(crate) fn blanked(text: &str) -> String {
    let octets = text.as_bytes();
    let mut out = octets.to_vec();
    let mut at = 0;
    while at < octets.len() {
        let end = match octets[at] {
            b'/' if text[at..].starts_with("//") => text[at..].find('\n').map_or(octets.len(), |n| at + n),
            b'/' if text[at..].starts_with("/*") => {
                text[at..].find("*/").map_or(octets.len(), |n| at + n + 2)
            }
            b'"' => quoted_end(octets, at),
            b'r' if is_raw_string(octets, at) => raw_string_end(text, at),
            b'\'' => character_end(text, at),
            _ => {
                at += 1;
                continue;
            }
        };
        for octet in &mut out[at..end] {
            if *octet != b'\n' {
                *octet = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(out).unwrap()
}

fn quoted_end(octets: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < octets.len() && octets[at] != b'"' {
        at += if octets[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(octets.len())
}

fn is_raw_string(octets: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| octets[before]);
    let is_word =
        before.is_some_and(|octet| octet != b'b' && (octet.is_ascii_alphanumeric() || octet == b'_'));
    let marks = octets[at + 1..].iter().take_while(|octet| **octet == b'#').count();
    !is_word && octets.get(at + 1 + marks) == Some(&b'"')
}

fn raw_string_end(text: &str, start: usize) -> usize {
    let marks = text[start + 1..].bytes().take_while(|octet| *octet == b'#').count();
    let end = format!("\"{}", "#".repeat(marks));
    let inner = start + 2 + marks;
    text[inner..].find(&end).map_or(text.len(), |n| inner + n + end.len())
}

/// The end of a character literal; of a lifetime, only its quote.
fn character_end(text: &str, start: usize) -> usize {
    let rest = &text[start + 1..];
    let mut characters = rest.char_indices();
    match characters.next() {
        Some((_, '\\')) => rest[2..].find('\'').map_or(text.len(), |n| start + 1 + 2 + n + 1),
        Some(_) => match characters.next() {
            Some((at, '\'')) => start + 1 + at + 1,
            _ => start + 1,
        },
        None => text.len(),
    }
}
