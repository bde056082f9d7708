//! What later versions bring: names that a script may not use yet, found in its source before it runs.
//!
//! A reader of Lua's tokens, not of its grammar: a name that the file declares anywhere, as a local, a parameter or a
//! loop variable, is taken to be that one, and the environment refuses it at run time if it is not.

use std::collections::HashSet;

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
    let tokens = Tokens { rest: source, line: 1 }.collect::<Vec<_>>();
    let declared = declared(&tokens);
    let mut before: Option<&Token<'_>> = None;
    let mut rest = tokens.iter().peekable();
    while let Some(token) = rest.next() {
        let is_field = matches!(before, Some(Token { kind: Kind::Mark(b'.' | b':'), .. }));
        // `{ map = 1 }` names a field; an assignment to the global fails by itself.
        let is_key = matches!(rest.peek(), Some(Token { kind: Kind::Mark(b'='), .. }));
        if let Kind::Name(name) = token.kind
            && !is_field
            && !is_key
            && !declared.contains(name)
            && let Some(later) = GLOBALS.iter().find(|later| later.as_bytes() == name)
        {
            return Some((token.line, later));
        }
        before = Some(token);
    }
    None
}

/// The line of the first `name =` in `source`, from 1.
pub(super) fn line_of_key(source: &[u8], name: &str) -> Option<usize> {
    let tokens = Tokens { rest: source, line: 1 }.collect::<Vec<_>>();
    let is_key = |pair: &&[Token<'_>]| matches!(pair, [Token { kind: Kind::Name(key), .. }, Token { kind: Kind::Mark(b'='), .. }] if *key == name.as_bytes());
    tokens.windows(2).find(is_key).and_then(|pair| pair.first()).map(|token| token.line)
}

/// The names that the file declares: after `local` and `for`, and in parameter lists.
fn declared<'a>(tokens: &[Token<'a>]) -> HashSet<&'a [u8]> {
    let mut names = HashSet::new();
    let mut place = Place::Elsewhere;
    for token in tokens {
        place = match (place, token.kind) {
            (_, Kind::Name(b"local" | b"for")) => Place::Names,
            (_, Kind::Name(b"function")) => Place::Function { is_local: place == Place::Names },
            (Place::Function { is_local }, Kind::Name(name)) => {
                if is_local {
                    names.insert(name);
                }
                Place::Function { is_local: false }
            }
            (Place::Function { .. }, Kind::Mark(b'(')) => Place::Parameters,
            (Place::Function { .. }, _) => Place::Function { is_local: false },
            (Place::Names | Place::Parameters, Kind::Name(b"in")) => Place::Elsewhere,
            (Place::Names | Place::Parameters, Kind::Name(name)) => {
                names.insert(name);
                if place == Place::Names { Place::AfterName } else { place }
            }
            (Place::AfterName, Kind::Mark(b',')) => Place::Names,
            // `local x <const>, y`
            (Place::AfterName, Kind::Mark(b'<')) => Place::Attribute,
            (Place::Attribute, Kind::Mark(b'>')) => Place::AfterName,
            (Place::Attribute, _) => Place::Attribute,
            (Place::Parameters, Kind::Mark(b',')) => Place::Parameters,
            _ => Place::Elsewhere,
        };
    }
    names
}

/// Where in a declaration the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Elsewhere,
    Names,
    AfterName,
    Attribute,
    Function { is_local: bool },
    Parameters,
}

/// A token, as far as this reader tells them apart.
#[derive(Clone, Copy)]
struct Token<'a> {
    kind: Kind<'a>,
    line: usize,
}

#[derive(Clone, Copy)]
enum Kind<'a> {
    Name(&'a [u8]),
    /// A string or a number.
    Literal,
    /// Any other character; `==`, `..`, `::` and their like are 0.
    Mark(u8),
}

struct Tokens<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Tokens<'a> {
    /// Takes `count` octets and counts their lines.
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, &[]));
        self.line += taken.iter().filter(|octet| **octet == b'\n').count();
        self.rest = rest;
        taken
    }

    /// Takes octets while `belongs` says so.
    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let count = self.rest.iter().position(|octet| !belongs(*octet)).unwrap_or(self.rest.len());
        self.take(count)
    }

    /// Takes a long bracket, `[[ … ]]` or `[==[ … ]==]`, if one begins here.
    fn take_long(&mut self) -> bool {
        let Some(after) = self.rest.strip_prefix(b"[") else { return false };
        let level = after.iter().take_while(|octet| **octet == b'=').count();
        if after.get(level) != Some(&b'[') {
            return false;
        }
        let mut close = vec![b'='; level + 2];
        if let [first, .., last] = close.as_mut_slice() {
            (*first, *last) = (b']', b']');
        }
        let end = self.rest.windows(close.len()).position(|window| window == close);
        self.take(end.map_or(self.rest.len(), |end| end + close.len()));
        true
    }

    /// Takes a string in quotes.
    fn take_quoted(&mut self, quote: u8) {
        self.take(1);
        while let [octet, ..] = self.rest {
            let is_escape = *octet == b'\\';
            let is_end = *octet == quote || *octet == b'\n';
            self.take(if is_escape { 2 } else { 1 });
            if is_end {
                return;
            }
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.take_while(|octet| octet.is_ascii_whitespace());
            let line = self.line;
            if self.take_long() {
                return Some(Token { kind: Kind::Literal, line });
            }
            let kind = match *self.rest {
                [] => return None,
                [b'-', b'-', ..] => {
                    self.take(2);
                    if !self.take_long() {
                        self.take_while(|octet| octet != b'\n');
                    }
                    continue;
                }
                [quote @ (b'"' | b'\''), ..] => {
                    self.take_quoted(quote);
                    Kind::Literal
                }
                [first, ..] if first.is_ascii_alphabetic() || first == b'_' => {
                    Kind::Name(self.take_while(|octet| octet.is_ascii_alphanumeric() || octet == b'_'))
                }
                [first, ..] if first.is_ascii_digit() => {
                    self.take_while(|octet| octet.is_ascii_alphanumeric());
                    Kind::Literal
                }
                [b'=', b'=', ..] | [b'.', b'.', ..] | [b':', b':', ..] | [b'~' | b'<' | b'>', b'=', ..] => {
                    self.take(2);
                    Kind::Mark(0)
                }
                [first, ..] => {
                    self.take(1);
                    Kind::Mark(first)
                }
            };
            return Some(Token { kind, line });
        }
    }
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
