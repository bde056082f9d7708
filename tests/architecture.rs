//! Holds the borders of the house: who imports whom, which outside crates are named where, how long a file may be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/table.rs"]
mod table;

use source::{Source, blanked, read_all, words};
use table::{ANYWHERE, EXCEPTIONS, IMPURE, PURE, Row, TABLE, WORDS};

type Graph = BTreeMap<String, BTreeSet<String>>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The sources of the library and the binary, but for the crate's map.
fn sources() -> Vec<Source> {
    let mut sources = read_all(root(), "src");
    sources.retain(|source| source.module() != "lib");
    assert!(sources.len() > 20, "the sources were not found");
    sources
}

fn row(module: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.module == module)
}

/// Fails with all of `complaints` at once.
fn nothing_of(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// The first part of each path that `source` takes from our own crate.
fn imported(source: &Source) -> BTreeSet<String> {
    let mut code = source.code.clone();
    if source.module() == "main" {
        code = code.replace("gatepost::", "crate::");
    }
    let first = |path: String| path.split("::").next().unwrap().to_owned();
    Source::crate_paths(&code).into_iter().map(first).filter(|to| to != source.module()).collect()
}

#[test]
fn modules_import_what_the_table_allows() {
    let mut complaints = Vec::new();
    for source in sources() {
        let Some(row) = row(source.module()) else {
            complaints.push(format!("{}: its module has no row in tests/architecture/table.rs", source.path));
            continue;
        };
        // Tests inside a module may stand on any other.
        let is_test = source.path.contains("/tests/") || source.path.ends_with("tests.rs");
        for to in imported(&source) {
            if !is_test && !row.imports.contains(&to.as_str()) && !row.imports.contains(&"all") {
                complaints.push(format!("{}: `{}` may not import `{to}`", source.path, row.module));
            }
        }
        if source.code.contains("super::super::super") {
            complaints.push(format!("{}: write `crate::` rather than climb by `super`", source.path));
        }
    }
    nothing_of(&complaints);
}

#[test]
fn the_table_names_each_dependency_and_nothing_else() {
    let listed = TABLE.iter().flat_map(|row| row.crates).chain(ANYWHERE);
    // The runtime may be named everywhere but in pure modules, which the list of what is impure holds.
    let listed: BTreeSet<String> = listed.chain(&["tokio"]).map(|&name| name.to_owned()).collect();
    assert_eq!(listed, dependencies().into_iter().collect());
}

#[test]
fn the_table_has_no_arrow_up() {
    for (at, row) in TABLE.iter().enumerate() {
        for to in row.imports.iter().filter(|to| **to != "all" && row.module != "main") {
            assert!(TABLE[..at].iter().any(|above| above.module == *to), "{} -> {to}", row.module);
        }
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = sources();
    let homes = homes(&sources);
    let home = |file: &str| homes.get(file).cloned().unwrap_or_else(|| file.to_owned());
    let mut graph = Graph::new();
    // A `mod.rs` is the face of its folder: it knows the files below it, and they may use what it defines.
    let is_face = |source: &&Source| source.path.ends_with("/mod.rs");
    for source in sources.iter().filter(|source| !source.is_test && !is_face(source)) {
        let files =
            Source::crate_paths(source.product()).into_iter().filter_map(|path| file_of(&sources, &path));
        let from = home(&source.path);
        let to: Vec<String> = files.map(|file| home(&file)).filter(|file| *file != from).collect();
        graph.entry(from).or_default().extend(to);
    }
    if let Some(circle) = circle(&graph) {
        panic!("a circle: {}", circle.join(" -> "));
    }
}

/// The files that hold further methods of a noun, and the file of its folder that defines it: they count as one.
fn homes(sources: &[Source]) -> BTreeMap<String, String> {
    let folder = |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
    let defines = |source: &Source, noun: &str| {
        let names = ["struct", "enum"].map(|kind| format!("{kind} {noun} "));
        names.iter().any(|name| source.product().contains(name.as_str()))
    };
    let mut homes = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.is_test) {
        let lines =
            source.product().lines().filter_map(|line| line.strip_prefix("impl ")?.strip_suffix(" {"));
        for noun in lines.filter(|noun| noun.chars().all(char::is_alphanumeric) && !defines(source, noun)) {
            let imports = Source::crate_paths(source.product());
            let named = imports.iter().filter(|path| path.ends_with(&format!("::{noun}")));
            let home = named
                .filter_map(|path| file_of(sources, path))
                .find(|file| folder(file) == folder(&source.path));
            homes.extend(home.map(|home| (source.path.clone(), home)));
        }
    }
    homes
}

/// The file in which `path` is defined: the longest that fits.
fn file_of(sources: &[Source], path: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split("::").collect();
    while !parts.is_empty() {
        let stem = format!("src/{}", parts.join("/"));
        let fits =
            |source: &&Source| source.path == format!("{stem}.rs") || source.path == format!("{stem}/mod.rs");
        if let Some(source) = sources.iter().find(fits) {
            return Some(source.path.clone());
        }
        parts.pop();
    }
    None
}

/// A way from a node back to itself, if there is one.
fn circle(graph: &Graph) -> Option<Vec<String>> {
    fn visit<'a>(
        graph: &'a Graph,
        node: &'a str,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> bool {
        way.push(node);
        if way[..way.len() - 1].contains(&node) {
            return true;
        }
        if done.insert(node)
            && graph.get(node).into_iter().flatten().any(|next| visit(graph, next, way, done))
        {
            return true;
        }
        if way.len() > 1 && way[..way.len() - 1].contains(&node) {
            return true;
        }
        way.pop();
        false
    }
    let mut done = BTreeSet::new();
    graph.keys().find_map(|node| {
        let mut way = Vec::new();
        visit(graph, node, &mut way, &mut done).then(|| {
            let start = way.iter().position(|node| Some(node) == way.last()).unwrap_or(0); // not the way to the circle
            way[start..].iter().map(|node| (*node).to_owned()).collect()
        })
    })
}

