//! The catalogue names what is there, and all of it.

use std::collections::BTreeSet;

use crate::lua::catalogue::names;
use crate::lua::tests::support::{Setup, said, worker};
use crate::lua::types;

fn fields_of(class: &str) -> BTreeSet<&'static str> {
    types::all().find(|known| known.shown() == class).unwrap().fields().collect()
}

/// The keys that a function of the engine's answers to, as its source has them: `b"key" =>` and `b"key" if …`.
fn answered(source: &'static str) -> BTreeSet<&'static str> {
    let rest = source.split("b\"").skip(1);
    rest.filter_map(|rest| rest.split_once("\" =>").map(|(key, _)| key))
        .filter(|key| key.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'_'))
        .collect()
}

#[test]
fn computed_fields_are_those_that_the_engine_answers_to() {
    // The client is made with the session: every policy asks for it.
    let session = &(&answered(include_str!("../convert/session.rs"))
        | &answered(include_str!("../convert/session_facts.rs")))
        | &["client"].into();
    assert_eq!(session, fields_of("session"));
    let transaction =
        &answered(include_str!("../convert/transaction_facts.rs")) | &["index", "size_declared"].into();
    assert_eq!(transaction, fields_of("transaction"));
}

#[test]
fn plain_fields_are_those_that_objects_show() {
    let text = "
        local function keys(object)
          local all = {}
          for key in pairs(object) do all[#all + 1] = key end
          table.sort(all)
          return table.concat(all, ' ')
        end
        return {
          ehlo = function(session, ehlo)
            local made_when_read = session.client.network
            session.vars.seen = { client = keys(session.client), peer = keys(session.peer),
              server = keys(session.server), ehlo = keys(ehlo) }
          end,
          mail = function(session, mail) session.vars.seen.mail = keys(mail) end,
          rcpt = function(session, rcpt)
            session.vars.seen.rcpt = keys(rcpt)
            return reject(json.encode(session.vars.seen))
          end,
        }";
    let heard = worker(async {
        let client = Setup::new().policy("p", text).client();
        client.begin().await;
        said(&client.rcpt("<bob@ours.example>").await)
    });
    let seen: serde_json::Value = serde_json::from_str(heard.strip_prefix("550 5.7.1 ").unwrap()).unwrap();
    for class in ["client", "peer", "server", "ehlo", "mail", "rcpt"] {
        let shown: BTreeSet<&str> = seen[class].as_str().unwrap().split(' ').collect();
        assert_eq!(shown, fields_of(class), "{class}");
    }
}

#[test]
fn told_fields_are_those_that_reports_set() {
    let source = include_str!("../convert/report.rs");
    let set: BTreeSet<&str> = source
        .split("raw_set(\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"').map(|(key, _)| key))
        .collect();
    let mut named = &(&fields_of("reply") | &fields_of("outcome")) | &fields_of("ending");
    named.extend(["address", "backend"]); // of a recipient
    assert_eq!(set, named);
}

#[test]
fn every_kind_of_name_is_in_the_catalogue() {
    let names = names().unwrap();
    for name in [
        "connect",
        "reject",
        "require",
        "string",
        "dns.mx",
        "json.null",
        "session.id",
        "session:delay",
        "client:name",
    ] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
    assert!(!names.iter().any(|name| name == "dns"), "a module is its functions");
}
