//! All mistakes at once, each with its place; what is only unwise is a warning.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::{check, toml};

const RELAY: &str = "domains = \"ours.example\"";
const MAILDIR: &str = "address = \"maildir:Maildir\"";

#[test]
fn a_set_up_without_mistakes_is_printed_as_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let run = check(folder.path(), &toml(RELAY, MAILDIR, ""), &[]);
    let text = run.text();
    assert_eq!(run.code, Some(0), "{text}");
    for part in [
        "message_size = \"50 MB\"",
        "domains = \"ours.example\"",
        "gatepost.toml:3",
        "helo.lua: ehlo",
        "descriptors that may be needed: 21",
        "gatepost.toml: no mistakes, no warnings",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let quiet = check(folder.path(), &toml(RELAY, MAILDIR, ""), &["--quiet"]);
    assert_eq!((quiet.code, quiet.text().as_str()), (Some(0), ""));
}

#[test]
fn a_wrong_map_is_shown_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("nets"), "192.0.2.0/24 ok\n\n192.0.2.300 no\n").unwrap();
    fs::write(folder.path().join("half.mmdb"), "half of a database").unwrap();
    let rest = "[map.nets]\nsource = \"file:nets\"\nkind = \"cidr\"\n[map.gone]\nsource = \"file:gone\"\n\
                [map.half]\nsource = \"mmdb:half.mmdb\"";
    let run = check(folder.path(), &toml(RELAY, MAILDIR, rest), &[]);
    let text = run.text();
    assert_eq!(run.code, Some(2), "{text}");
    for part in [
        "map \"nets\": \"192.0.2.300\" is neither an address nor a network",
        "nets:3:1",
        "192.0.2.300 no",
        "map \"gone\": ",
        "can't be read",
        "half.mmdb: is no MaxMind DB, or a broken one",
        "source = \"mmdb:half.mmdb\"",
        "^^^^^^^^^^^^^^^^",
        "3 mistakes",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn mistakes_of_all_kinds_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("site.lua"), "return {\n  mial = function() end,\n}\n").unwrap();
    fs::write(folder.path().join("broken.lua"), "return {\n  mail = function(\n}\n").unwrap();
    let rest = "[limits]\nerrors = \"many\"\n[policy.site]\nscript = \"site.lua\"\n[policy.broken]\nscript = \"broken.lua\"\n\
                [policy.helo]\nstrength = 3\n[log]\nfile = \"/nowhere/log\"";
    let whole =
        toml(RELAY, MAILDIR, rest).replace("[\"helo\"]", "[\"helo\", \"site\", \"broken\", \"hello\"]");
    let run = check(folder.path(), &whole, &[]);
    let text = run.text();
    assert_eq!(run.code, Some(2), "{text}");
    for part in [
        "`limits.errors`",
        "gatepost.toml:16:10",
        "'mial' is no hook",
        "site.lua:2:3",
        "did you mean 'mail'?",
        "broken.lua:3:1",
        "has no option 'strength'",
        "there is no policy \"hello\"",
        "did you mean `helo`?",
        "log.file /nowhere/log can't be written: No such file or directory",
        "gatepost.toml: 6 mistakes, no warnings",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn what_is_unwise_is_a_warning_and_no_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let whole = toml(
        "domains = [\"ours.example\", \".example.org\", \".co.uk\"]\nnetworks = \"0.0.0.0/0\"",
        &format!("address = \"{address}\""),
        "[policy.size]\nlargest = \"1 MB\"",
    );
    let whole = whole.replace("127.0.0.1:0", &address).replace("policies = [\"helo\"]\n", "");
    let run = check(folder.path(), &whole, &[]);
    let text = run.text();
    assert_eq!(run.code, Some(2), "the policy's option is not known: {text}");
    for part in [
        "has no policies",
        "no listener uses policy \"size\"",
        "this is everybody: an open relay",
        "relay.domains has \".co.uk\": every domain below a public suffix",
        "is gatepost's own listener",
        "is in use: by a running gatepost, or by another program",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains(".example.org\": every"), "{text}");
    let run = check(folder.path(), &whole.replace("[policy.size]\nlargest = \"1 MB\"", ""), &[]);
    assert_eq!(run.code, Some(0), "{}", run.text());
}

