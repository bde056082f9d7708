//! Loading: every mistake is named with its place, and nothing is loaded then.

use crate::lua::config::{OptionData, OptionValue};
use crate::lua::problem::Place;
use crate::lua::tests::support::{Setup, option, span};

/// Scripts, and what is said of each.
const MISTAKES: &[(&str, &str)] = &[
    ("return {\n  mail = function( end\n}", "p.lua:2: <name> or '...' expected near 'end'"),
    ("\nreturn 7", "p.lua: a policy returns a table of its hooks, this returns an integer"),
    ("", "p.lua: a policy returns a table of its hooks, this returns nothing"),
    (
        "return {\n\n  conect = function() end }",
        "p.lua:3: 'conect' is no hook and nothing else that a policy has (did you mean 'connect'?)",
    ),
    (
        "return {\n  options = {},\n  sumary = 'x' }",
        "p.lua:3: 'sumary' is no hook and nothing else that a policy has (did you mean 'summary'?)",
    ),
    ("return { needs = 'body' }", "p.lua:1: 'needs' is not in this version"),
    ("return { mail = 'x' }", "p.lua:1: the hook 'mail' is a function, this is a string"),
    ("return { 'x' }", "p.lua: a policy is a table of names; this one has a number for a key"),
    (
        "return { mail = function()\n return rspamd.check('x') end }",
        "p.lua:2: 'rspamd' is not in this version",
    ),
    (
        "return { mail = function()\n return quarantine('x') end }",
        "p.lua:2: 'quarantine' is not in this version",
    ),
    ("local x = 1\ny = 2\nreturn {}", "p.lua:2: assignment to global 'y'; write 'local y'"),
    ("string = nil\nreturn {}", "p.lua:1: 'string' is a part of gatepost and can't be assigned"),
    ("string.upper = nil\nreturn {}", "p.lua:1: string is read-only: 'upper' can't be assigned"),
    ("local x = nil\nlocal y = x.z\nreturn {}", "p.lua:2: attempt to index a nil value (local 'x')"),
    ("return { setup = function(options)\n error('no') end }", "p.lua:2: no"),
    ("reject('x')\nreturn {}", "p.lua:1: reject: verdicts are made inside a hook"),
    (
        "return { options = { a = { type = 'strng' } } }",
        "p.lua:1: option 'a': there is no type 'strng'; did you mean 'string'?",
    ),
    (
        "return { options = {\n a = { type = 'list', of = 'map' } } }",
        "p.lua:2: option 'a': a list can't be of map",
    ),
    (
        "return { options = {\n a = { typ = 'x' } } }",
        "p.lua:2: option 'a': 'typ' says nothing about an option; did you mean 'type'?",
    ),
    (
        "return { options = {\n mode = { type = 'string' } } }",
        "p.lua:2: option 'mode': this name is taken by [policy.NAME] itself",
    ),
    (
        "return { options = {\n a = { type = 'integer', default = 'x' } } }",
        "p.lua:2: option 'a': option 'a': an integer is wanted, this is a string",
    ),
    (
        "return { options = { a = { type = 'choice' } } }",
        "p.lua:1: option 'a': a choice needs values = { … }",
    ),
    (
        "return {\n mail = function() reject('x') end, rctp = 1 }",
        "p.lua:2: the verdict of 'reject' is made and not returned (write: return reject(…))\n\
         p.lua:2: 'rctp' is no hook and nothing else that a policy has (did you mean 'rcpt'?)",
    ),
    ("while true do end", "p.lua:1: the hook exceeded its CPU budget"),
    ("local x = require 'nothing'\nreturn {}", "p.lua:1: there is no nothing.lua in the policy folders"),
    ("local x = require '../p'\nreturn {}", "p.lua:1: '../p' is no module's name: words with dots between"),
];

#[test]
fn mistakes_in_a_script_are_named_with_file_and_line() {
    for (text, want) in MISTAKES {
        assert_eq!(Setup::new().policy("p", text).problems(), *want, "{text}");
    }
}

