//! The table of keys holds together.

use std::path::Path;

use crate::config::keys;
use crate::config::keys::key::{Default, Kind};
use crate::config::keys::markdown::markdown;
use crate::config::keys::table::Table;
use crate::config::load_str;

#[test]
fn every_key_is_described_once_and_in_full() {
    let mut seen = Vec::new();
    for key in keys::all() {
        let name = (key.table.head(), key.name);
        assert!(!seen.contains(&name), "{name:?} twice");
        seen.push(name);
        let is_table = key.table == Table::Top && key.help.is_empty();
        assert!(key.later || is_table || key.help.ends_with('.'), "{name:?} has no sentence");
        assert_eq!(key.default == Default::Words(""), key.later || is_table, "{name:?} says no default");
    }
}

/// Written out, the defaults of the table give the same set-up as leaving them out.
#[test]
fn shown_defaults_are_the_real_ones() {
    let least = "hostname = \"mx.example.org\"\nworkers = 2\n";
    let lines = |table: Table| -> String {
        let shown = keys::of(table).filter_map(|key| match key.default {
            Default::Is(value) => Some(format!("{} = {value}\n", key.name)),
            _ => None,
        });
        shown.collect()
    };
    let text = |explicit: bool| {
        let mut text = least.to_owned();
        let table = |head: &str, needed: &str, table: Table| match explicit {
            true => format!("{head}\n{needed}{}", lines(table)),
            false => format!("{head}\n{needed}"),
        };
        text += &table("[[backend]]", "address = \"127.0.0.1:26\"\n", Table::Backend);
        text += &table("[backend.timeouts]", "", Table::Timeouts);
        text += &table("[[listener]]", "bind = \"127.0.0.1:25\"\npolicies = \"access\"\n", Table::Listener);
        text += &table("[relay]", "domains = \"example.org\"\n", Table::Relay);
        text += &table("[policies]", "", Table::Policies);
        text += &table("[policies.budget]", "", Table::Budget);
        text += &table("[policy.access]", "", Table::Policy);
        // A file has a kind, a server times. `field` has no default that could be written.
        let of_file = |key: &&str| *key == "kind";
        let of_ldap = |key: &&str| ["scope", "without_tls"].contains(key);
        let of_url = |key: &&str| !of_file(key) && !of_ldap(key) && *key != "connections";
        let directory = "ldap://localhost\"\nbase = \"dc=a\"\nfilter = \"(uid={key})\"\nattribute = \"mail";
        let map = |head: &str, source: &str, keys: &dyn Fn(&&str) -> bool| {
            let shown = lines(Table::Map);
            let shown = shown.lines().filter(|line| line.split(' ').next().is_some_and(|key| keys(&key)));
            let shown: String = shown.map(|line| format!("{line}\n")).collect();
            format!("{head}\nsource = \"{source}\"\n{}", if explicit { shown } else { String::new() })
        };
        text += &map("[map.one]", "file:one", &of_file);
        text += &map("[map.two]", "https://a.example/", &of_url);
        text += &map("[map.three]", "socketmap:unix:/s:m", &|key| !of_file(key) && !of_ldap(key));
        text += &map("[map.four]", directory, &|key| !of_file(key));
        for (head, of) in [
            ("[limits]", Table::Limits),
            ("[auth]", Table::Auth),
            ("[auth.ldap]", Table::Ldap),
            ("[auth.http]", Table::Http),
            ("[store]", Table::Store),
            ("[dns]", Table::Dns),
            ("[spool]", Table::Spool),
            ("[log]", Table::Log),
            ("[metrics]", Table::Metrics),
            ("[service]", Table::Service),
        ] {
            text += &table(head, "", of);
        }
        text
    };
    let [implicit, explicit] = [false, true].map(|explicit| {
        let text = text(explicit);
        let loaded = load_str(&text, Path::new(""), &["access"]).unwrap_or_else(|broken| panic!("{broken}"));
        let mut config = loaded.config;
        config.policy.iter_mut().for_each(|policy| policy.span = crate::lua::config::Span::default());
        config.maps.iter_mut().for_each(|map| map.span = None);
        format!("{config:#?}")
    });
    assert_eq!(implicit, explicit);
}

#[test]
fn the_reference_names_every_key_of_this_version_and_no_other() {
    let page = markdown();
    for key in keys::all().filter(|key| !key.help.is_empty()) {
        assert!(page.contains(&format!("| `{}` |", key.name)), "{} is missing", key.name);
    }
    assert!(!page.contains("send_proxy_protocol") && !page.contains("lmtp"), "{page}");
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        assert_eq!(line.matches('|').count(), 5, "a cell breaks the table: {line}");
    }
}

#[test]
fn every_kind_says_what_is_possible() {
    for key in keys::all().filter(|key| !key.later) {
        assert!(!key.kind.possible().is_empty(), "{}", key.name);
        if let Kind::Choice(words) = key.kind {
            let first = words.first().map(|word| word.text).unwrap_or_default();
            assert!(key.kind.possible().starts_with(&format!("\"{first}\"")));
        }
    }
}
