//! Every name that a policy can write: hooks, globals, functions of modules, fields and methods of what hooks receive.
//!
//! The tests hold it to what is really there, and the docs to it.

use std::collections::HashMap;

use mlua::{Table, Value};

use crate::lua::actions;
use crate::lua::api::{self, Parts};
use crate::lua::clock::Clock;
use crate::lua::engine;
use crate::policy::event::Stage;

/// The fields of the objects that hooks receive, by the name under which docs show the object.
pub const FIELDS: &[(&str, &[&str])] = &[
    (
        "session",
        &[
            "id",
            "listener",
            "protocol",
            "client",
            "peer",
            "server",
            "may_relay",
            "ehlo",
            "transaction",
            "talked_early",
            "pipelining_violations",
            "command_errors",
            "recipients_refused",
            "refused_by_backend",
            "auth_failures",
            "messages",
            "octets",
            "seconds",
            "commands",
            "score",
            "symbols",
            "vars",
            "shared",
        ],
    ),
    ("client", &["ip", "port", "network"]),
    ("peer", &["ip", "port"]),
    ("server", &["ip", "port", "hostname", "relay_domains"]),
    ("ehlo", &["name", "verb", "is_literal"]),
    ("mail", &["address", "local_part", "domain", "raw", "params", "is_null"]),
    ("rcpt", &["address", "local_part", "domain", "raw", "params", "index"]),
    ("transaction", &["index", "size_declared", "mail", "recipients", "vars", "score"]),
    ("message", &["size", "header_size"]),
    ("reply", &["verb", "argument", "code", "status", "text", "from", "policy"]),
    (
        "outcome",
        &[
            "disposition",
            "stage",
            "policy",
            "reply",
            "size",
            "reverse_path",
            "recipients",
            "score",
            "symbols",
        ],
    ),
    ("answer", &["status", "headers", "body"]),
    ("ending", &["reason", "by", "last_verb", "seconds", "messages", "octets"]),
];

/// The methods of `message`.
pub const MESSAGE: &[&str] = &[
    "header",
    "headers",
    "raw_header",
    "fields",
    "sha256",
    "add_header",
    "prepend_header",
    "replace_header",
    "remove_header",
];

/// The methods of what modules give: sets, maps, patterns, a web server's answer.
pub const GIVEN: &[(&str, &[&str])] = &[
    ("set", &["contains", "get"]),
    ("map", &["contains", "get"]),
    ("regex", &["matches", "find", "captures"]),
    ("answer", &["json"]),
];

/// All names, as a policy writes them: `connect`, `reject`, `dns.mx`, `session.id`, `session:delay`.
///
/// *Errors*: no Lua state can be made.
pub fn names() -> mlua::Result<Vec<String>> {
    let parts = Parts::offline();
    let (sandbox, _) = engine::open(HashMap::new(), &parts, Clock::monotonic())?;
    let (lua, guard) = (&sandbox.lua, &sandbox.guard);
    let mut names: Vec<String> = Stage::ALL.iter().map(|stage| stage.as_str().to_owned()).collect();
    for global in keys(&sandbox.base)? {
        let module = sandbox.base.raw_get::<Value>(global.as_str())?;
        match module.as_table().filter(|_| api::is_module(&global)) {
            Some(module) => names.extend(keys(&shown(module))?.iter().map(|name| format!("{global}.{name}"))),
            None => names.push(global),
        }
    }
    names.push("require".to_owned());
    for (class, methods) in [
        ("session", actions::session(lua, guard)?),
        ("mail", actions::mail(lua, guard)?),
        ("rcpt", actions::rcpt(lua, guard)?),
        ("transaction", actions::transaction(lua, guard)?),
        ("client", api::client::methods(lua, guard, &parts)?),
    ] {
        names.extend(keys(&methods)?.iter().map(|name| format!("{class}:{name}")));
    }
    for (class, methods) in GIVEN {
        names.extend(methods.iter().map(|name| format!("{class}:{name}")));
    }
    names.extend(MESSAGE.iter().map(|name| format!("message:{name}")));
    for (class, fields) in FIELDS {
        names.extend(fields.iter().map(|name| format!("{class}.{name}")));
    }
    names.sort();
    Ok(names)
}

/// What a read-only table shows.
fn shown(view: &Table) -> Table {
    let facts = view.metatable().and_then(|metatable| metatable.raw_get::<Table>("__index").ok());
    facts.unwrap_or_else(|| view.clone())
}

fn keys(table: &Table) -> mlua::Result<Vec<String>> {
    table.pairs::<String, Value>().map(|pair| Ok(pair?.0)).collect()
}