#[test]
fn all_mistakes_are_found_at_once() {
    let setup = Setup::new().policy("a", "return {\n rctp = 1,\n needs = 1 }").policy("b", "return 1");
    let problems = setup.problems();
    for want in ["a.lua:2: 'rctp'", "a.lua:3: 'needs'", "b.lua: a policy returns"] {
        assert!(problems.contains(want), "{want} in {problems}");
    }
}

#[test]
fn bytecode_is_no_policy() {
    let problems = Setup::new().policy("p", "\x1bLua").problems();
    assert!(problems.contains("binary chunk"), "{problems}");
}

#[test]
fn mistakes_in_options_are_named_where_the_configuration_has_them() {
    let schema = "return { options = {
        zones = { type = 'list', required = true, max = 2 },
        networks = { type = 'networks' },
        limit = { type = 'integer', min = 1, max = 9 },
        wait = { type = 'duration' },
        action = { type = 'choice', values = { 'reject', 'defer' } },
        to = { type = 'backend' },
        key = { type = 'secret' },
    } }";
    let zones = || option("zones", 100, OptionData::String("bl.example".into()));
    let text = |text: &str| OptionData::String(text.into());
    for (entry, at, want) in [
        (None, 1000, "option 'zones' is required"),
        (Some(option("zone", 200, text("x"))), 200, "policy 'p' has no option 'zone'"),
        (
            Some(option("limit", 200, text("x"))),
            210,
            "option 'limit': an integer is wanted, this is a string",
        ),
        (Some(option("limit", 200, OptionData::Integer(10))), 210, "option 'limit': at most 9"),
        (
            Some(option("wait", 200, text("5 parsecs"))),
            210,
            "option 'wait': '5 parsecs' is no duration; \"90s\", \"5m\", \"1h30m\"",
        ),
        (
            Some(option("action", 200, text("rejct"))),
            210,
            "option 'action': 'rejct' is none of: reject, defer",
        ),
        (
            Some(option("to", 200, text("mta2"))),
            210,
            "option 'to': there is no backend 'mta2'; there is: mta1",
        ),
        (
            Some(option("key", 200, text("hunter2"))),
            210,
            "option 'key': { file = \"…\" } or { env = \"…\" } is wanted, this is a string",
        ),
    ] {
        let setup = Setup::new().configured("p", schema, |policy| {
            if let Some(entry) = entry {
                policy.options.push(entry);
                policy.options.push(zones());
            }
        });
        let problems = setup.load().unwrap_err();
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!((problem.message.as_str(), &problem.place), (want, &Place::Configuration(span(at))));
    }
}

#[test]
fn a_wrong_item_of_a_list_is_named_where_it_stands() {
    let schema = "return { options = { networks = { type = 'networks' } } }";
    let item = |text: &str, at| OptionValue { data: OptionData::String(text.into()), span: span(at) };
    let list = OptionData::List(vec![item("192.0.2.0/24", 300), item("192.0.2.0/99", 320)]);
    let setup =
        Setup::new().configured("p", schema, |policy| policy.options.push(option("networks", 200, list)));
    let problems = setup.load().unwrap_err();
    assert_eq!(problems[0].place, Place::Configuration(span(320)));
}

#[test]
fn a_near_option_is_suggested() {
    let schema = "return { options = { zones = { type = 'list' } } }";
    let setup = Setup::new().configured("p", schema, |policy| {
        policy.options.push(option("zone", 200, OptionData::String("x".into())));
    });
    assert_eq!(setup.load().unwrap_err()[0].suggestion.as_deref(), Some("did you mean 'zones'?"));
}

