//! The texts of the scripts that are loaded, to show the line at which one has failed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::lua::scan::tokens::{Kind, tokens};
use crate::lua::script::Source;

/// The scripts of one Lua state, policies and what they require, by the names that errors call them.
#[derive(Debug, Default)]
pub(super) struct Listing {
    scripts: RefCell<BTreeMap<String, Rc<[u8]>>>,
    /// By the policy that requires them, and the names by which it does.
    modules: RefCell<BTreeMap<(String, String), Source>>,
}

/// A line of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// The line, as it stands there; the end of a long one is cut off.
    pub(super) text: String,
    /// Where in it the mistake begins, in characters from 1: at what the error names, else at the first word.
    pub(super) column: usize,
}

/// Characters of a line that are shown.
const LONGEST: usize = 160;

impl Listing {
    /// Takes note of a script that is about to be loaded.
    pub(super) fn note(&self, source: &Source) {
        self.scripts.borrow_mut().insert(source.name.clone(), Rc::clone(&source.text));
    }

    /// The same of a module that `policy` requires by `name`.
    pub(super) fn note_module(&self, policy: &str, name: &str, source: &Source) {
        self.note(source);
        self.modules.borrow_mut().insert((policy.to_owned(), name.to_owned()), source.clone());
    }

    /// The module that `policy` has required by `name`.
    pub(super) fn module(&self, policy: &str, name: &str) -> Option<Source> {
        self.modules.borrow().get(&(policy.to_owned(), name.to_owned())).cloned()
    }

    /// All modules that `policy` has required.
    pub(super) fn modules(&self, policy: &str) -> Vec<Source> {
        let modules = self.modules.borrow();
        let own = modules.iter().filter(|((of, _), _)| of == policy);
        own.map(|(_, source)| source.clone()).collect()
    }

    /// The first line that `problem` names: an error as Lua words it, with or without its traceback.
    pub(super) fn excerpt(&self, problem: &str) -> Option<Excerpt> {
        let scripts = self.scripts.borrow();
        let places = scripts.iter().filter_map(|(name, text)| {
            let (at, line) = place(problem, name)?;
            Some((at, line, text))
        });
        let (_, line, text) = places.min_by_key(|(at, ..)| *at)?;
        let words = problem.lines().next().unwrap_or_default();
        excerpt(text, line, culprit(words))
    }
}

/// Where `problem` says "name:12" first, and the line. Lua begins the name of a long path with "...".
fn place(problem: &str, name: &str) -> Option<(usize, usize)> {
    let line_behind = |at: usize| {
        let digits = problem.get(at..)?.strip_prefix(':')?;
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        digits.get(..length)?.parse().ok()
    };
    let whole = problem.match_indices(name).find_map(|(at, _)| Some((at, line_behind(at + name.len())?)));
    whole.or_else(|| {
        problem.match_indices("...").find_map(|(at, dots)| {
            let shown = problem.get(at + dots.len()..)?;
            let end = shown.match_indices(':').map(|(end, _)| end).find(|end| {
                let tail = shown.get(..*end).unwrap_or_default();
                !tail.is_empty() && name.ends_with(tail)
            })?;
            Some((at, line_behind(at + dots.len() + end)?))
        })
    })
}

/// What an error of Lua's names at its end, as in "attempt to index a nil value (field 'tls')".
fn culprit(words: &str) -> Option<&str> {
    let (_, named) = words.strip_suffix("')")?.rsplit_once(" (")?;
    let (kind, name) = named.split_once(" '")?;
    matches!(kind, "field" | "method" | "local" | "global" | "upvalue").then_some(name)
}

/// The line of `text` with this number, from 1, and where `culprit` stands in it.
fn excerpt(text: &[u8], line: usize, culprit: Option<&str>) -> Option<Excerpt> {
    let octets = text.split(|octet| *octet == b'\n').nth(line.checked_sub(1)?)?;
    let named = culprit.and_then(|name| {
        let is_it = |kind: Kind<'_>| kind == Kind::Name(name.as_bytes());
        tokens(octets).into_iter().find(|token| is_it(token.kind)).map(|token| token.at)
    });
    let at = named.or_else(|| octets.iter().position(|octet| !octet.is_ascii_whitespace()))?;
    let column = String::from_utf8_lossy(octets.get(..at)?).chars().count() + 1;
    let shown = String::from_utf8_lossy(octets).replace('\t', " ");
    Some(Excerpt { text: shown.trim_end().chars().take(LONGEST).collect(), column })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = "return {\n  rcpt = function(session, rcpt)\n\tif rcpt.domain == '' then return session.tls.version end\n  end,\n}\n";

    fn listing() -> Listing {
        let listing = Listing::default();
        for (name, text) in [
            ("site.lua", POLICY),
            ("/etc/gatepost/policies/of/a/folder/with/a/long/name/deep.lua", "\n\nlocal x = y.z\n"),
        ] {
            listing.note(&Source { name: name.into(), text: text.as_bytes().into(), folder: None });
        }
        listing
    }

    #[test]
    fn the_line_is_shown_with_the_column_of_what_the_error_names() {
        let line = " if rcpt.domain == '' then return session.tls.version end";
        for (problem, want, why) in [
            ("site.lua:3: attempt to index a nil value (field 'tls')", Some((line, 43)), "the field's name"),
            (
                "site.lua:3: attempt to call a nil value (method 'tl')",
                Some((line, 2)),
                "no such name: the first word",
            ),
            ("site.lua:3: boom", Some((line, 2)), "nothing is named"),
            (
                "site.lua:2: x\nsite.lua:3: y",
                Some(("  rcpt = function(session, rcpt)", 3)),
                "the first place",
            ),
            ("the verdict made at site.lua:4 was not returned", Some(("  end,", 3)), "a place in the midst"),
            (
                "...icies/of/a/folder/with/a/long/name/deep.lua:3: attempt to index a nil value (global 'y')",
                Some(("local x = y.z", 11)),
                "a long path, as Lua shortens it",
            ),
            (
                "not enough memory\nstack traceback:\n\tsite.lua:4: in function",
                Some(("  end,", 3)),
                "the traceback",
            ),
            ("other.lua:3: boom", None, "no script of this state"),
            ("site.lua:99: boom", None, "no such line"),
            ("site.lua:0: boom", None, "lines count from 1"),
            ("site.lua: boom", None, "no line"),
        ] {
            let found = listing().excerpt(problem);
            let found = found.as_ref().map(|found| (found.text.as_str(), found.column));
            assert_eq!(found, want, "{why}: {problem}");
        }
    }

    #[test]
    fn what_is_shown_is_bounded_and_never_fails() {
        let listing = Listing::default();
        let text = format!("x = '{}\u{fffd}' .. y\n", "ü".repeat(5000)).into_bytes().into();
        listing.note(&Source { name: "long.lua".into(), text, folder: None });
        let found = listing.excerpt("long.lua:1: boom (global 'y')").unwrap();
        assert_eq!((found.text.chars().count(), found.column), (LONGEST, 5012));
        listing.note(&Source { name: "odd.lua".into(), text: Rc::from(&b"\xff\xfe y()"[..]), folder: None });
        assert_eq!(listing.excerpt("odd.lua:1: boom (global 'y')").unwrap().column, 4);
    }
}
