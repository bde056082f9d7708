//! Mistakes in the files that `[auth]`, `[tls]` and backends name: each at the key that names it, all at once.

use std::fs;
use std::path::Path;

use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;

use crate::support::drive::{self, Run};
use crate::support::gatepost::binary;
use crate::{check, toml};

const BCRYPT: &str = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy";

/// A set-up whose listener takes logins, with `rest`.
fn logging_in(rest: &str) -> String {
    toml(
        "domains = \"ours.example\"",
        "address = \"127.0.0.1:9\"\ntls = \"verified\"\nca = \"gone.pem\"",
        rest,
    )
    .replace("policies =", "auth = \"optional\"\nauth_without_tls = true\npolicies =")
}

/// `mx.pem` with its `mx.key`, and a key of somebody else.
fn write(folder: &Path) {
    let params = CertificateParams::new(vec!["mx.ours.example".to_owned()]).unwrap();
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    fs::write(folder.join("mx.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(folder.join("mx.key"), key.serialize_pem()).unwrap();
    fs::write(folder.join("other.key"), other.serialize_pem()).unwrap();
    let lines = ["# ours", &format!("ann:{BCRYPT}"), "bob:pencil", "paperclip", &format!("ANN:{BCRYPT}")];
    fs::write(folder.join("users"), lines.join("\n")).unwrap();
}

/// What stands at each mistake: key, file, line, and what the caret is below.
fn places(run: &Run) -> Vec<(String, String, u64, String)> {
    let json: Value =
        serde_json::from_slice(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.text()));
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let problems = json["problems"].as_array().unwrap().iter().filter(|one| one["severity"] == "error");
    let place = |one: &Value| {
        let file = text(&one["file"]);
        let name = file.rsplit('/').next().unwrap_or_default().to_owned();
        assert!(one["column"].as_u64().is_some_and(|column| column > 0), "{one}");
        (text(&one["key"]), name, one["line"].as_u64().unwrap_or(0), text(&one["found"]))
    };
    problems.map(place).collect()
}

#[test]
fn all_mistakes_in_named_files_are_told_at_once_each_at_its_key() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let rest = "[tls]\ncertificate = \"mx.pem\"\nkey = \"other.key\"\n[[tls.host]]\nname = \"a.example\"\n\
                certificate = \"users\"\nkey = \"gone.key\"\n[auth]\nverify = \"file:users\"\n\
                [[listener]]\nname = \"second\"\nbind = \"127.0.0.1:0\"\nauth = \"optional\"\n\
                [listener.logins]\nverify = \"ldaps://127.0.0.1\"\n[listener.logins.ldap]\nca = \"gone.pem\"\n\
                base = \"dc=a\"\nfilter = \"(uid={user})\"\nsearch_dn = \"cn=a\"\nsearch_password_file = \"gone\"\n\
                [limits]\nerrors = \"many\"";
    let whole = logging_in(rest);
    let line = |text: &str| {
        let found = whole.lines().position(|line| line == text).unwrap_or_else(|| panic!("{text}"));
        u64::try_from(found).unwrap() + 1
    };
    let at = |key: &str, text: &str, found: &str| {
        (key.to_owned(), "gatepost.toml".to_owned(), line(text), found.to_owned())
    };
    let user =
        |line: u64, found: &str| ("auth.verify".to_owned(), "users".to_owned(), line, found.to_owned());
    let gone = "there is no such file";
    let mut want = vec![
        at("backend.ca", "ca = \"gone.pem\"", gone),
        at("tls.key", "key = \"other.key\"", "this file can't be used"),
        at("tls.host.certificate", "certificate = \"users\"", "this file can't be used"),
        at("tls.host.key", "key = \"gone.key\"", gone),
        at("listener.logins.ldap.search_password_file", "search_password_file = \"gone\"", gone),
        at("limits.errors", "errors = \"many\"", "found \"many\""),
        user(3, "this can't be used as a hash"),
        user(4, "not USER:HASH"),
        user(5, "the same user"),
    ];
    // The second `ca = "gone.pem"` is the directory's.
    let ca = whole.lines().enumerate().filter(|(_, line)| *line == "ca = \"gone.pem\"").nth(1).unwrap().0;
    want.push((
        "listener.logins.ldap.ca".into(),
        "gatepost.toml".into(),
        u64::try_from(ca).unwrap() + 1,
        gone.into(),
    ));
    let run = check(folder.path(), &whole, &["--json"]);
    let mut found = places(&run);
    found.sort();
    want.sort();
    assert_eq!(found, want);
    assert_eq!(run.code, Some(2));
    for run in [check(folder.path(), &whole, &[]), start(folder.path())] {
        let text = run.text();
        assert_eq!(run.code, Some(2), "{text}");
        assert_eq!(text.matches("error: ").count(), want.len(), "{text}");
        for part in
            ["^^^", "users:3:5", "bob:…", "the file is named here", "the certificate", "stands here already"]
        {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        for secret in ["pencil", "paperclip", "CCCC", "BEGIN PRIVATE KEY-----\n"] {
            assert!(!text.contains(secret), "{secret} in\n{text}");
        }
    }
}

/// `gatepost run` of the configuration in `folder`.
fn start(folder: &Path) -> Run {
    let mut command = binary();
    command.arg("run").arg("-c").arg(folder.join("gatepost.toml"));
    drive::run(command, &[])
}

/// What only the files say is said at start as well, with exit code 2.
#[test]
fn a_start_with_a_wrong_users_file_or_certificate_is_refused_like_any_other_mistake() {
    for (rest, part) in [
        ("[auth]\nverify = \"file:users\"", "users:3:5"),
        ("[auth]\nverify = \"file:gone\"", "gatepost.toml:18:10"),
        ("[auth]\nverify = \"file:good\"\n[tls]\ncertificate = \"good\"", "gatepost.toml:20:15"),
        ("[auth]\nverify = \"policy:helo\"", "gatepost.toml:18:10"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path());
        fs::write(folder.path().join("good"), format!("ann:{BCRYPT}\n")).unwrap();
        let whole = logging_in(rest).replace("\ntls = \"verified\"\nca = \"gone.pem\"", "");
        fs::write(folder.path().join("gatepost.toml"), &whole).unwrap();
        let run = start(folder.path());
        assert_eq!(run.code, Some(2), "{rest}\n{}", run.text());
        assert!(run.text().contains(part), "{rest}: {part} in\n{}", run.text());
    }
}

#[test]
fn a_users_file_full_of_mistakes_does_not_fill_the_screen() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("users"), "x\n".repeat(500)).unwrap();
    let whole =
        logging_in("[auth]\nverify = \"file:users\"").replace("\ntls = \"verified\"\nca = \"gone.pem\"", "");
    let run = check(folder.path(), &whole, &["--quiet"]);
    assert_eq!(run.code, Some(2));
    assert!(run.text().contains("480 more lines are wrong"), "{}", run.text());
    assert_eq!(run.text().matches("error: ").count(), 21);
}
