//! `gatepost policy list`, `show` and `new`, and `gatepost types`.

use std::fs;

use crate::support::drive::{self, Run};
use crate::support::gatepost::binary;

fn policy(arguments: &[&str]) -> Run {
    let mut command = binary();
    command.arg("policy").args(arguments);
    drive::run(command, &[])
}

#[test]
fn the_library_is_listed_with_what_each_policy_does() {
    let run = policy(&["list", "-c", "/nowhere"]);
    assert_eq!(run.code, Some(0));
    let text = run.text();
    for name in ["access", "dnsbl", "helo", "sender_domain", "size"] {
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(name));
        assert!(line.is_some_and(|line| line.len() > 20), "{name} in\n{text}");
    }
    let run = policy(&["list", "--json", "-c", "/nowhere"]);
    let told: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(told[0]["name"], "access");
}

#[test]
fn a_policy_is_shown_with_its_options() {
    let run = policy(&["show", "dnsbl", "-c", "/nowhere"]);
    let text = run.text();
    assert_eq!(run.code, Some(0), "{text}");
    for part in ["hooks:", "[policy.dnsbl]", "zones = …", "list of string; needed", "timeout = "] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let run = policy(&["show", "dnsbl", "--source", "-c", "/nowhere"]);
    assert!(run.text().contains("return {"), "{}", run.text());
}

#[test]
fn a_script_of_ones_own_is_shown_by_its_path_or_from_the_policy_folders() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("site.lua");
    fs::write(&script, "return { summary = \"Our own.\", mail = function() end }\n").unwrap();
    let run = policy(&["show", script.to_str().unwrap(), "-c", "/nowhere"]);
    assert!(run.text().starts_with("site: Our own.\n"), "{}", run.text());
    let file = folder.path().join("gatepost.toml");
    fs::write(&file, "[policies]\npaths = [\".\"]\n").unwrap(); // far from whole, but this much can be read
    let run = policy(&["list", "-c", file.to_str().unwrap()]);
    assert!(
        run.text().lines().any(|line| line.starts_with("site ") && line.ends_with("Our own.")),
        "{}",
        run.text()
    );
}

#[test]
fn a_policy_that_is_not_there_ends_with_2_and_says_which_are() {
    let run = policy(&["show", "greylisting", "-c", "/nowhere"]);
    assert_eq!(run.code, Some(2));
    assert!(run.text().contains("there are: access, dnsbl"), "{}", run.text());
}

#[test]
fn a_new_policy_is_written_once_and_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let run = policy(&["new", "leavers", "--directory", place]);
    assert_eq!(run.code, Some(0), "{}", run.text());
    for part in ["leavers.lua\n", "leavers_test.lua\n", "policies = [\"leavers\"]"] {
        assert!(run.text().contains(part), "{part} in\n{}", run.text());
    }
    let script = folder.path().join("leavers.lua");
    let shown = policy(&["show", script.to_str().unwrap(), "-c", "/nowhere"]);
    assert!(shown.text().contains("[policy.leavers]"), "{}", shown.text());
    let again = policy(&["new", "leavers", "--directory", place]);
    assert_eq!(again.code, Some(2), "{}", again.text());
    assert!(again.text().contains("is there already; nothing was written"), "{}", again.text());
}

#[test]
fn types_are_printed_for_an_editor() {
    let mut command = binary();
    command.arg("types");
    let run = drive::run(command, &[]);
    let text = run.text();
    assert_eq!(run.code, Some(0), "{text}");
    assert!(text.starts_with("---@meta\n") && text.contains("\nfunction dns.mx(name) end\n"), "{text}");
}
