//! `gatepost test`: the policies that are shipped pass their tests, and failures say why.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use thousand_tests::thousand_tests;

#[path = "support/thousand_tests.rs"]
mod thousand_tests;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn gatepost(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatepost"));
    command.args(arguments).current_dir(ROOT);
    command
}

/// What `gatepost test` says as JSON, and its exit code.
fn json(arguments: &[&str]) -> (Value, Option<i32>) {
    let output = gatepost(&[&["test", "--json"], arguments].concat());
    let told = serde_json::from_slice(&output.stdout);
    (told.unwrap_or_else(|error| panic!("{error}: {output:?}")), output.status.code())
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A folder with a test file, which holds `text`.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my_test.lua");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn scripts(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new(ROOT).join(folder)).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "lua"))
        .collect()
}

#[test]
fn every_policy_in_the_binary_has_tests_that_pass_and_run_each_of_its_lines() {
    let (told, code) = json(&["scripts", "--coverage"]);
    assert_eq!(code, Some(0), "{told:#}");
    let covered = told["coverage"].as_array().unwrap();
    for (name, _) in gatepost::lua::builtin::POLICIES {
        let file = format!("scripts/{name}.lua");
        assert!(Path::new(ROOT).join(format!("scripts/{name}_test.lua")).is_file(), "{name} has no test");
        let row = covered
            .iter()
            .find(|row| row["file"] == *file)
            .unwrap_or_else(|| panic!("{file} is not covered"));
        assert_eq!(row["missed"], Value::Array(Vec::new()), "{file}: lines that no test runs");
    }
}

#[test]
fn every_example_has_tests_that_pass() {
    let (told, code) = json(&["examples"]);
    assert_eq!(code, Some(0), "{told:#}");
    for folder in std::fs::read_dir(Path::new(ROOT).join("examples")).unwrap() {
        let name = format!("examples/{}", folder.unwrap().file_name().into_string().unwrap());
        let tests = scripts(&name).into_iter().filter(|path| path.to_string_lossy().ends_with("_test.lua"));
        assert!(tests.count() > 0, "{name} has no test");
    }
}

