//! What keeps it from starting is one clear line, and an exit code that says whose mistake it is.

use std::fs;
use std::net::TcpListener;

use crate::support::drive::{self, Run};
use crate::support::gatepost::binary;
use crate::toml;

/// Runs `toml`, which can't be run, to its end.
fn refused(toml: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gatepost.toml");
    fs::write(&file, toml).unwrap();
    fs::write(folder.path().join("raises.lua"), "local x = nil + 1\nreturn {}\n").unwrap();
    let mut command = binary();
    command.arg("run").arg("-c").arg(&file);
    drive::run(command, &[])
}

#[test]
fn a_port_in_use_is_one_line_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = refused(&toml("", "").replace("127.0.0.1:0", &address));
    assert_eq!(run.code, Some(1));
    let text = run.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.starts_with(&format!("gatepost: listener front: can't listen on {address}: the port is in use"))
    );
}

#[test]
fn what_cannot_be_used_is_told_in_one_line() {
    for (change, want) in [
        (
            "bind = \"192.0.2.77:2525\"",
            "can't listen on 192.0.2.77:2525: this machine does not have the address",
        ),
        ("spool", "gatepost: spool.directory /nowhere/spool: No such file or directory"),
        ("user", "gatepost: service.user: there is no user \"no-such-user\" in /etc/passwd"),
    ] {
        let whole = match change {
            "spool" => toml("", "[spool]\ndirectory = \"/nowhere/spool\""),
            "user" => toml("", "").replace("[service]", "[service]\nuser = \"no-such-user\""),
            bind => toml("", "").replace("bind = \"127.0.0.1:0\"", bind),
        };
        let run = refused(&whole);
        let text = run.text();
        assert_eq!(run.code, Some(1), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(want), "{text}");
    }
}

#[test]
fn a_wrong_configuration_ends_with_2_and_tells_all_mistakes_at_once() {
    let run = refused(&toml("polices = []\nstrict = 1", "[spol]\nmemory = 1"));
    let text = run.text();
    assert_eq!(run.code, Some(2), "{text}");
    for part in ["did you mean `policies`?", "strict = 1", "did you mean `spool`?", "gatepost.toml:11:1"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_wrong_policy_ends_with_2_and_names_the_line() {
    let run = refused(&toml("policies = \"site\"", "[policy.site]\nscript = \"raises.lua\""));
    let text = run.text();
    assert_eq!(run.code, Some(2), "{text}");
    assert!(text.contains("raises.lua:1:1") && text.contains("arithmetic on a nil value"), "{text}");
}

#[test]
fn a_configuration_that_is_not_there_ends_with_2() {
    let mut command = binary();
    command.args(["run", "-c", "/nowhere/gatepost.toml"]);
    let run = drive::run(command, &[]);
    assert_eq!(run.code, Some(2));
    assert!(run.text().contains("/nowhere/gatepost.toml can't be read: No such file or directory"));
}

#[test]
fn wrong_usage_ends_with_2() {
    let mut command = binary();
    command.arg("rum");
    let run = drive::run(command, &[]);
    assert_eq!(run.code, Some(2));
    assert!(run.text().contains("run"), "{}", run.text());
}
