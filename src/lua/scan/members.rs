//! What is asked of an object: `session.client:name()`, link by link, as far as the classes are known.

use crate::lua::scan::scopes::Holds;
use crate::lua::scan::tokens::{Kind, Token};
use crate::lua::types;
use crate::lua::types::class::Class;

/// Where a chain of links leads.
#[derive(Clone, Copy, Debug)]
pub(in crate::lua) struct Followed<'a> {
    /// The class of its value.
    pub(super) holds: Holds,
    /// The place of the first token behind it, as far as it was followed.
    pub(super) end: usize,
    /// The first link that is none, or none in this version.
    pub(in crate::lua) missing: Option<Missing<'a>>,
}

/// A name that an object doesn't have.
#[derive(Clone, Copy, Debug)]
pub(in crate::lua) struct Missing<'a> {
    /// The object's class.
    pub(in crate::lua) class: &'static Class,
    /// The name, as it stands in the source.
    pub(in crate::lua) token: Token<'a>,
    /// Whether it was asked for with `:`.
    pub(in crate::lua) is_method: bool,
    /// Whether a later version has it.
    pub(in crate::lua) is_later: bool,
    /// Whether it is put there: `object.name = …`.
    pub(in crate::lua) is_assigned: bool,
}

/// Follows the links behind a value of `class`; the first stands at `at`.
pub(super) fn follow<'a>(tokens: &[Token<'a>], at: usize, class: &'static Class) -> Followed<'a> {
    let (mut class, mut end) = (class, at);
    let unknown = |end| Followed { holds: None, end, missing: None };
    loop {
        let is_method = match kind(tokens, end) {
            Some(Kind::Mark(b'.')) => false,
            Some(Kind::Mark(b':')) => true,
            Some(Kind::Mark(b'[' | b'(' | b'{') | Kind::Text(_)) => return unknown(end),
            _ => return Followed { holds: Some(class), end, missing: None },
        };
        let Some((token, name)) = name_at(tokens, end + 1) else { return unknown(end) };
        end += 2;
        let member = class.member(name);
        let Some(member) = member.filter(|member| !member.is_later()) else {
            let is_later = member.is_some();
            let is_assigned = is_assigned(tokens, end);
            let missing = Some(Missing { class, token, is_method, is_later, is_assigned });
            return Followed { holds: None, end, missing };
        };
        if member.is_function() {
            match arguments_end(tokens, end) {
                Some(behind) => end = behind,
                None => return unknown(end),
            }
        }
        match member.class().and_then(types::find) {
            Some(next) => class = next,
            None => return unknown(end),
        }
    }
}

/// Whether what ends before `at` is put somewhere, alone or in a list: `a.b = …`, `a.b, c.d = …`.
fn is_assigned(tokens: &[Token<'_>], mut at: usize) -> bool {
    while let Some(Kind::Mark(b',' | b'.') | Kind::Name(_)) = kind(tokens, at) {
        at += 1;
    }
    kind(tokens, at) == Some(Kind::Mark(b'='))
}

/// The place behind the arguments that begin at `at`, if some do.
fn arguments_end(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    if matches!(kind(tokens, at), Some(Kind::Text(_))) {
        return Some(at + 1);
    }
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        match token.kind {
            Kind::Mark(b'(' | b'{' | b'[') => depth += 1,
            Kind::Mark(b')' | b'}' | b']') => depth = depth.saturating_sub(1),
            _ if depth == 0 => return None,
            _ => {}
        }
        if depth == 0 {
            return Some(place + 1);
        }
    }
    None
}

/// What stands at a place.
pub(super) fn kind<'a>(tokens: &[Token<'a>], at: usize) -> Option<Kind<'a>> {
    tokens.get(at).map(|token| token.kind)
}

/// The name at a place, if one stands there.
pub(super) fn name_at<'t, 'a>(tokens: &'t [Token<'a>], at: usize) -> Option<(Token<'a>, &'t str)> {
    let token = *tokens.get(at)?;
    match token.kind {
        // Octets of names are letters, digits and `_`.
        Kind::Name(name) => Some((token, std::str::from_utf8(name).ok()?)),
        _ => None,
    }
}
