//! Postfix's own client of its tables.

use std::fs;
use std::process::Command;

use crate::support::postfix::sbin;

/// What `postmap -q` says of `key` in `table`: "value …", "kind none", or "kind " and that there was trouble.
pub fn query(table: &str, key: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("main.cf"), "compatibility_level = 3.6\n").unwrap();
    let output = Command::new(sbin("postmap"))
        .args(["-c", directory.path().to_str().unwrap(), "-q", key, table])
        .output()
        .unwrap();
    let (value, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    match (output.status.code(), error.is_empty()) {
        (Some(0), true) => format!("value {}", value.trim_end_matches('\n')),
        (Some(1), true) => "kind none".to_owned(),
        _ => format!("kind trouble: {error}"),
    }
}
