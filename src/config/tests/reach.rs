//! What policies may ask: maps, and `allow`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{LEAST, bad, good};
use crate::ldap::access::Access;
use crate::ldap::server::{Security, Server as DirectoryServer};
use crate::lookup::map::bounds::Bounds;
use crate::lookup::map::config::Source;
use crate::lookup::map::directory::Directory;
use crate::lookup::map::socketmap::{Place, Server};
use crate::lookup::map::table::Kind;
use crate::lua::capability::Capabilities;

fn only(words: &[&str]) -> Option<Arc<Capabilities>> {
    Some(Arc::new(Capabilities::only(words.iter().map(|word| word.parse().unwrap()).collect())))
}

#[test]
fn maps_have_a_source_and_a_kind() {
    let text =
        "[map.people]\nsource = \"file:people\"\n[map.nets]\nsource = \"file:/etc/nets\"\nkind = \"cidr\"\n";
    let config = good(&format!("{LEAST}{text}")).config;
    let told: Vec<_> = config
        .maps
        .iter()
        .map(|named| {
            let Source::File(path) = &named.map.source else { panic!("{named:?}") };
            (named.map.name.as_str(), path.as_path(), named.map.kind)
        })
        .collect();
    let want = [("people", Path::new("people"), Kind::Hash), ("nets", Path::new("/etc/nets"), Kind::Cidr)];
    assert_eq!(told, want);
}

#[test]
fn a_map_on_a_web_server_has_its_times() {
    let text =
        "[map.m]\nsource = \"https://a.example/{key}\"\nttl = \"2m\"\nnegative_ttl = 5\nstale = \"1d\"\n";
    let map = good(&format!("{LEAST}{text}")).config.maps.remove(0).map;
    assert_eq!(map.source, Source::Http("https://a.example/{key}".parse().unwrap()));
    let seconds = [map.times.ttl, map.times.negative_ttl, map.times.stale].map(|time| time.as_secs());
    assert_eq!(seconds, [120, 5, 86_400]);
    assert_eq!(map.bounds, Bounds::default());
}

/// As Postfix names them in socketmap_table(5).
#[test]
fn a_socketmap_has_a_server_and_a_name() {
    let inet = |host: &str, port| Server::Inet { host: host.into(), port };
    for (source, server, name) in [
        ("inet:127.0.0.1:8461:postfix", inet("127.0.0.1", 8461), "postfix"),
        ("inet:[::1]:8461:a", inet("[::1]", 8461), "a"),
        ("inet:maps.example:1:a/b", inet("maps.example", 1), "a/b"),
        ("unix:/run/maps:people", Server::Unix("/run/maps".into()), "people"),
        ("unix:maps:people", Server::Unix("maps".into()), "people"), // beside the configuration
        ("unix:/run/a:b:people", Server::Unix("/run/a:b".into()), "people"),
    ] {
        let text = format!("[map.m]\nsource = \"socketmap:{source}\"\ntimeout = \"2s\"\nconnections = 3\n");
        let map = good(&format!("{LEAST}{text}")).config.maps.remove(0).map;
        assert_eq!(map.source, Source::Socketmap(Place { server, name: name.into() }), "{source}");
        assert_eq!(map.bounds, Bounds { timeout: Duration::from_secs(2), connections: 3 });
    }
}

const DIRECTORY: &str = "base = \"dc=a\"\nfilter = \"(mail={key})\"\nattribute = \"uid\"\n";

/// With the names that `[auth.ldap]` has.
#[test]
fn a_map_in_a_directory_has_a_search() {
    let text = "source = \"ldap://a.example:1389\"\nscope = \"one\"\nsearch_dn = \"cn=a,dc=a\"\nttl = \"2m\"\n\
                search_password_file = \"/pw\"\nca = \"/ca\"\nstarttls = true\nconnections = 3\ntimeout = \"2s\"\n";
    let map = good(&format!("{LEAST}[map.m]\n{text}{DIRECTORY}")).config.maps.remove(0).map;
    let security = Security { ca: Some("/ca".into()), starttls: Some(true), without_tls: false };
    let server = DirectoryServer::Tcp { host: "a.example".into(), port: 1389, is_ldaps: false };
    let account = Some(("cn=a,dc=a".to_owned(), "/pw".into()));
    let want = Directory {
        access: Access { server, account, security },
        base: "dc=a".into(),
        filter: "(mail={key})".parse().unwrap(),
        is_one_level: true,
        attribute: "uid".into(),
    };
    assert_eq!(map.source, Source::Ldap(Box::new(want)));
    assert_eq!(map.bounds, Bounds { timeout: Duration::from_secs(2), connections: 3 });
    assert_eq!(map.times.ttl, Duration::from_secs(120));
}