#[test]
fn the_language_does_what_it_says() {
    let output = gatepost(&["test", "tests/trial"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[test]
fn a_new_policy_passes_its_test() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    assert!(gatepost(&["policy", "new", "leavers", "--directory", path]).status.success());
    let output = gatepost(&["test", path]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("2 passed in 1 file"), "{}", text(&output));
}

const FAILING: &str = r#"test("passes", function() session { policies = {} }:ehlo():expect(250) end)

test("a bad name is taken", function()
  local client = session { ip = "198.51.100.7", policies = { "helo" } }
  client:ehlo("localhost"):expect(250)
  client:mail("ann@example.net")
  client:rcpt("bob@ours.example"):expect(250)
end)
"#;

#[test]
fn a_failure_shows_the_place_what_was_expected_what_came_and_the_dialogue() {
    let (_folder, path) = file(FAILING);
    let path = path.to_str().unwrap();
    let output = gatepost(&["test", path]);
    assert_eq!(output.status.code(), Some(1));
    let text = text(&output);
    for part in [
        format!("{path}:3: a bad name is taken\n"),
        format!("{path}:7: expected 250, got 550 5.7.1 Your HELO is no full host name\n"),
        "7 | client:rcpt(\"bob@ours.example\"):expect(250)\n".to_owned(),
        "client 1, 198.51.100.7\n".to_owned(),
        "S: 220 mx.ours.example ESMTP\n".to_owned(),
        "C: RCPT TO:<bob@ours.example>\n".to_owned(),
        "S: 550 5.7.1 Your HELO is no full host name\n".to_owned(),
        "1 passed, 1 failed in 1 file".to_owned(),
    ] {
        assert!(text.contains(&part), "{part}\nin\n{text}");
    }
}

#[test]
fn a_failure_is_told_to_programs_too() {
    let (folder, path) = file(FAILING);
    let xml = folder.path().join("out.xml");
    let path = path.to_str().unwrap();
    let (told, code) = json(&[path, "--junit", xml.to_str().unwrap()]);
    assert_eq!((code, told["passed"].as_u64(), told["failed"].as_u64()), (Some(1), Some(1), Some(1)));
    let test = &told["files"][0]["tests"][1];
    assert_eq!((test["name"].as_str(), test["line"].as_u64()), (Some("a bad name is taken"), Some(3)));
    assert_eq!(test["failure"]["line"], 7);
    assert_eq!(test["failure"]["dialogues"][0]["lines"][1], "C: EHLO localhost");
    let xml = std::fs::read_to_string(xml).unwrap();
    assert!(xml.contains("tests=\"2\" failures=\"1\"") && xml.contains("C: EHLO localhost"), "{xml}");
}

#[test]
fn a_policy_that_fails_unseen_fails_the_test_with_its_line() {
    let (folder, path) =
        file("test('t', function() session { policies = { 'bad' } }:send():expect(250) end)\n");
    let bad = "return {\n  summary = 'x',\n  outcome = function(session)\n    local x = nil\n    return x.y\n  end,\n}\n";
    std::fs::write(folder.path().join("bad.lua"), bad).unwrap();
    let output = gatepost(&["test", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let text = text(&output);
    assert!(
        text.contains("a policy failed: policy bad, hook outcome: ") && text.contains("bad.lua:5:"),
        "{text}"
    );
    let caret = text.lines().skip_while(|line| !line.ends_with("    return x.y")).nth(1).unwrap_or_default();
    let line = text.lines().find(|line| line.ends_with("    return x.y")).unwrap_or_default();
    assert!(caret.trim() == "^" && caret.find('^') == line.find("x.y"), "{text}");
}

#[test]
fn a_policy_beside_its_test_is_called_by_its_plain_name() {
    let (folder, _path) = file("test('t', function() session { policies = { 'p' } }:send() end)\n");
    let policy = "return {\n  mail = function(session) local x = nil return x.y end,\n}\n";
    std::fs::write(folder.path().join("p.lua"), policy).unwrap();
    for argument in ["my_test.lua", "./my_test.lua", "."] {
        let mut run = command(&["test", argument]);
        let text = text(&run.current_dir(folder.path()).output().unwrap());
        assert!(text.contains("p.lua:2: ") && !text.contains("./p.lua"), "{argument}: {text}");
    }
}

#[test]
fn a_file_that_can_not_be_loaded_fails_and_the_others_are_run() {
    let (folder, path) = file("test('t', function() end)\n");
    std::fs::write(folder.path().join("broken_test.lua"), "test('a', function()\n").unwrap();
    let output = gatepost(&["test", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let text = text(&output);
    assert!(text.contains("broken_test.lua:2: 'end' expected"), "{text}");
    assert!(text.contains(&format!("ok      {}: 1 passed", path.display())), "{text}");
}

#[test]
fn tests_are_chosen_by_their_name_or_their_files() {
    let (folder, _path) = file("test('one', function() end)\ntest('two', function() error('x') end)\n");
    let folder = folder.path().to_str().unwrap();
    for (part, code, passed) in [("one", 0, 1), ("two", 1, 0), ("my_test", 1, 1)] {
        let (told, exit) = json(&[folder, "--filter", part]);
        assert_eq!((exit, told["passed"].as_u64()), (Some(code), Some(passed)), "{part}");
    }
    assert_eq!(gatepost(&["test", folder, "--filter", "three"]).status.code(), Some(2));
}

#[test]
fn nothing_to_run_is_wrong_usage() {
    let empty = tempfile::tempdir().unwrap();
    for path in [empty.path().to_str().unwrap(), "/nowhere/at/all"] {
        assert_eq!(gatepost(&["test", path]).status.code(), Some(2), "{path}");
    }
}

#[test]
fn a_seed_gives_the_same_values_again() {
    let (_folder, path) = file(
        "test('t', function() for_all { n = any.integer(), function(c) print(c.n) end, times = 5 } end)\n",
    );
    let said = |seed| text(&gatepost(&["test", path.to_str().unwrap(), "--seed", seed]));
    let numbers =
        |text: String| text.lines().filter(|line| line.parse::<u64>().is_ok()).map(str::to_owned).collect();
    let [one, again, two]: [Vec<String>; 3] = ["1", "1", "2"].map(|seed| numbers(said(seed)));
    assert_eq!(one.len(), 5);
    assert_eq!(one, again);
    assert_ne!(one, two);
}

#[test]
fn a_thousand_tests_are_run() {
    let (_folder, path) = file(&thousand_tests());
    let (told, code) = json(&[path.to_str().unwrap()]);
    assert_eq!((code, told["passed"].as_u64()), (Some(0), Some(1000)));
    let names =
        told["files"][0]["tests"].as_array().unwrap().iter().map(|test| test["name"].as_str().unwrap());
    assert!(names.enumerate().all(|(number, name)| name == format!("number {number}")), "in their order");
}

/// A process that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn watched_tests_are_run_again_when_a_script_changes() {
    let (folder, path) = file("test('t', function() end)\n");
    let mut watching = command(&["test", "--watch", folder.path().to_str().unwrap()]);
    let mut running = Running(watching.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("1 passed in 1 file")));
    assert!(lines.any(|line| line.starts_with("watching")));
    std::fs::write(&path, "test('t', function() end)\ntest('u', function() end)\n").unwrap();
    assert!(lines.any(|line| line.starts_with("2 passed in 1 file")));
}
