//! The docs say all that there is, and their examples run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gatepost::app::policies;
use gatepost::config::error::Severity;
use gatepost::config::keys::markdown::markdown as keys_markdown;
use gatepost::config::{keys, load_str, report};
use gatepost::lua::builtin::markdown::markdown as policies_markdown;
use gatepost::lua::builtin::names;
use gatepost::lua::catalogue;
use gatepost::lua::config::Script;
use gatepost::lua::library::describe;
use gatepost::trial::report::failures;
use gatepost::trial::runner::{self, Wanted};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Holds what stands between the marks in `file` to `text`. With UPDATE_DOCS set, writes it there instead.
fn generated(file: &str, what: &str, text: &str) {
    let page = read(file);
    let begin = format!("<!-- generated: {what} -->\n");
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("{file} has no {begin}"));
    let (shown, after) =
        rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("{file} has no <!-- end -->"));
    let text = format!("\n{}\n\n", text.trim());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path(file), format!("{before}{begin}{text}<!-- end -->{after}")).unwrap();
        return;
    }
    let first = shown.lines().zip(text.lines()).find(|(shown, text)| shown != text);
    assert!(
        shown == text,
        "{file} is not up to date: UPDATE_DOCS=1 cargo test --test docs\nfirst: {first:#?}"
    );
}

/// The names that the first cells of a page's tables hold in backticks, without what stands behind `(` or ` {`.
fn entries(page: &str) -> BTreeSet<&str> {
    let cells = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let marked = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    marked.map(|name| name.split(['(', ' ']).next().unwrap()).collect()
}

#[test]
fn every_lua_name_has_its_entry() {
    let page = read("docs/lua.md");
    let entries = entries(&page);
    let names = catalogue::names().unwrap();
    assert!(names.len() > 100, "the names were not found");
    let missing: Vec<&String> = names.iter().filter(|name| !entries.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "docs/lua.md has no entry for {missing:?}");
}

#[test]
fn every_lua_entry_is_a_name() {
    let page = read("docs/lua.md");
    let names = catalogue::names().unwrap();
    let is_name = |entry: &&&str| {
        let is_ours = entry.contains(['.', ':']) && !entry.starts_with("os.");
        !is_ours || names.iter().any(|name| name == **entry)
    };
    let entries = entries(&page);
    let unknown: Vec<&&str> = entries.iter().filter(|entry| !is_name(entry)).collect();
    assert!(unknown.is_empty(), "docs/lua.md speaks of what is not there: {unknown:?}");
}