#[test]
fn what_does_not_fit_a_directory_is_told() {
    let without = |name: &str| -> String {
        DIRECTORY.lines().filter(|line| !line.starts_with(name)).map(|line| format!("{line}\n")).collect()
    };
    let with = |more: &str| format!("{DIRECTORY}{more}\n");
    for (source, rest, want) in [
        ("ldap://a.example", without("base"), "`map.x.base` is missing"),
        ("ldap://a.example", without("filter"), "`map.x.filter` is missing"),
        ("ldap://a.example", without("attribute"), "`map.x.attribute` is missing"),
        ("ldap://a.example", with("search_dn = \"cn=a\""), "`map.x.search_password_file` is missing"),
        ("ldap://a.example", with("search_password_file = \"/pw\""), "`map.x.search_dn` is missing"),
        (
            "ldap://a.example",
            with("starttls = false"),
            "what is asked would go to ldap://a.example:389 in clear text",
        ),
        ("ldaps://a.example", with("starttls = true"), "there is no STARTTLS with ldaps://a.example:636"),
        ("ldap://localhost", with("ca = \"/ca\""), "`map.x.ca` says nothing here: no TLS is spoken to"),
        ("ldapi:/s", with("kind = \"hash\""), "`map.x.kind` says nothing here"),
        (
            "ldapi:/s",
            without("filter") + "filter = \"(mail={user})\"",
            "in braces stand {key}, {local} and {domain}",
        ),
        (
            "ldapi:/s",
            without("filter") + "filter = \"(mail=*)\"",
            "the key has no place in it: {key} or {local}",
        ),
        (
            "ldapi:/s",
            without("filter") + "filter = \"mail={key}\"",
            "stands in parentheses, as \"(mail={key})\"",
        ),
        ("ldapi:/s", without("base") + "base = \"a.example\"", "`map.x.base` can't be used"),
        ("ldapi:/s", without("attribute") + "attribute = \"a b\"", "`map.x.attribute` must be the name of"),
    ] {
        let broken = bad(&format!("{LEAST}[map.x]\nsource = \"{source}\"\n{rest}"));
        let told: Vec<&str> = broken.problems.iter().map(|problem| problem.message.as_str()).collect();
        assert!(told.len() == 1 && told[0].contains(want), "{source}\n{rest}\nwanted {want}\ngot {told:#?}");
    }
}

#[test]
fn a_maxmind_db_is_named_in_two_ways() {
    for (text, field) in [
        ("source = \"mmdb:/x\"", None),
        ("source = \"mmdb:/x\"\nkind = \"mmdb\"", None),
        ("source = \"file:/x\"\nkind = \"mmdb\"", None),
        ("source = \"file:/x\"\nkind = \"mmdb\"\nfield = \"a.0\"", Some("a.0")),
        ("source = \"mmdb:/x\"\nfield = \"a.0\"", Some("a.0")),
    ] {
        let map = good(&format!("{LEAST}[map.m]\n{text}\n")).config.maps.remove(0).map;
        let field = field.map(|field| field.parse().unwrap());
        assert_eq!(map.source, Source::Mmdb("/x".into(), field), "{text}");
    }
}

#[test]
fn a_policy_may_reach_what_it_says_itself_else_what_is_said_for_all() {
    let plain = good(LEAST).config;
    assert_eq!(plain.policy[0].allow, None, "everything but web servers in the site");
    let general = good(&format!("{LEAST}[policies]\nallow = \"dns\"\n")).config;
    assert_eq!(general.policy[0].allow, only(&["dns"]));
    let text = "[policies]\nallow = \"dns\"\n[policy.access]\nallow = [\"map:people\", \"http:https://api.example/v1\"]\n";
    let own = good(&format!("{LEAST}{text}")).config;
    assert_eq!(own.policy[0].allow, only(&["map:people", "http:https://api.example/v1"]));
    let nothing = good(&format!("{LEAST}[policies]\nallow = \"dns\"\n[policy.access]\nallow = []\n")).config;
    assert_eq!(nothing.policy[0].allow, only(&[]), "nothing is not the same as not said");
}

