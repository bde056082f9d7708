//! `gatepost demo --once`, run as a newcomer runs it: its table tells what it says it tells.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]
#![allow(dead_code, unreachable_pub, reason = "support/ is for several tests; none uses all of it")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use support::drive;
use support::gatepost::binary;

/// Folders that a demo has left behind.
fn left(temporary: &tempfile::TempDir) -> usize {
    fs::read_dir(temporary.path()).unwrap().count()
}

#[test]
fn a_demo_that_is_over_leaves_nothing_behind_unless_it_is_to() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = binary();
    command.args(["demo", "--once"]).env("TMPDIR", temporary.path());
    let run = drive::run(command, &[]);
    assert_eq!(run.code, Some(0), "{}", run.text());
    assert!(run.text().contains("--keep keeps it"), "{}", run.text());
    assert_eq!(left(&temporary), 0);
}

/// What somebody has sent to it by hand is there to be looked at.
#[test]
fn a_demo_that_is_ended_by_hand_says_where_the_mail_lies() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = binary();
    command.arg("demo").env("TMPDIR", temporary.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("until Ctrl-C")));
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let rest: Vec<String> = lines.collect();
    assert!(child.wait().unwrap().success(), "{rest:?}");
    let folder = fs::read_dir(temporary.path()).unwrap().next().unwrap().unwrap().path();
    let stays = format!("stay: {}", folder.display());
    assert!(rest.iter().any(|line| line.contains(&stays)), "{rest:?}");
    assert_eq!(fs::read_dir(folder.join("Maildir/new")).unwrap().count(), 2);
}

#[test]
fn the_demo_shows_what_it_promises_and_keeps_the_mail() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = binary();
    command.args(["demo", "--once", "--keep"]).env("TMPDIR", temporary.path());
    let run = drive::run(command, &[]);
    let text = run.text();
    assert_eq!(run.code, Some(0), "{text}");
    for (tried, heard, why) in [
        ("a good message ", "250 2.0.0 ", "Maildir"),
        ("relaying to a stranger", "550 5.7.1 ", "relay guard"),
        ("relaying by user%else@ours", "550 5.7.1 ", "relay guard"),
        ("1 MB, said beforehand", "552 5.3.4 ", "message_size"),
        ("too large, not said beforehand", "552 5.3.4 ", "while it came in"),
        ("a HELO that is no name", "550 5.7.1 Your HELO", "policy helo"),
        ("a client on a block list", "550 5.7.1 Your address 127.0.0.5", "bl.demo.example"),
        ("smuggling a second message", "550 5.6.11 ", "bare LF"),
        ("a policy that crashes", "451 4.3.0 ", "on_error"),
        ("a good message, after all that", "250 2.0.0 ", "no"),
    ] {
        let line = text.lines().find(|line| line.starts_with("ok ") && line.contains(tried));
        let line = line.unwrap_or_else(|| panic!("{tried}\n{text}"));
        assert!(line.contains(heard) && line.contains(why), "{line}");
    }
    assert!(!text.contains("BAD"), "{text}");
    let folder = fs::read_dir(temporary.path()).unwrap().next().unwrap().unwrap().path();
    assert!(text.contains(folder.to_str().unwrap()), "{text}");
    let mut mail: Vec<String> = fs::read_dir(folder.join("Maildir/new"))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    mail.sort();
    assert_eq!(mail.len(), 2, "two were acknowledged, and nothing was smuggled");
    assert!(mail.iter().all(|one| one.contains("\n.this line begins with a dot.")), "{mail:?}");
    let log = fs::read_to_string(folder.join("gatepost.log")).unwrap();
    assert!(log.contains("touchy.lua:9:"), "the log says where the crash is: {log}");
}