#[test]
fn outside_crates_are_named_where_the_table_says() {
    let mut complaints = Vec::new();
    let listed = |name: &&str| TABLE.iter().any(|row| row.crates.contains(name));
    for name in dependencies() {
        if name != "tokio" && !ANYWHERE.contains(&name.as_str()) && !listed(&name.as_str()) {
            complaints.push(format!("Cargo.toml: `{name}` has no place in tests/architecture/table.rs"));
        }
    }
    let crates: BTreeSet<&str> = TABLE.iter().flat_map(|row| row.crates).copied().collect();
    for source in sources().iter().filter(|source| !source.is_test) {
        let allowed = row(source.module()).map_or(&[][..], |row| row.crates);
        for name in crates.iter().filter(|name| !allowed.contains(name)) {
            if Source::names_root(source.product(), name) {
                complaints.push(format!(
                    "{}: `{}` may not name the crate `{name}`",
                    source.path,
                    source.module()
                ));
            }
        }
    }
    nothing_of(&complaints);
}

/// The keys of `[dependencies]` in Cargo.toml, as they are written in code.
fn dependencies() -> Vec<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let lines = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let keys = lines.filter_map(|line| line.split_once(" = ")).filter(|(key, _)| !key.starts_with('#'));
    keys.map(|(key, _)| key.trim().replace('-', "_")).collect()
}

#[test]
fn pure_modules_name_no_runtime_no_clock_and_no_file() {
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|source| PURE.contains(&source.module())) {
        // `use std::{fs, io}` would hide a name from this test, so it is written out.
        if source.product().contains("use std::{") {
            complaints.push(format!("{}: write out `use std::…`, one a line", source.path));
        }
        for name in IMPURE.iter().filter(|name| Source::names_root(source.product(), name)) {
            complaints.push(format!(
                "{}: `{}` is pure and may not name `{name}`",
                source.path,
                source.module()
            ));
        }
    }
    nothing_of(&complaints);
}