#[test]
fn what_is_no_source_and_no_capability_is_told() {
    for (text, want) in [
        ("[map.x]\nkind = \"hash\"\n", "`map.x.source` is missing"),
        ("[map.x]\nsource = \"people\"\n", "`map.x.source` must say where the map is"),
        ("[map.x]\nsource = \"file:\"\n", "`map.x.source` must say where the map is"),
        ("[map.x]\nsource = \"ldap:a.example\"\n", "`map.x.source` must say where the map is"),
        ("[map.x]\nsource = \"ldapi:\"\n", "`map.x.source` must say where the map is"),
        ("[map.x]\nsource = \"ldap://a b\"\n", "`map.x.source` names no server"),
        (
            "[map.x]\nsource = \"ldap://a.example/dc=a\"\n",
            "`map.x.source` names more than a server: the DN and the filter stand in keys of their own",
        ),
        ("[map.x]\nsource = \"file:x\"\nbase = \"dc=a\"\n", "`map.x.base` says nothing here"),
        ("[map.x]\nsource = \"https://{key}.example\"\n", "`map.x.source` can't be asked: its host"),
        ("[map.x]\nsource = \"http://ann:pw@a.example\"\n", "`map.x.source` can't be asked: it has a user"),
        ("[map.x]\nsource = \"https://a.example\"\nkind = \"cidr\"\n", "`map.x.kind` says nothing here"),
        ("[map.x]\nsource = \"file:x\"\nkind = \"btree\"\n", "`map.x.kind` must be \"hash\", \"cidr\""),
        ("[map.x]\nsource = \"mmdb:\"\n", "`map.x.source` must say where the map is"),
        ("[map.x]\nsource = \"mmdb:x\"\nkind = \"hash\"\n", "`map.x.kind` says nothing here"),
        ("[map.x]\nsource = \"mmdb:x\"\nfield = \"country.\"\n", "`map.x.field` names no field"),
        ("[map.x]\nsource = \"mmdb:x\"\nttl = \"5m\"\n", "`map.x.ttl` says nothing here"),
        ("[map.x]\nsource = \"file:x\"\nfield = \"country\"\n", "`map.x.field` says nothing here"),
        ("[map.x]\nsource = \"file:x\"\nttl = \"5m\"\n", "`map.x.ttl` says nothing here"),
        ("[map.x]\nsource = \"socketmap:inet:a.example:x\"\n", "`map.x.source` must be \"socketmap:inet:"),
        ("[map.x]\nsource = \"socketmap:inet:a.example:0:x\"\n", "`map.x.source` must be \"socketmap:inet:"),
        (
            "[map.x]\nsource = \"socketmap:inet:a.example:8461:\"\n",
            "`map.x.source` must be \"socketmap:inet:",
        ),
        ("[map.x]\nsource = \"socketmap:unix:/run/maps\"\n", "`map.x.source` must be \"socketmap:inet:"),
        ("[map.x]\nsource = \"socketmap:unix::x\"\n", "`map.x.source` must be \"socketmap:inet:"),
        ("[map.x]\nsource = \"socketmap:tcp:a.example:1:x\"\n", "`map.x.source` must be \"socketmap:inet:"),
        ("[map.x]\nsource = \"socketmap:unix:/run/maps:a b\"\n", "`map.x.source` must be \"socketmap:inet:"),
        ("[map.x]\nsource = \"socketmap:\"\n", "`map.x.source` must say where the map is"),
        ("[map.x]\nsource = \"socketmap:unix:s:x\"\nkind = \"hash\"\n", "`map.x.kind` says nothing here"),
        ("[map.x]\nsource = \"socketmap:unix:s:x\"\nconnections = 0\n", "`map.x.connections` can't be 0"),
        (
            "[map.x]\nsource = \"https://a.example\"\nconnections = 3\n",
            "`map.x.connections` says nothing here",
        ),
        ("[map.x]\nsource = \"file:x\"\ntimeout = \"5s\"\n", "`map.x.timeout` says nothing here"),
        ("[map.\"a b\"]\nsource = \"file:x\"\n", "this is no name"),
        ("[policy.access]\nallow = \"htpp\"\n", "there is no capability \"htpp\"; did you mean \"http\"?"),
        ("[policies]\nallow = [\"dns\", \"rspamd\"]\n", "the capability \"rspamd\" is not in this version"),
        ("[policies]\nallow = 5\n", "`policies.allow` must be a list"),
        ("[policy.access]\nallow = \"http:api.example\"\n", "\"api.example\" is no beginning of URLs"),
    ] {
        let broken = bad(&format!("{LEAST}{text}"));
        let told: Vec<&str> = broken.problems.iter().map(|problem| problem.message.as_str()).collect();
        assert!(told.len() == 1 && told[0].contains(want), "{text}\nwanted {want}\ngot {told:#?}");
    }
}
