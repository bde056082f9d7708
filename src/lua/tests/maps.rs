//! Maps as scripts use them: by name, by file, as an option; one copy, bounded, and told where they are wrong.

use std::path::Path;

use crate::lookup::map::bounds::Bounds;
use crate::lookup::map::config::{MapConfig, Source, Times};
use crate::lookup::map::maps::Maps;
use crate::lookup::map::table::Kind;
use crate::lua::config::OptionData;
use crate::lua::tests::modules::heard;
use crate::lua::tests::support::{Setup, option, said, worker};

/// A set-up with the map `people` of the configuration, and files beside the policies.
fn set_up(people: &str) -> Setup {
    let mut setup = Setup::new();
    let write = |name: &str, text: &str| std::fs::write(setup.folder().join(name), text).unwrap();
    write("people", people);
    write("networks", "192.0.2.0/24 ours\n0.0.0.0/0 theirs\n");
    write("domains", ".a.example below\n");
    let mmdb = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mmdb/GeoLite2-Country-Test.mmdb");
    std::fs::copy(mmdb, setup.folder().join("countries")).unwrap();
    write("patterns", "/^(.*)\\.$/ $1 with a dot\n");
    setup.parts = setup.parts.clone().with_maps(people_of(&setup));
    setup
}

/// The configuration's map `people`, in the file of that name.
pub(super) fn people_of(setup: &Setup) -> Maps {
    let source = Source::File(setup.folder().join("people"));
    let (times, bounds) = (Times::default(), Bounds::default());
    let config = MapConfig { name: "people".into(), source, kind: Kind::Hash, times, bounds };
    Maps::read(&[config], None).unwrap()
}

#[test]
fn maps_answer_with_a_value_or_a_kind() {
    let top = "local people = map.get 'people'
local networks = map.file('networks', 'cidr')
local domains = map.file('domains', 'domain')
local patterns = map.file('patterns', 'regex')
local countries = map.file('countries', 'mmdb')
local continents = map.file('countries', 'mmdb', 'continent.code')";
    for (expression, want) in [
        ("people:get('ANN@a.example')", "\"friend\""),
        ("people:get('bob@a.example')", "[null,\"none\"]"),
        ("people:contains('ann@a.example')", "true"),
        ("people:contains('bob@a.example')", "false"),
        ("people:get(('x'):rep(5000))", "[null,\"too_large\"]"),
        ("people:contains(('x'):rep(5000))", "[null,\"too_large\"]"), // not known, and no "no"
        ("#people", "1"),
        ("networks:get(session.client.ip)", "\"ours\""),
        ("networks:get('203.0.113.1')", "\"theirs\""),
        ("networks:get('nonsense')", "[null,\"invalid\"]"),
        ("domains:get('x.a.example')", "\"below\""),
        ("countries:get('2.125.160.217')", "\"GB\""),
        ("continents:get('2.125.160.217')", "\"EU\""),
        ("countries:get('192.0.2.1')", "[null,\"none\"]"),
        ("countries:contains('nonsense')", "false"),
        ("patterns:get('end.')", "\"end with a dot\""),
        ("map.get('people'):get('ann@a.example')", "\"friend\""), // in a hook, too
        ("select(2, pcall(map.file, 'people')):find('is made once') ~= nil", "true"),
        ("select(2, pcall(function() people.x = 1 end)):find('read%-only') ~= nil", "true"),
    ] {
        let body = format!("return reject(show({expression}))");
        assert_eq!(heard(set_up("ann@a.example friend\n"), top, &body), want, "{expression}");
    }
}

#[test]
fn mistakes_are_told_at_load() {
    for (top, want) in [
        (
            "\nmap.get 'poeple'\nreturn {}",
            "p.lua:2: map.get: the configuration has no [map.poeple]; did you mean \"people\"?",
        ),
        ("map.file('gone')\nreturn {}", "p.lua:1: map.file: gone: can't be read"),
        (
            "map.file('people', 'btree')\nreturn {}",
            "p.lua:1: map.file: 'btree' is none of hash, cidr, domain, regex, mmdb",
        ),
        (
            "map.file('people', 'mmdb')\nreturn {}",
            "p.lua:1: map.file: people: is no MaxMind DB, or a broken one: ",
        ),
        (
            "map.file('countries', 'mmdb', 'country.')\nreturn {}",
            "p.lua:1: map.file: 'country.': it is no field",
        ),
        (
            "map.file('people', 'hash', 'country')\nreturn {}",
            "p.lua:1: map.file: a hash map has no fields; only mmdb has",
        ),
        (
            "map.file('people', 'cidr')\nreturn {}",
            "p.lua:1: map.file: people:1: \"ann\" is neither an address nor",
        ),
    ] {
        let problems = set_up("ann friend\n").policy("p", top).problems();
        assert!(problems.contains(want), "{top}: {problems}");
    }
}

#[test]
fn an_option_can_be_a_map() {
    let text = "return { options = { who = { type = 'map' } },
        connect = function(session, client, options)
          return reject(options.who and options.who:get('ann') or 'no map')
        end }";
    let with = |name: Option<&str>| {
        set_up("ann friend\n").configured("p", text, |policy| {
            policy.options =
                name.map(|name| option("who", 1, OptionData::String(name.into()))).into_iter().collect();
        })
    };
    let heard = |setup: Setup| worker(async { said(&setup.client().connect().await) });
    assert_eq!(heard(with(Some("people"))), "554 5.7.1 friend");
    assert_eq!(heard(with(None)), "554 5.7.1 no map");
    let problems = with(Some("poeple")).problems();
    let want = "option 'who': the configuration has no [map.poeple]; did you mean \"people\"?";
    assert!(problems.contains(want), "{problems}");
}

#[test]
fn without_a_configuration_every_map_is_unknown() {
    let body = "return reject(show(map.get('any'):get('key')))";
    assert_eq!(heard(Setup::new(), "", body), "[null,\"unavailable\"]");
    assert!(!Path::new("any").exists());
}
