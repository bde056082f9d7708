//! Configurations of several files.

use std::fs;
use std::path::Path;

use super::{BUILT_IN, LEAST};
use crate::config::{Broken, Loaded, load};
use crate::lua::config::Script;
use crate::session::relay::RelayDomains;

/// The outcome of a folder of files, of which `gatepost.toml` is the first.
fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Loaded, Box<Broken>>) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    let outcome = load(&folder.path().join("gatepost.toml"), BUILT_IN);
    (folder, outcome)
}

/// The errors as text, without the name of the temporary folder.
fn shown(folder: &Path, outcome: Result<Loaded, Box<Broken>>) -> String {
    outcome.expect_err("an error").text(false).replace(&format!("{}/", folder.display()), "")
}

#[test]
fn included_files_are_read_as_if_they_stood_there() {
    let (folder, outcome) = folder(&[
        ("gatepost.toml", &format!("include = [\"conf.d/*.toml\", \"gatepost.toml\"]\n{LEAST}")),
        ("conf.d/10-limits.toml", "[limits]\nerrors = 5\n[policy.site]\nscript = \"site.lua\"\n"),
        (
            "conf.d/20-inner.toml",
            "include = \"../more.toml\"\n[[listener]]\nbind = \"127.0.0.1:0\"\npolicies = \"site\"\n",
        ),
        ("conf.d/site.lua", "return {}"),
        ("conf.d/notes.txt", "not TOML"),
        ("more.toml", "[limits]\nmessages = 9\n"),
    ]);
    let config = outcome.expect("a configuration").config;
    assert_eq!(config.listeners.len(), 2);
    assert_eq!((config.limits.errors, config.limits.messages), (Some(5), Some(9)));
    assert_eq!(config.policy[0].script, Script::File(folder.path().join("conf.d/site.lua")));
}

#[test]
fn a_key_set_in_two_files_is_shown_in_both() {
    let (folder, outcome) = folder(&[
        ("gatepost.toml", &format!("include = \"a.toml\"\n{LEAST}[limits]\nerrors = 3\n")),
        ("a.toml", "[limits]\nerrors = 5\n"),
    ]);
    let want = r#"
error: `limits.errors` is set twice
 --> a.toml:2:10
  |
2 | errors = 5
  |          ^ set again
  |
 ::: gatepost.toml:12:10
   |
12 | errors = 3
   |          - set first
   |
   = help: a key may be set in one file only; only lists of tables are joined
"#;
    assert_eq!(squeezed(&shown(folder.path(), outcome)), squeezed(want));
}

/// The text without the margin, whose width depends on the largest line number.
fn squeezed(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn lists_may_stand_in_files_of_their_own() {
    let text = LEAST.replace("[\"example.org\"]", "[\"example.org\", \"file:lists/domains\"]");
    let (_folder, outcome) = folder(&[
        ("gatepost.toml", &format!("{text}relay.networks = \"file:networks\"\n")),
        ("lists/domains", "# ours\n  example.net   # the old one\r\n\n.example.com"),
        ("networks", "192.0.2.0/24\n2001:db8::/32\n"),
    ]);
    let config = outcome.expect("a configuration").config;
    let RelayDomains::Set(domains) = &config.listeners[0].relay.domains else { panic!("a set") };
    assert_eq!(domains.len(), 3);
    assert!(domains.contains("example.net") && domains.contains("a.example.com"));
    assert_eq!(config.listeners[0].relay.networks.len(), 2);
}

#[test]
fn an_error_in_a_list_file_names_that_file_and_line() {
    let (folder, outcome) = folder(&[
        ("gatepost.toml", &LEAST.replace("[\"example.org\"]", "\"file:domains\"")),
        ("domains", "example.org\n  exam ple.net # what?\nexample.com\n*.example.net\n"),
    ]);
    let text = shown(folder.path(), outcome);
    assert!(text.contains(" --> domains:2:3\n"), "{text}");
    assert!(text.contains("2 |   exam ple.net # what?\n  |   ^^^^^^^^^^^^ found"), "{text}");
    assert!(text.contains(" --> domains:4:1\n"), "{text}");
}

#[test]
fn a_list_file_with_many_errors_is_given_up() {
    let (_folder, outcome) = folder(&[
        ("gatepost.toml", &LEAST.replace("[\"example.org\"]", "\"file:domains\"")),
        ("domains", &"a b\n".repeat(1000)),
    ]);
    let broken = outcome.expect_err("errors");
    assert_eq!(broken.problems.len(), 20);
    assert!(broken.text(false).contains("the rest of it was not read"));
}

#[test]
fn files_that_arent_there_are_told_where_they_are_named() {
    let (folder, outcome) = folder(&[(
        "gatepost.toml",
        &format!("include = [\"absent.toml\", \"none/*.toml\"]\n{LEAST}relay.networks = \"file:absent\"\n"),
    )]);
    let text = shown(folder.path(), outcome);
    assert!(text.contains("`include`: absent.toml doesn't exist\n --> gatepost.toml:1:12"), "{text}");
    assert!(text.contains("`listener.relay.networks`: absent can't be read: No such file"), "{text}");
    assert!(!text.contains("`include`: none/"), "a pattern may find nothing: {text}");
    let broken = load(Path::new("/nonexistent/gatepost.toml"), BUILT_IN).expect_err("no file");
    assert!(broken.to_string().contains("/nonexistent/gatepost.toml can't be read"));
}

#[test]
fn policies_are_found_in_their_paths() {
    let (_folder, outcome) = folder(&[
        (
            "gatepost.toml",
            &format!("{}[policies]\npaths = \"policies\"\n", LEAST.replace("\"access\"", "\"own\"")),
        ),
        ("policies/own.lua", "return {}"),
    ]);
    let config = outcome.expect("a configuration").config;
    assert_eq!(config.policy[0].script, Script::Name("own".into()));
}

#[test]
fn the_first_example_of_the_documentation_is_complete() {
    let example = r#"
hostname = "mx.example.org"

[relay]
domains = ["example.org", "file:domains.txt"]
networks = ["192.0.2.0/24", "2001:db8::/32"]

[[backend]]
address = "127.0.0.1:10025"

[[listener]]
bind = ["0.0.0.0:25", "[::]:25"]
policies = ["access", "helo", { name = "dnsbl", mode = "observe" }, "site"]

[policy.dnsbl]
zones = ["zen.example"]

[policy.site]
script = "site.lua"
"#;
    let (_folder, outcome) =
        folder(&[("gatepost.toml", example), ("domains.txt", "example.net\n"), ("site.lua", "return {}")]);
    let loaded = outcome.unwrap_or_else(|broken| panic!("{broken}"));
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.config.policy.len(), 4);
}
