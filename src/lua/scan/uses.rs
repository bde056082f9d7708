//! Every use of a global, and of a local that holds one of our objects, in a script.

use crate::lua::scan::members::{Missing, follow, kind};
use crate::lua::scan::scopes::{Holds, Opener, Scopes};
use crate::lua::scan::statements::is_statement;
use crate::lua::scan::tokens::{Kind, Token, tokens};
use crate::lua::types;
use crate::lua::types::class::{self, Class};
use crate::lua::types::hooks::hook;
use crate::policy::event::Stage;

/// A name that is used.
pub(in crate::lua) struct Use<'u, 'a> {
    /// The name.
    pub(in crate::lua) token: Token<'a>,
    /// Whether it is a global, not a local of the script.
    pub(in crate::lua) is_global: bool,
    /// Whether it is assigned, and where: at the top level, or in a function, which may never run.
    pub(in crate::lua) assigned: Option<Level>,
    /// The name behind its `.` or `:`, if one stands there.
    pub(in crate::lua) member: Option<Token<'a>>,
    /// What is asked of it, or of what it leads to, and is not there.
    pub(in crate::lua) missing: Option<Missing<'a>>,
    /// Whether it is called, and nobody takes what the call gives.
    pub(in crate::lua) is_statement: bool,
    /// Where it stands.
    pub(in crate::lua) level: Level,
    /// A text that it is called with, as in `require "x"`.
    pub(in crate::lua) argument: Option<&'a [u8]>,
    /// What is declared there.
    pub(in crate::lua) scopes: &'u Scopes<'a>,
}

/// Where something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lua) enum Level {
    /// It runs when the policy is loaded.
    Top,
    /// Inside a function.
    Function,
}

/// Tells `told` of every use in `source`, in order. A source that is not Lua gives some uses, or none.
pub(in crate::lua) fn walk<'a>(source: &'a [u8], told: &mut dyn FnMut(&Use<'_, 'a>)) {
    let tokens = tokens(source);
    let mut walk = Walk { tokens: &tokens, scopes: Scopes::new(), told };
    let mut at = 0;
    while at < tokens.len() {
        at = walk.step(at).max(at + 1);
    }
}

/// Subjects whose class a function's parameter has when it stands behind one that is called `session`.
const SUBJECTS: [(&str, &str); 4] =
    [("ehlo", "Ehlo"), ("mail", "Mail"), ("rcpt", "Rcpt"), ("transaction", "Transaction")];

/// A policy's options: what they are called, its schema says.
pub(in crate::lua) const OPTIONS: Class =
    Class { name: "options", kind: class::Kind::Record, help: "", members: &[] };

struct Walk<'t, 'a> {
    tokens: &'t [Token<'a>],
    scopes: Scopes<'a>,
    told: &'t mut dyn FnMut(&Use<'_, 'a>),
}