#[test]
fn files_are_tested_as_the_service_user() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can become another user");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("domains"), "ours.example\n").unwrap();
    fs::set_permissions(folder.path().join("domains"), fs::Permissions::from_mode(0o600)).unwrap();
    let whole = toml("domains = \"file:domains\"", MAILDIR, "");
    assert_eq!(check(folder.path(), &whole, &[]).code, Some(0));
    let run = check(folder.path(), &format!("{whole}\n[service]\nuser = \"65534\"\ngroup = \"65534\""), &[]);
    let text = run.text();
    assert_eq!(run.code, Some(2), "{text}");
    for part in ["domains can't be read: Permission denied", "spool.directory", "maildir:", "can't be used"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn a_folder_that_cannot_be_used_is_told_at_the_key_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let whole = |more: &str| toml(RELAY, MAILDIR, "").replace("[spool]\ndirectory = \".\"", more);
    for (more, key, place, why) in [
        ("[service]\nstate_directory = \"no/rel\"", "service.state_directory", ":14:19", "can't be made"),
        (
            "[service]\nstate_directory = \"gatepost.toml\"",
            "service.state_directory",
            ":14:19",
            "is no folder",
        ),
        ("[spool]\ndirectory = \"rel\"", "spool.directory", ":14:13", "No such file or directory"),
    ] {
        let run = check(folder.path(), &whole(more), &[]);
        let text = run.text();
        assert_eq!(run.code, Some(2), "{text}");
        for part in [key, place, why, "gatepost.toml: 1 mistake, no warnings"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
    let run = check(folder.path(), &whole("[service]\nstate_directory = \"rel\""), &[]);
    assert_eq!(run.code, Some(0), "it is made at start: {}", run.text());
}

#[test]
fn json_tells_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let run = check(folder.path(), &toml(RELAY, MAILDIR, "[limits]\nerorrs = 3"), &["--json"]);
    assert_eq!(run.code, Some(2));
    let told: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(told["usable"], false);
    assert_eq!(told["problems"][0]["line"], 16);
    assert_eq!(told["problems"][0]["column"], 1);
    assert_eq!(told["problems"][0]["key"], "limits.erorrs");
    let run = check(folder.path(), &toml(RELAY, MAILDIR, ""), &["--json"]);
    assert_eq!(run.code, Some(0));
    let told: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&told["usable"], &told["policies"][0]["name"]), (&true.into(), &"helo".into()));
    assert!(run.stderr.is_empty());
}

#[test]
fn names_that_a_policy_asks_for_in_vain_are_warnings() {
    let folder = tempfile::tempdir().unwrap();
    let script = "return {\n  mail = function(session, mail)\n    if session.clientip == lookfor then\n      \
                  return rejct(\"no\")\n    end\n  end,\n}\n";
    fs::write(folder.path().join("site.lua"), script).unwrap();
    let rest = "[policy.site]\nscript = \"site.lua\"";
    let whole = toml(RELAY, MAILDIR, rest).replace("[\"helo\"]", "[\"helo\", \"site\"]");
    let run = check(folder.path(), &whole, &[]);
    let text = run.text();
    assert_eq!(run.code, Some(0), "{text}");
    for part in [
        "policy \"site\": session has no field 'clientip'",
        "site.lua:3:16",
        "^^^^^^^^\n",
        "did you mean 'client.ip'?",
        "unknown global 'lookfor'",
        "site.lua:4:14",
        "did you mean 'reject'?",
        "gatepost.toml: no mistakes, 3 warnings",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn a_verdict_without_its_return_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let script = "return {\n  mail = function(session, mail)\n    if mail.is_null then reject(\"no\") end\n  end,\n}\n";
    fs::write(folder.path().join("site.lua"), script).unwrap();
    let rest = "[policy.site]\nscript = \"site.lua\"";
    let whole = toml(RELAY, MAILDIR, rest).replace("[\"helo\"]", "[\"helo\", \"site\"]");
    let run = check(folder.path(), &whole, &[]);
    let text = run.text();
    assert_eq!(run.code, Some(2), "{text}");
    for part in [
        "policy \"site\": the verdict of 'reject' is made and not returned",
        "site.lua:3:26",
        "^^^^^^\n",
        "write: return reject(…)",
        "gatepost.toml: 1 mistake, ",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}
