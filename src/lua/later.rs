//! What later versions bring: names that a script may not use yet, found in its source before it runs.

use crate::lua::scan::tokens::Kind;
use crate::lua::scan::uses::walk;

/// Globals of later issues.
const GLOBALS: &[&str] =
    &["backend", "clamav", "rspamd", "spamd", "milter", "policy_service", "srs", "batv", "quarantine"];

/// Whether `name` is a global of a later version.
pub(super) fn is_later(name: &str) -> bool {
    GLOBALS.contains(&name)
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
            ("local x = 1\nlocal v = rspamd.get('k')", Some((2, "rspamd"))),
            ("return { mail = function() clamav.get('x') end }", Some((1, "clamav"))),
            ("-- clamav.get\n--[[ rspamd ]] --[==[\nmilter\n]==]\nreturn {}", None), // comments
            ("local s = 'clamav' .. \"milter\" .. [[rspamd]]", None),                // strings
            ("return { milter = 1, type = 'milter' }", None),                        // a field's name
            ("return t.milter, t:srs()", None),                                      // fields and methods
            ("local milter = {}\nreturn milter.x", None),                            // a local
            ("local a <const>, milter = 1, 2\nreturn milter", None),
            ("for _, task in ipairs(list) do task() end", None), // a loop variable
            ("local function srs(x) return x end return srs(1)", None),
            ("return function(rspamd, backend) return rspamd, backend end", None), // parameters
            ("local a = 1 .. milter", Some((1, "milter"))),                        // `..` is no field
            ("if milter == nil then end", Some((1, "milter"))),                    // a comparison is a use
            ("local t = { [milter] = 1 }", Some((1, "milter"))),
            ("function t.srs() return srs end", Some((1, "srs"))), // a method of that name declares nothing
        ] {
            assert_eq!(find(source.as_bytes()), want, "{source:?}");
        }
    }
}