impl<'a> Walk<'_, 'a> {
    fn kind(&self, at: usize) -> Option<Kind<'a>> {
        kind(self.tokens, at)
    }

    fn before(&self, at: usize) -> Option<Kind<'a>> {
        at.checked_sub(1).and_then(|at| self.kind(at))
    }

    /// Reads the token at `at`, and those that belong to it; where to go on.
    fn step(&mut self, at: usize) -> usize {
        let next = at + 1;
        match self.kind(at) {
            Some(Kind::Name(name)) => return self.word(at, name),
            Some(Kind::Mark(b'{')) => {
                let is_returned = self.before(at) == Some(Kind::Name(b"return"));
                let is_policy = is_returned && self.scopes.is_top_level();
                self.scopes.open(Opener::Table { is_policy });
            }
            Some(Kind::Mark(b'(' | b'[')) => self.scopes.open(Opener::Bracket),
            Some(Kind::Mark(b')' | b']' | b'}')) => self.scopes.close_bracket(),
            _ => {}
        }
        next
    }

    fn word(&mut self, at: usize, name: &'a [u8]) -> usize {
        let before = self.before(at);
        // Behind the second `::` of a label stands no label's name.
        let is_label = before == Some(Kind::Label) && self.kind(at + 1) == Some(Kind::Label);
        if is_label || matches!(before, Some(Kind::Mark(b'.' | b':') | Kind::Name(b"goto"))) {
            return at + 1;
        }
        match name {
            b"function" => return self.function(at),
            b"local" if self.kind(at + 1) != Some(Kind::Name(b"function")) => return self.local(at),
            b"for" => return self.r#for(at),
            b"do" => self.scopes.open_body(),
            b"then" => self.scopes.open(Opener::Block),
            b"else" => {
                self.scopes.close_block();
                self.scopes.open(Opener::Block);
            }
            b"elseif" | b"end" => self.scopes.close_block(),
            b"repeat" => self.scopes.open(Opener::Repeat),
            b"until" => self.scopes.close_repeat(),
            b"local" | b"goto" | b"return" | b"break" | b"if" | b"in" | b"while" => {}
            b"and" | b"or" | b"not" | b"nil" | b"true" | b"false" => {}
            _ if self.is_key(at, before) => {}
            _ => self.variable(at, name),
        }
        at + 1
    }

    /// Whether the name at `at` is a key of a table: `{ name = … }`.
    fn is_key(&self, at: usize, before: Option<Kind<'_>>) -> bool {
        let is_in_table = matches!(self.scopes.opener(), Opener::Table { .. });
        let begins = matches!(before, Some(Kind::Mark(b'{' | b',' | b';')));
        is_in_table && begins && self.kind(at + 1) == Some(Kind::Mark(b'='))
    }

    /// The name at `at` as a variable.
    fn variable(&mut self, at: usize, name: &'a [u8]) {
        let found = self.scopes.find(name);
        let holds = found.unwrap_or_else(|| module(name));
        if found.is_some() && holds.is_none() {
            return;
        }
        if found.is_some() && self.kind(at + 1) == Some(Kind::Mark(b'=')) {
            self.scopes.forget(name);
            return;
        }
        let Some(token) = self.tokens.get(at).copied() else { return };
        let is_link = matches!(self.kind(at + 1), Some(Kind::Mark(b'.' | b':')));
        let member = self.tokens.get(at + 2).copied();
        let member = member.filter(|token| is_link && matches!(token.kind, Kind::Name(_)));
        let missing = holds.and_then(|class| follow(self.tokens, at + 1, class).missing);
        let behind = if self.kind(at + 1) == Some(Kind::Mark(b'(')) { at + 2 } else { at + 1 };
        let argument = match self.kind(behind) {
            Some(Kind::Text(text)) => Some(text),
            _ => None,
        };
        let level = if self.scopes.is_top_level() { Level::Top } else { Level::Function };
        let assigned = (self.kind(at + 1) == Some(Kind::Mark(b'='))).then_some(level);
        let is_global = found.is_none();
        let is_statement = is_statement(self.tokens, at, self.scopes.opener());
        let scopes = &self.scopes;
        let used = Use { token, is_global, assigned, member, missing, is_statement, level, argument, scopes };
        (self.told)(&used);
    }

    /// `local a, b = …`: up to the `=`.
    fn local(&mut self, at: usize) -> usize {
        let mut names = Vec::new();
        let mut next = at + 1;
        while let Some(Kind::Name(name)) = self.kind(next) {
            names.push(name);
            next += 1;
            if self.kind(next) == Some(Kind::Mark(b'<')) {
                next += 3;
            }
            if self.kind(next) != Some(Kind::Mark(b',')) {
                break;
            }
            next += 1;
        }
        let mut value = (self.kind(next) == Some(Kind::Mark(b'='))).then_some(next + 1);
        let mut declared = Vec::new();
        for name in names {
            let held = value.and_then(|at| self.value(at));
            declared.push((name, held.and_then(|(holds, _)| holds)));
            value = held.map(|(_, end)| end).filter(|end| self.kind(*end) == Some(Kind::Mark(b',')));
            value = value.map(|comma| comma + 1);
        }
        for (name, holds) in declared {
            self.scopes.declare(name, holds);
        }
        next
    }

    /// What the expression at `at` gives and where it ends, if it is but a name with links.
    fn value(&self, at: usize) -> Option<(Holds, usize)> {
        let Some(Kind::Name(name)) = self.kind(at) else { return None };
        let class = self.scopes.find(name).unwrap_or_else(|| module(name))?;
        let followed = follow(self.tokens, at + 1, class);
        let is_whole = match self.kind(followed.end) {
            None | Some(Kind::Mark(b',' | b';' | b')')) => true,
            Some(Kind::Name(word)) => !matches!(word, b"and" | b"or"),
            _ => false,
        };
        is_whole.then_some((followed.holds, followed.end))
    }

    /// `for a, b in …` or `for i = …`: up to `in` or `=`.
    fn r#for(&mut self, at: usize) -> usize {
        self.scopes.open(Opener::For);
        let mut next = at + 1;
        loop {
            match self.kind(next) {
                Some(Kind::Name(b"in")) | None => return next,
                Some(Kind::Name(name)) => self.scopes.declare(name, None),
                Some(Kind::Mark(b',')) => {}
                Some(_) => return next,
            }
            next += 1;
        }
    }

    /// A function up to the end of its parameters.
    fn function(&mut self, at: usize) -> usize {
        let mut next = at + 1;
        let mut is_method = false;
        let mut key = match (self.before(at), at.checked_sub(2).and_then(|at| self.kind(at))) {
            (Some(Kind::Mark(b'=')), Some(Kind::Name(key))) => Some(key),
            _ => None,
        };
        if let Some(Kind::Name(name)) = self.kind(next) {
            match self.before(at) {
                Some(Kind::Name(b"local")) => self.scopes.declare(name, None),
                _ => self.variable(next, name),
            }
            key = Some(name);
            next += 1;
            while let (Some(Kind::Mark(mark @ (b'.' | b':'))), Some(Kind::Name(name))) =
                (self.kind(next), self.kind(next + 1))
            {
                (key, is_method) = (Some(name), mark == b':');
                next += 2;
            }
        }
        let mut parameters = Vec::new();
        if self.kind(next) == Some(Kind::Mark(b'(')) {
            next += 1;
            while let Some(kind) = self.kind(next).filter(|kind| *kind != Kind::Mark(b')')) {
                if let Kind::Name(name) = kind {
                    parameters.push(name);
                }
                next += 1;
            }
        }
        let is_policys = self.scopes.opener() == Opener::Table { is_policy: true };
        self.scopes.open(Opener::Function);
        if is_method {
            self.scopes.declare(b"self", None);
        }
        for (place, name) in parameters.iter().enumerate() {
            self.scopes.declare(name, parameter(key, is_policys, &parameters, place));
        }
        next + 1
    }
}

