//! The unit of contrib/ under a real systemd: it is ready, reloads, is started again after a crash, and stops.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use crate::support::drive;
use crate::support::gatepost::binary;
use crate::toml;

/// Says that `what` was not tested, past the capture of output: nobody is to believe that it was.
pub fn skip(what: &str, why: &str) {
    let _ = std::io::stderr().write_all(format!("SKIPPED {what}: {why}\n").as_bytes());
}

/// Why no systemd of our own can be run here.
fn obstacle() -> Option<&'static str> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root can give it namespaces of its own");
    }
    if !Path::new("/lib/systemd/systemd").exists() {
        return Some("there is no /lib/systemd/systemd");
    }
    let can_mount = ["--pid", "--fork", "--mount", "--mount-proc", "mount", "-t", "tmpfs", "tmpfs", "/run"];
    let tried = Command::new("unshare").args(can_mount).output();
    let is_possible = tried.is_ok_and(|tried| tried.status.success());
    (!is_possible).then_some("no namespaces here: not permitted, or no unshare")
}

/// The exit code of a service whose namespaces can't be set up. Source: systemd.exec(5), "Process Exit Codes".
const NAMESPACE: &str = "226";

#[test]
fn the_unit_runs_under_systemd() {
    if let Some(why) = obstacle() {
        return skip("the unit under a real systemd", why);
    }
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("gatepost.toml");
    let spool = folder.path().join("spool");
    fs::create_dir(&spool).unwrap();
    fs::write(&configuration, toml("", &format!("[spool]\ndirectory = \"{}\"", spool.display()))).unwrap();
    let mut script = Command::new("tests/service/under-systemd");
    script.current_dir(env!("CARGO_MANIFEST_DIR"));
    script.arg(folder.path()).arg(binary().get_program()).arg(&configuration);
    let run = drive::run(script, &[]);
    let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    let manager = fs::read_to_string(folder.path().join("manager")).unwrap_or_default();
    let text = run.text();
    let saw: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
    if saw.get("first_exit_code") == Some(&NAMESPACE) {
        return skip("the unit under a real systemd", "its ProtectX= settings are not permitted here");
    }
    for (key, want) in [
        ("started", "yes"),
        ("after_start", "active"),
        ("status", "serving"),
        ("after_a_bad_reload", "active"),
        ("status_of_a_bad_reload", "serving the old configuration: the new one has mistakes, see the log"),
        ("restarts", "1"),
        ("after_a_crash", "active"),
        ("after_stop", "inactive"),
        ("result", "success"),
        ("exit_code", "0"),
    ] {
        assert_eq!(saw.get(key), Some(&want), "{key} in\n{text}\nlog:\n{log}\nmanager:\n{manager}");
    }
    assert_eq!(saw.get("missing"), None, "{text}\n{log}");
    assert!(log.contains("INFO ended"), "{log}");
}

#[test]
fn systemd_finds_no_fault_with_the_units() {
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(["verify", "contrib/gatepost.service", "contrib/gatepost.socket"]);
    let Ok(found) = analyze.current_dir(env!("CARGO_MANIFEST_DIR")).output() else {
        return skip("the units' syntax", "there is no systemd-analyze");
    };
    let said = String::from_utf8_lossy(&found.stderr);
    // That gatepost is not installed here is no fault of the unit's.
    let faults: Vec<&str> =
        said.lines().filter(|line| !line.contains("/usr/local/bin/gatepost is not")).collect();
    assert!(faults.is_empty(), "{said}");
}
