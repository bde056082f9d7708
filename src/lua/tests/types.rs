//! The types name what is there, and all of it.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use mlua::{Lua, Table, Value};

use crate::lua::api::Parts;
use crate::lua::catalogue;
use crate::lua::chunks::Chunks;
use crate::lua::clock::Clock;
use crate::lua::convert::message;
use crate::lua::engine;
use crate::lua::sandbox::Sandbox;
use crate::lua::tests::support::Setup;
use crate::lua::trial::suite;
use crate::lua::types::class::Kind;
use crate::lua::types::luals::annotations;
use crate::lua::types::{self, GLOBALS, played};
use crate::policy::event::Stage;

fn keys(table: &Table) -> BTreeSet<String> {
    table.pairs::<String, Value>().map(|pair| pair.unwrap().0).collect()
}

#[test]
fn all_that_is_registered_is_annotated_and_nothing_else() {
    let luas_own = keys(&Lua::new().globals());
    let is_hook = |name: &String| Stage::ALL.iter().any(|stage| stage.as_str() == name);
    let registered: BTreeSet<String> = catalogue::names()
        .unwrap()
        .into_iter()
        .filter(|name| !luas_own.contains(name) && !is_hook(name) && !name.starts_with("waiting."))
        .filter(|name| !name.starts_with("message:")) // below, with those of later versions
        .collect();
    let mut annotated: BTreeSet<String> = GLOBALS.iter().map(|one| one.name.to_owned()).collect();
    for class in types::all().filter(|class| class.kind != Kind::Record && class.name != "Message") {
        for one in class.members {
            let mark = if class.kind == Kind::Object && one.is_function() { ':' } else { '.' };
            annotated.insert(format!("{}{mark}{}", class.shown(), one.name));
        }
    }
    annotated.extend(types::find("Message").unwrap().fields().map(|name| format!("message.{name}")));
    assert_eq!(annotated, registered);
}

#[test]
fn methods_of_a_message_are_those_that_are_registered() {
    let (sandbox, _) = engine::open(HashMap::new(), &Parts::offline(), Clock::monotonic()).unwrap();
    let mut registered = keys(&message::methods(&sandbox.lua, &sandbox.guard).unwrap());
    // The prelude makes the iterator of it.
    assert!(registered.remove("walk_fields") && registered.insert("fields".to_owned()));
    let methods: BTreeSet<String> =
        types::find("Message").unwrap().functions().map(|one| one.name.to_owned()).collect();
    assert_eq!(methods, registered);
}

#[test]
fn fields_of_later_versions_raise() {
    let lua = Lua::new();
    for field in types::find("Message").unwrap().members.iter().filter(|one| !one.is_function()) {
        let key = lua.create_string(field.name).unwrap();
        let read = message::later_facts(&lua, (lua.create_table().unwrap(), Value::String(key)));
        assert_eq!(read.is_err(), field.is_later(), "{}", field.name);
    }
}

#[test]
fn sets_have_their_methods() {
    for (class, made) in [("NetworkSet", "ip.set {}"), ("DomainSet", "domains.set {}")] {
        for method in types::find(class).unwrap().functions() {
            let text = format!("assert(({made}).{}) return {{}}", method.name);
            Setup::new().policy("p", &text).load().unwrap_or_else(|problems| panic!("{class}: {problems:?}"));
        }
    }
}

#[test]
fn what_modules_give_has_the_methods_and_fields_that_are_registered() {
    for (class, source) in [
        ("Map", include_str!("../convert/map.rs")),
        ("Regex", include_str!("../api/regex.rs")),
        ("Answer", include_str!("../api/http.rs")),
    ] {
        let registered = |way: &str| -> BTreeSet<&str> {
            source.split(way).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect()
        };
        let class = types::find(class).unwrap();
        let methods: BTreeSet<&str> = class.functions().map(|one| one.name).collect();
        assert_eq!(methods, registered("add_method(\""), "{}", class.name);
        assert_eq!(class.fields().collect::<BTreeSet<_>>(), registered("add_field_method_get(\""));
    }
}

#[test]
fn all_that_tests_find_is_annotated_and_nothing_else() {
    let sandbox = Sandbox::new(Clock::counted(), HashMap::new(), &Chunks::default()).unwrap();
    let before = keys(&sandbox.base);
    suite::open(&sandbox, &Rc::default(), 1).unwrap();
    let modules = || played::CLASSES.iter().chain(played::MODULES).filter(|class| class.kind == Kind::Module);
    let mut annotated: BTreeSet<String> = played::GLOBALS.iter().map(|one| one.name.to_owned()).collect();
    annotated.extend(modules().map(|class| class.name.to_owned()));
    assert_eq!(annotated, keys(&sandbox.base).difference(&before).cloned().collect());
    // What stands behind `way` in the sources: classes and modules don't show what is in them.
    let sources = [
        include_str!("../trial/clients.lua"),
        include_str!("../trial/generators.lua"),
        include_str!("../trial/language.lua"),
    ];
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let defined = |ways: &[&str]| -> BTreeSet<&str> {
        let behind = |way| sources.into_iter().flat_map(move |source| source.split(way).skip(1));
        let names = ways.iter().flat_map(|way| behind(*way));
        names.map(|rest| rest.split(|c| !is_part(c)).next().unwrap()).collect()
    };
    for class in modules() {
        let functions: BTreeSet<&str> = class.functions().map(|one| one.name).collect();
        assert_eq!(functions, defined(&[&format!("\nfunction {}.", class.name)]), "{}", class.name);
    }
    for (class, ways) in
        [("TestClient", &["\nfunction methods."][..]), ("Expectation", &["\nclaim(\"", "\nfunction claims."])]
    {
        let class = played::CLASSES.iter().find(|one| one.name == class).unwrap();
        assert_eq!(
            class.functions().map(|one| one.name).collect::<BTreeSet<_>>(),
            defined(ways),
            "{}",
            class.name
        );
    }
    let fields: BTreeSet<&str> = modules().flat_map(|class| class.fields()).collect();
    assert_eq!(fields, defined(&["name == \""]), "fields of modules");
}

#[test]
fn annotations_are_lua_and_name_no_type_that_is_not_there() {
    let text = annotations();
    Lua::new().load(&text).into_function().unwrap();
    let declared: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("---@class ").or(line.strip_prefix("---@alias ")))
        .filter_map(|rest| rest.split(' ').next())
        .collect();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
    let annotated = text.lines().filter(|line| line.starts_with("---@"));
    for word in annotated.flat_map(|line| line.split(|c| !is_part(c))) {
        let is_type = word.strip_prefix("gatepost.").is_some_and(|rest| !rest.is_empty() && rest != "lua");
        assert!(!is_type || declared.contains(word), "{word} is declared nowhere");
    }
    for line in [
        "---@field client gatepost.Client The real client.",
        "---@param duration gatepost.Duration",
        "function Session:delay(duration) end",
        "---@return gatepost.Mx[]?",
        "function dns.mx(name) end",
        "---@overload fun(parts: gatepost.Refusal): gatepost.Verdict",
        "---@return gatepost.TestClient",
        "function TestClient:send(parts) end",
        "function dns.stub(names) end",
        "---@field rcpt? fun(session: gatepost.Session, rcpt: gatepost.Rcpt, options: table): gatepost.Verdict?",
    ] {
        assert!(text.lines().any(|known| known == line), "{line}");
    }
}