/// What the parameter at `place` of a function holds, which stands under `key`, perhaps in the policy's table.
fn parameter(key: Option<&[u8]>, is_policys: bool, parameters: &[&[u8]], place: usize) -> Holds {
    let is_of_session = parameters.first() == Some(&&b"session"[..]);
    let stage = Stage::ALL.into_iter().find(|stage| key == Some(stage.as_str().as_bytes()));
    let stage = stage.filter(|_| is_policys || is_of_session);
    let is_setup = is_policys && key == Some(b"setup");
    if place == 0 && is_setup
        || place == 2 && stage.is_some()
        || is_of_session && parameters.get(place) == Some(&&b"options"[..])
    {
        return Some(&OPTIONS);
    }
    let class = match (place, stage) {
        (0, _) if stage.is_some() || is_of_session => "Session",
        (1, Some(stage)) => hook(stage).class,
        (1, None) if is_of_session => {
            let name = parameters.get(1)?;
            SUBJECTS.iter().find(|(subject, _)| subject.as_bytes() == *name)?.1
        }
        _ => return None,
    };
    types::find(class)
}

/// The module of this name.
fn module(name: &[u8]) -> Option<&'static Class> {
    types::find(std::str::from_utf8(name).ok()?).filter(|class| class.kind == class::Kind::Module)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The globals that `source` uses, and what it asks for in vain.
    fn used(source: &str) -> String {
        let mut words = Vec::new();
        walk(source.as_bytes(), &mut |used| {
            let text = |token: &Token<'_>| match token.kind {
                Kind::Name(name) => String::from_utf8_lossy(name).into_owned(),
                _ => String::new(),
            };
            if used.is_global {
                words.push(text(&used.token));
            }
            words.extend(used.missing.map(|one| format!("{}!{}", one.class.name, text(&one.token))));
        });
        words.join(" ")
    }

    #[test]
    fn scopes_are_luas() {
        for (source, want) in [
            ("a = b", "a b"),
            ("local a = 1 return a", ""),
            ("do local a end return a", "a"),
            ("if x then local a else print(a) end return a", "x print a a"),
            ("if x then local a = 1 elseif a then end", "x a"),
            ("for i = 1, n do print(i) end return i", "n print i"),
            ("for k, v in pairs(t) do f(k, v) end return v", "pairs t f v"),
            ("for i in f(function() for j in g do end end) do h(i) end", "f g h"),
            ("while a do local b end return b", "a b"),
            ("repeat local a = f() until a", "f"),
            ("local function f(x) return f(x), y end return x", "y x"),
            ("local f = function(a, ...) return a, ... end return a", "a"),
            ("function t.a(x) return x, self end", "t self"),
            ("local t = {} function t:a(x) return x, self end return self", "self"),
            ("return { a = 1, [b] = c, d }", "b c d"),
            ("return { f = function() local a a = 1 b = a end, c = c }", "b c"),
            ("goto a ::a:: return", ""),
            ("while x do local a = 1 goto next ::next:: end return a", "x a"),
            ("::a:: local b = 1 ::c:: return b", ""),
            ("local a <const>, b <close> = c, d return a, b", "c d"),
            ("return t.a, t:b(), t . c", "t t t"),
            ("return 'a' .. b .. [[c]], 1 .. d", "b d"),
            ("end end ) } until a", "a"), // no Lua
        ] {
            assert_eq!(used(source), want, "{source}");
        }
    }

    #[test]
    fn objects_are_known_where_they_come_from_a_hook_or_a_module() {
        let hook =
            |stage: &str, body: &str| format!("return {{ {stage} = function(session, subject) {body} end }}");
        for (source, want) in [
            (hook("mail", "return session.clientip"), "Session!clientip"),
            (hook("mail", "return session.client.ipp"), "Client!ipp"),
            (hook("mail", "return subject.adress, subject.address"), "Mail!adress"),
            (hook("rcpt", "return subject.index, subject.is_null"), "Rcpt!is_null"),
            (hook("connect", "local c = session.client return c.ip, c.name"), ""),
            (
                hook("connect", "local c, s = session.client, session.server return c.a, s.b"),
                "Client!a Server!b",
            ),
            (hook("connect", "local c = session.client c = {} return c.a"), ""),
            (hook("connect", "local c = session.transaction or {} return c.a"), ""),
            (hook("connect", "do local session = {} return session.a end"), ""),
            (hook("mail", "return session.vars.anything.goes, subject.params.SIZE"), ""),
            (hook("mail", "return session:spf(), session:dely(1)"), "Session!spf Session!dely"),
            (hook("mail", "return session.transaction.mail.adress"), "Mail!adress"),
            (hook("mail", "return session.server.relay_domains:contain(x)"), "DomainSet!contain x"),
            (hook("mail", "return session.symbols[1].x, session.id:upper()"), ""),
            ("local s = domains.set { 'a' } return s:has('b')".to_owned(), "domains DomainSet!has"),
            (
                "local function f(session, ehlo) return ehlo.nam, session.x end".to_owned(),
                "Ehlo!nam Session!x",
            ),
            ("local function f(session, message) return message:lower() end".to_owned(), ""), // a text, perhaps
            ("local t = { mail = function(a, b) return a.x, b.y end }".to_owned(), ""), // not the policy's table
            ("local p = {} function p.mail(session, m) return m.x end return p".to_owned(), "Mail!x"),
        ] {
            assert_eq!(used(&source), want, "{source}");
        }
    }
}