#[test]
fn every_lua_example_loads() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    let mut pages: Vec<PathBuf> =
        std::fs::read_dir(path("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.push(path("README.md"));
    for page in pages.iter().filter(|page| page.extension().is_some_and(|end| end == "md")) {
        let text = std::fs::read_to_string(page).unwrap();
        for (at, block) in text.split("```lua\n").skip(1).enumerate() {
            let (code, _) = block.split_once("```").unwrap();
            if code.lines().next().is_some_and(|first| first.ends_with("_test.lua")) {
                continue; // run below
            }
            let file = folder.path().join("example.lua");
            std::fs::write(&file, code).unwrap();
            let name = format!("{}, example {}", page.display(), at + 1);
            let policy =
                describe(&Script::File(file), &[]).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
            assert!(!policy.summary.is_some_and(|summary| summary.is_empty()), "{name}");
            assert_eq!(warnings(code), "", "{name}");
            count += 1;
        }
    }
    assert!(count >= 5, "the examples were not found");
}

#[test]
fn every_test_on_the_page_about_tests_passes() {
    let folder = tempfile::tempdir().unwrap();
    for block in blocks(&read("docs/testing-policies.md"), "lua") {
        let name = block.lines().next().and_then(|first| first.strip_prefix("-- ")).unwrap();
        std::fs::write(folder.path().join(name), block).unwrap();
    }
    let files = runner::find(&[folder.path().to_owned()]).unwrap();
    let wanted = Wanted { part: String::new(), seed: 1, threads: 1, coverage: None };
    let run = runner::run(files, &wanted, |_| {});
    assert!(run.passed() >= 3 && run.failed() == 0, "{}", failures(&run));
}

/// What somebody should look at in a policy with this text, which is called "site" and lies in `site.lua`.
fn warnings(script: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("site.lua"), script).unwrap();
    let set_up = "hostname = \"mx.a.example\"\n[relay]\ndomains = \"a.example\"\n[[backend]]\naddress = \"127.0.0.1:25\"\n\
                  [[listener]]\nbind = \"127.0.0.1:0\"\npolicies = \"site\"\n[policy.site]\nscript = \"site.lua\"\n";
    let mut loaded = load_str(set_up, folder.path(), &names()).unwrap();
    let found = match policies::load(&loaded.config, &loaded.places, &mut loaded.sources) {
        Ok(engine) => policies::diagnostics(engine.warnings(), &mut loaded.sources),
        Err(found) => found, // an option that must be set, for one
    };
    let found: Vec<_> = found.into_iter().filter(|one| one.severity == Severity::Warning).collect();
    report::text(&found, &loaded.sources, false).replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn an_unknown_name_looks_as_the_page_shows_it() {
    let page = read("docs/lua.md");
    let shown = blocks(&page, "text").into_iter().find(|block| block.starts_with("warning: ")).unwrap();
    let line = shown.lines().find_map(|line| line.strip_prefix("5 | ")).unwrap();
    let script = format!("local office = {{}}\nreturn {{\n\n  mail = function(session)\n{line}\n  end }}");
    assert_eq!(shown.trim_end(), warnings(&script).trim_end());
}

/// The blocks of a page in this language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    let blocks: Vec<&str> = page.split(&*begin).skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty(), "the blocks were not found");
    blocks
}

#[test]
fn the_least_set_up_loads() {
    let page = read("docs/configuration.md");
    let text = blocks(&page, "toml")[0];
    let loaded = load_str(text, Path::new(""), &names()).unwrap_or_else(|broken| panic!("{broken}"));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

/// The set-ups on the page about logins load, laid over the least one.
#[test]
fn the_set_ups_with_logins_load() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["users", "accounts.lua"] {
        std::fs::write(folder.path().join(file), "").unwrap();
    }
    for block in blocks(&read("docs/auth.md"), "toml") {
        let text = format!(
            "hostname = \"mx.example.org\"\n[relay]\ndomains = [\"example.org\"]\n\
             [[backend]]\naddress = \"127.0.0.1:10025\"\n{block}{}",
            if block.contains("[[listener]]") { "" } else { "\n[[listener]]\nbind = \"127.0.0.1:25\"\n" }
        );
        let loaded =
            load_str(&text, folder.path(), &names()).unwrap_or_else(|broken| panic!("{broken}\n{block}"));
        let warnings = loaded.warnings.iter().map(|one| &one.message);
        let of_logins: Vec<_> = warnings.filter(|message| message.contains("takes logins")).collect();
        assert!(of_logins.is_empty() || !block.contains("[[listener]]"), "{of_logins:?}\n{block}");
    }
}

#[test]
fn a_mistake_looks_as_the_page_shows_it() {
    let page = read("docs/configuration.md");
    let text = blocks(&page, "toml")[0].replace("policies =", "polices =");
    let broken = load_str(&text, Path::new(""), &names()).unwrap_err();
    let told = broken.text(false);
    let error = told.split("\n\n").find(|error| error.starts_with("error")).unwrap();
    assert_eq!(blocks(&page, "text")[0].trim_end(), error.trim_end());
}

#[test]
fn every_key_has_its_row() {
    generated("docs/configuration.md", "keys", &keys_markdown());
    let page = read("docs/configuration.md");
    for key in keys::all().filter(|key| !key.later && !key.help.is_empty()) {
        assert!(page.contains(&format!("| `{}` |", key.name)), "{} has no row", key.name);
    }
}

#[test]
fn every_built_in_policy_has_its_section() {
    generated("docs/policies.md", "policies", &policies_markdown().unwrap());
}
