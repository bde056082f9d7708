//! What later versions bring: names that a script may not use yet, found in its source before it runs.

use crate::lua::scan::tokens::Kind;
use crate::lua::scan::uses::walk;

/// Globals of later issues.
const GLOBALS: &[&str] = &[
    "map",
    "http",
    "regex",
    "backend",
    "clamav",
    "rspamd",
    "spamd",
    "milter",
    "policy_service",
    "srs",
    "batv",
    "base64",
    "hash",
    "hmac",
    "random",
    "metrics",
    "task",
    "quarantine",
];

/// Hooks of later issues.
const HOOKS: &[&str] = &["tls", "verify", "auth", "command"];

/// Whether `name` is a global of a later version.
pub(super) fn is_later(name: &str) -> bool {
    GLOBALS.contains(&name)
}

/// Whether `name` is a hook of a later version.
pub(super) fn is_later_hook(name: &str) -> bool {
    HOOKS.contains(&name)
}

/// The first use of a later global in `source`, with its line from 1.
pub(super) fn find(source: &[u8]) -> Option<(usize, &'static str)> {
    let mut found = None;
    walk(source, &mut |used| {
        let Kind::Name(name) = used.token.kind else { return };
        let later = GLOBALS.iter().find(|later| used.is_global && later.as_bytes() == name);
        found = found.or(later.map(|later| (used.token.line, *later)));
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_globals_are_found_with_their_line() {
        for (source, want) in [
            ("return {}", None),
            ("local x = 1\nlocal v = rspamd.check('k')", Some((2, "rspamd"))),
            ("return { mail = function() http.get('x') end }", Some((1, "http"))),
            ("-- http.get\n--[[ rspamd ]] --[==[\nmap\n]==]\nreturn {}", None), // comments
            ("local s = 'http' .. \"map\" .. [[rspamd]]", None),                // strings
            ("return { map = 1, type = 'map' }", None),                         // a field's name
            ("return t.map, t:hash()", None),                                   // fields and methods
            ("local map = {}\nreturn map.x", None),                             // a local
            ("local a <const>, map = 1, 2\nreturn map", None),
            ("for _, task in ipairs(list) do task() end", None), // a loop variable
            ("local function hash(x) return x end return hash(1)", None),
            ("return function(rspamd, backend) return rspamd, backend end", None), // parameters
            ("local a = 1 .. map", Some((1, "map"))),                              // `..` is no field
            ("if map == nil then end", Some((1, "map"))),                          // a comparison is a use
            ("local t = { [map] = 1 }", Some((1, "map"))),
            ("function t.hash() return hash end", Some((1, "hash"))), // a method of that name declares nothing
        ] {
            assert_eq!(find(source.as_bytes()), want, "{source:?}");
        }
    }
}