#[test]
fn values_arrive_converted() {
    let script = r#"
        return {
          options = {
            zones = { type = "list" }, wait = { type = "duration", default = "5m" }, size = { type = "size" },
            nets = { type = "networks" }, doms = { type = "domains" }, none = { type = "networks" }, absent = { type = "string" },
          },
          setup = function(options)
            assert(#options.zones == 3 and options.zones[1] == "a.example" and options.zones[3] == "c.example")
            local joined = table.concat(options.zones, ",")
            assert(joined == "a.example,b.example,c.example", joined)
            local count = 0
            for _, zone in ipairs(options.zones) do count = count + #zone end
            for _ in pairs(options.zones) do count = count + 1 end
            assert(count == 30, count)
            assert(options.wait == 300 and math.type(options.wait) == "integer")
            assert(options.size == 25000000)
            assert(options.nets:contains("192.0.2.9") and not options.nets:contains("192.0.3.9"))
            assert(options.nets:get("192.0.2.9") == "192.0.2.0/24")
            local value, kind = options.nets:get("nonsense")
            assert(value == nil and kind == "invalid")
            assert(options.doms:contains("Mail.Ours.Example"))
            assert(not options.none:contains("192.0.2.9") and options.absent == nil)
            assert(not pcall(function() options.zones[4] = "d" end))
            assert(not pcall(rawset, options.zones, 4, "d"))
            assert(not pcall(table.insert, options.zones, "d"))
            options.made = 1
          end,
          connect = function(session, client, options)
            assert(options.made == 1)
            options.made = 2
          end,
        }"#;
    let setup = Setup::new();
    std::fs::write(setup.folder().join("zones.txt"), "b.example # two\n\n# none\nc.example\n").unwrap();
    let folder = std::sync::Arc::from(setup.folder());
    let setup = setup.configured("p", script, |policy| {
        let item = |text: &str| OptionValue { data: OptionData::String(text.into()), span: span(1) };
        let mut zones =
            option("zones", 100, OptionData::List(vec![item("a.example"), item("file:zones.txt")]));
        zones.directory = folder;
        policy.options = vec![
            zones,
            option("size", 200, OptionData::String("25 MB".into())),
            option("nets", 300, OptionData::String("192.0.2.0/24".into())),
            option("doms", 400, OptionData::String(".ours.example".into())),
        ];
    });
    setup.load().unwrap_or_else(|problems| panic!("{problems:?}"));
}

#[test]
fn require_finds_modules_below_the_policy_folders_only() {
    let setup = Setup::new();
    std::fs::create_dir(setup.folder().join("lib")).unwrap();
    std::fs::write(setup.folder().join("lib/words.lua"), "return { hello = 'hi' }").unwrap();
    std::fs::write(setup.folder().join("broken.lua"), "\n\nlocal = 1").unwrap();
    let outside = tempfile::NamedTempFile::with_suffix(".lua").unwrap();
    std::os::unix::fs::symlink(outside.path(), setup.folder().join("link.lua")).unwrap();
    let setup = setup.policy("p", "local words = require 'lib.words'\nassert(words == require 'lib.words' and words.hello == 'hi')\nreturn {}");
    setup.load().unwrap_or_else(|problems| panic!("{problems:?}"));
    let linked = setup.policy("q", "require 'link'\nreturn {}");
    assert_eq!(linked.problems(), "q.lua:1: there is no link.lua in the policy folders");
    let broken = linked.configured("r", "require 'broken'\nreturn {}", |_| {});
    assert!(broken.problems().contains("broken.lua:3:"), "{}", broken.problems());
}

#[test]
fn a_policy_that_is_not_there_is_named_where_it_is_asked_for() {
    let mut setup = Setup::new().policy("p", "return {}");
    std::fs::remove_file(setup.folder().join("p.lua")).unwrap();
    setup.plan.policies[0].name = "p".into();
    let problems = setup.load().unwrap_err();
    assert_eq!(problems[0].place, Place::Configuration(span(1000)));
}

#[test]
fn the_line_that_is_nested_too_deeply_is_told() {
    for (text, least) in [
        (format!("local a = 1\nlocal b =\n{}1{}\nreturn {{}}", "(".repeat(300), ")".repeat(300)), 3),
        (format!("local t = {}1{}\nreturn {{}}", "{".repeat(300), "}".repeat(300)), 1),
        // 200 levels, of which some are Lua's own.
        (format!("{}\nreturn {{}}", "do\n".repeat(300) + &"end ".repeat(300)), 190),
        (format!("local s = ''\nlocal t = s{}\nreturn {{}}", " .. s\n".repeat(300)), 190),
    ] {
        let told = Setup::new().policy("p", &text).problems();
        let (place, words) = told.split_once(": ").unwrap();
        let line: usize = place.strip_prefix("p.lua:").unwrap().parse().unwrap();
        assert!(line >= least && line <= least.max(3) + 11, "{line} is not {least}");
        assert_eq!(words, "too many levels, one in another: C stack overflow");
    }
}
