//! The tokens of a script, as far as names need them.

use std::ops::Range;

/// A token and where it stands.
#[derive(Clone, Copy, Debug)]
pub(in crate::lua) struct Token<'a> {
    pub(in crate::lua) kind: Kind<'a>,
    /// Its line, from 1.
    pub(in crate::lua) line: usize,
    /// Its first octet, from 0.
    pub(in crate::lua) at: usize,
}

impl<'a> Token<'a> {
    /// A name; empty for what is none.
    pub(in crate::lua) fn text(&self) -> &'a str {
        match self.kind {
            Kind::Name(name) => std::str::from_utf8(name).unwrap_or_default(),
            _ => "",
        }
    }

    /// The octets of its line that a name takes in `source`.
    pub(in crate::lua) fn columns(&self, source: &[u8]) -> Range<u32> {
        let before = source.get(..self.at).unwrap_or_default();
        let start = before.iter().rev().take_while(|octet| **octet != b'\n').count();
        // A script is 1 MiB at most.
        let octets = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        octets(start)..octets(start + self.text().len())
    }
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lua) enum Kind<'a> {
    /// A name or a word of Lua's own.
    Name(&'a [u8]),
    /// A string: what stands between its quotes or brackets, escapes as they are.
    Text(&'a [u8]),
    /// A number.
    Number,
    /// Any other character.
    Mark(u8),
    /// `::`.
    Label,
    /// Two characters that belong together: `==`, `..`, `<=` and their like.
    Pair,
}

/// All tokens of `source`.
pub(in crate::lua) fn tokens(source: &[u8]) -> Vec<Token<'_>> {
    Tokens { rest: source, length: source.len(), line: 1 }.collect()
}

/// The line of the first `name =` in `source`, from 1.
pub(in crate::lua) fn line_of_key(source: &[u8], name: &str) -> Option<usize> {
    let tokens = tokens(source);
    let is_key = |pair: &&[Token<'_>]| matches!(pair, [Token { kind: Kind::Name(key), .. }, Token { kind: Kind::Mark(b'='), .. }] if *key == name.as_bytes());
    tokens.windows(2).find(is_key).and_then(|pair| pair.first()).map(|token| token.line)
}

struct Tokens<'a> {
    rest: &'a [u8],
    length: usize,
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

    /// Takes a long bracket, `[[ … ]]` or `[==[ … ]==]`, if one begins here: what stands in it.
    fn take_long(&mut self) -> Option<&'a [u8]> {
        let after = self.rest.strip_prefix(b"[")?;
        let level = after.iter().take_while(|octet| **octet == b'=').count();
        if after.get(level) != Some(&b'[') {
            return None;
        }
        let mut close = vec![b'='; level + 2];
        if let [first, .., last] = close.as_mut_slice() {
            (*first, *last) = (b']', b']');
        }
        self.take(level + 2);
        let end = self.rest.windows(close.len()).position(|window| window == close);
        let text = self.take(end.unwrap_or(self.rest.len()));
        self.take(close.len());
        Some(text)
    }

    /// Takes a string in quotes: what stands between them.
    fn take_quoted(&mut self, quote: u8) -> &'a [u8] {
        self.take(1);
        let start = self.rest;
        let mut length = 0;
        while let [octet, ..] = self.rest {
            if *octet == quote || *octet == b'\n' {
                self.take(1);
                break;
            }
            length += self.take(if *octet == b'\\' { 2 } else { 1 }).len();
        }
        start.get(..length).unwrap_or_default()
    }

    /// Takes a number, its fraction and exponent included.
    fn take_number(&mut self) {
        loop {
            let part = self.take_while(|octet| octet.is_ascii_alphanumeric() || octet == b'.');
            let is_exponent = matches!(part.last(), Some(b'e' | b'E' | b'p' | b'P'));
            if !(is_exponent && matches!(self.rest, [b'+' | b'-', ..])) {
                return;
            }
            self.take(1);
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.take_while(|octet| octet.is_ascii_whitespace());
            let (line, at) = (self.line, self.length - self.rest.len());
            if let Some(text) = self.take_long() {
                return Some(Token { kind: Kind::Text(text), line, at });
            }
            let kind = match *self.rest {
                [] => return None,
                [b'-', b'-', ..] => {
                    self.take(2);
                    if self.take_long().is_none() {
                        self.take_while(|octet| octet != b'\n');
                    }
                    continue;
                }
                [quote @ (b'"' | b'\''), ..] => Kind::Text(self.take_quoted(quote)),
                [first, ..] if first.is_ascii_alphabetic() || first == b'_' => {
                    Kind::Name(self.take_while(|octet| octet.is_ascii_alphanumeric() || octet == b'_'))
                }
                [first, ..] if first.is_ascii_digit() => {
                    self.take_number();
                    Kind::Number
                }
                [b'.', digit, ..] if digit.is_ascii_digit() => {
                    self.take_number();
                    Kind::Number
                }
                [b':', b':', ..] => {
                    self.take(2);
                    Kind::Label
                }
                [b'.', b'.', b'.', ..] => {
                    self.take(3);
                    Kind::Pair
                }
                [b'=', b'=', ..] | [b'.', b'.', ..] | [b'~' | b'<' | b'>', b'=', ..] => {
                    self.take(2);
                    Kind::Pair
                }
                [first, ..] => {
                    self.take(1);
                    Kind::Mark(first)
                }
            };
            return Some(Token { kind, line, at });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_what_lua_takes_them_for() {
        let mark = Kind::Mark;
        for (source, want) in [
            ("a.b", vec![Kind::Name(b"a"), mark(b'.'), Kind::Name(b"b")]),
            ("a..b", vec![Kind::Name(b"a"), Kind::Pair, Kind::Name(b"b")]),
            ("1.5e+3 .5 0x1p-4", vec![Kind::Number; 3]),
            ("::x::", vec![Kind::Label, Kind::Name(b"x"), Kind::Label]),
            (r#"'a\'b' "c""#, vec![Kind::Text(br"a\'b"), Kind::Text(b"c")]),
            ("[==[ ]] ]==]", vec![Kind::Text(b" ]] ")]),
            ("--[[ x\n]] y -- z", vec![Kind::Name(b"y")]),
            ("f(...)", vec![Kind::Name(b"f"), mark(b'('), Kind::Pair, mark(b')')]),
            ("'open", vec![Kind::Text(b"open")]),
            ("[[open", vec![Kind::Text(b"open")]),
        ] {
            let found: Vec<Kind<'_>> =
                tokens(source.as_bytes()).into_iter().map(|token| token.kind).collect();
            assert_eq!(found, want, "{source}");
        }
    }

    #[test]
    fn tokens_know_their_place() {
        let source = b"local x\n  = 'a\\\n' .. y";
        let y = tokens(source).into_iter().last().unwrap();
        assert_eq!((y.line, source.get(y.at..)), (3, Some(&b"y"[..])));
    }
}
