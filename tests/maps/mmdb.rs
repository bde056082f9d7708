//! `mmdb:`, by MaxMind's own test databases.

use std::fs;
use std::path::Path;

use crate::front::{ask, gatepost};

const DATABASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mmdb");
const COUNTRIES: &str = "GeoLite2-Country-Test.mmdb";

fn place(database: &str, path: &Path) {
    // As those do that keep databases up to date: never half a file.
    fs::copy(Path::new(DATABASES).join(database), path.with_extension("new")).unwrap();
    fs::rename(path.with_extension("new"), path).unwrap();
}

#[test]
fn a_database_is_read_on_reload_and_a_broken_one_leaves_the_old_one_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    place(COUNTRIES, &path);
    let gatepost = gatepost(&format!("source = \"mmdb:{}\"", path.display()));
    // The policy asks for the local part.
    assert_eq!(ask(&gatepost, "2.125.160.217@local.example"), "value GB");
    assert_eq!(ask(&gatepost, "192.0.2.1@local.example"), "kind none");
    assert_eq!(ask(&gatepost, "nonsense@local.example"), "kind invalid");
    place("MaxMind-DB-test-broken-pointers-24.mmdb", &path);
    gatepost.reload();
    gatepost.log_line(&["ERROR", "key=map.m.source", "is no MaxMind DB, or a broken one"]);
    assert_eq!(ask(&gatepost, "2.125.160.217@local.example"), "value GB");
    place("GeoLite2-ASN-Test.mmdb", &path);
    gatepost.reload();
    gatepost.log_line(&["INFO", "configuration reloaded"]);
    assert_eq!(ask(&gatepost, "1.0.0.1@local.example"), "value 15169");
}
