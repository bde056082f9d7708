//! `check --probe` of maps on servers: those that answer, and those that don't.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use crate::scripted::{Script, Scripted};
use crate::support::drive::Run;
use crate::support::slapd::{SUFFIX, Slapd};
use crate::support::socketmap::Socketmap;
use crate::support::web::Web;
use crate::{check, toml};

const KEY: &str = "gatepost-probe@mx.ours.example";

/// `check --probe` of a set-up with these maps; the backend is well.
fn probe(maps: &str, arguments: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let backend = Scripted::start(Script::default());
    let whole = toml("domains = \"ours.example\"", &format!("address = \"{}\"", backend.address), maps);
    let always = ["--probe", "--probe-recipient", "someone@else.example"];
    check(folder.path(), &whole, &[always.as_slice(), arguments].concat())
}

#[test]
fn maps_on_servers_are_asked_for_one_key() {
    let (request, web) = (format!("people {KEY}"), Web::start(false));
    let socketmap = Socketmap::start(&[(&request, "OK friend")]);
    let (people, others, url) =
        (socketmap.table("people"), socketmap.table("others"), web.url("/nothing?secret=1"));
    let maps = format!(
        "[map.people]\nsource = \"{people}\"\n[map.others]\nsource = \"{others}\"\n[map.web]\nsource = \"{url}\"\n"
    );
    let run = probe(&maps, &[]);
    let text = run.text();
    assert_eq!(run.code, Some(1), "the web server knows no maps: {text}");
    for word in [
        format!("# probe: map \"people\" at {people}\n#   asked for {KEY}: it has a value"),
        format!("# probe: map \"others\" at {others}\n#   asked for {KEY}: it answers that there is none"),
        format!("map \"web\" at {}, asked for {KEY}: the server failed", web.url("")),
        "policies that ask it would get nil, \"servfail\"".to_owned(),
    ] {
        assert!(text.contains(&word), "wanted {word} in\n{text}");
    }
    assert!(!text.contains("friend"), "{text}");
    let json: serde_json::Value = serde_json::from_slice(&probe(&maps, &["--json"]).stdout).unwrap();
    let answers: Vec<&str> =
        json["maps"].as_array().unwrap().iter().map(|map| map["answer"].as_str().unwrap()).collect();
    assert_eq!(answers, ["value", "none", "servfail"]);
}

#[test]
fn directories_are_asked_as_a_policy_would_ask_them() {
    let slapd = Slapd::start(&[("ann", "ann@ours.example", "pencil")]);
    let password = slapd.directory().join("password");
    let set_up = |secret: &str| {
        fs::write(&password, secret).unwrap();
        fs::set_permissions(&password, fs::Permissions::from_mode(0o604)).unwrap();
        format!(
            "[map.staff]\nsource = \"{}\"\nbase = \"{SUFFIX}\"\nfilter = \"(mail={{key}})\"\nattribute = \"uid\"\n\
             search_dn = \"cn=search,{SUFFIX}\"\nsearch_password_file = \"{}\"\n",
            slapd.ldap(),
            password.display()
        )
    };
    let run = probe(&set_up("finder\n"), &[]);
    let text = run.text();
    assert_eq!(run.code, Some(0), "{text}");
    assert!(text.contains("it answers that there is none"), "{text}");
    assert!(text.contains("map.staff.search_password_file: everybody on this machine can read"), "{text}");
    let run = probe(&set_up("pen\n"), &[]);
    assert_eq!(run.code, Some(1), "{}", run.text());
    assert!(run.text().contains("the server refused"), "{}", run.text());
}

#[test]
fn a_server_that_is_away_fails_the_probe() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let run = probe(&format!("[map.gone]\nsource = \"socketmap:inet:{gone}:people\"\n"), &[]);
    assert_eq!(run.code, Some(1), "{}", run.text());
    assert!(run.text().contains("the server can't be reached"), "{}", run.text());
}