#[test]
fn files_say_what_they_are_for_and_stay_short() {
    let mut complaints = Vec::new();
    let folders = ["src", "tests", "benches"];
    for source in folders.into_iter().flat_map(|folder| read_all(root(), folder)) {
        if !source.text.starts_with("//! ") {
            complaints.push(format!("{}: its first line is no `//!`", source.path));
        }
        let lines = source.text.lines().count();
        if lines > 400 {
            complaints.push(format!("{}: {lines} lines; find the second noun", source.path));
        }
        for (name, line, lines) in source.functions().into_iter().filter(|(.., lines)| *lines > 60) {
            complaints.push(format!("{}:{line}: `{name}` has {lines} lines", source.path));
        }
    }
    nothing_of(&complaints);
}

#[test]
fn words_that_say_too_little_are_not_used() {
    let mut complaints = BTreeSet::new();
    for source in sources() {
        let file = source.path.trim_end_matches(".rs").rsplit('/').next().unwrap().to_owned();
        for identifier in source.identifiers().chain([file.as_str()]) {
            let is_exempt = EXCEPTIONS.iter().any(|(known, _)| *known == identifier);
            for word in words(identifier).iter().filter(|word| WORDS.contains(&word.as_str()) && !is_exempt) {
                complaints.insert(format!("{}: `{identifier}` has the word {word}", source.path));
            }
        }
    }
    nothing_of(&complaints.into_iter().collect::<Vec<_>>());
}

#[test]
fn the_page_for_contributors_shows_the_same_table() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let shown: Vec<&str> = page
        .lines()
        .skip_while(|line| !line.starts_with("| module | may import |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let cell = |names: &[&str]| match names {
        [] => "–".to_owned(),
        _ => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" "),
    };
    let mut want = String::new();
    for row in TABLE {
        writeln!(want, "| `{}` | {} | {} |", row.module, cell(row.imports), cell(row.crates)).unwrap();
    }
    assert_eq!(shown.join("\n"), want.trim_end(), "docs/architecture.md should show:\n{want}");
    let shown_anywhere = ANYWHERE.iter().all(|name| page.contains(&format!("`{name}`")));
    assert!(shown_anywhere, "docs/architecture.md should name all crates that may be named anywhere");
}

#[test]
fn the_reader_of_sources_sees_through_comments_literals_and_braces() {
    let code = "use crate::{a::{b, c as d}, e::f::*}; // crate::no\nlet x = \"crate::no\"; 'c' r#\"crate::no\"#;\n\
                crate::g::h::<T>(); xcrate::no; pub(in crate::i) fn f<'a>() { '\\'' }";
    let paths = Source::crate_paths(&blanked(code));
    assert_eq!(paths, ["a::b", "a::c", "e::f::*", "g::h", "i"]);
    for (code, name, want) in [
        ("use tokio;", "tokio", true),
        ("use tokio::time;", "tokio", true),
        ("let a = tokio::spawn();", "tokio", true),
        ("crate::tokio::x", "tokio", false),
        ("my_tokio::x", "tokio", false),
        ("self.tokio", "tokio", false),
        ("let tokio = 1;", "tokio", false),
        ("std::fs::read()", "std::fs", true),
        ("use std::fs;", "std::fs", true),
        ("use std::fsx;", "std::fs", false),
    ] {
        assert_eq!(Source::names_root(code, name), want, "{code}");
    }
    assert_eq!(words("SmtpUtil_helper"), ["smtp", "util", "helper"]);
    let graph = |arrows: &[(&str, &str)]| {
        let mut graph = Graph::new();
        for (from, to) in arrows {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        graph
    };
    assert!(circle(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])).is_none());
    assert!(circle(&graph(&[("a", "b"), ("b", "c"), ("c", "b")])).is_some());
}
