//! Texts of the configuration in which the user's name has its place: `{user}`, or its parts `{local}` and `{domain}`. What
//! is looked up in a map is called `{key}` instead.

use std::str::FromStr;

/// A text with places for the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

/// A part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Stands there as it is.
    Text(String),
    /// The name.
    User,
    /// What is before its last `@`.
    Local,
    /// What is behind that.
    Domain,
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Something else in braces, or a brace alone.
    #[error("in braces stand {{user}}, {{local}} and {{domain}}, and nothing else")]
    Unknown,
    /// The name has no place in it: everybody would be the same user.
    #[error("the user's name has no place in it: {{user}} or {{local}}")]
    Nameless,
}

/// A name that somebody logs in by, and its parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a> {
    pub(crate) whole: &'a str,
    local: &'a str,
    domain: Option<&'a str>,
}

impl<'a> Name<'a> {
    /// `name` and its parts; without an `@` all of it is the local part.
    pub(crate) fn new(name: &'a str) -> Name<'a> {
        match name.rsplit_once('@') {
            Some((local, domain)) => Name { whole: name, local, domain: Some(domain) },
            None => Name { whole: name, local: name, domain: None },
        }
    }

    /// What stands in the place of `piece`; nothing if the name has no such part.
    pub(crate) fn part(&self, piece: &'a Piece) -> Option<&'a str> {
        match piece {
            Piece::Text(text) => Some(text),
            Piece::User => Some(self.whole),
            Piece::Local => Some(self.local).filter(|part| !part.is_empty()),
            Piece::Domain => self.domain.filter(|part| !part.is_empty()),
        }
    }

    /// What is before its last `@`; all of it if there is none.
    pub(crate) fn local(&self) -> &'a str {
        self.local
    }
}

impl Template {
    /// The DN of `name`, in which the name is text and nothing else; nothing if the name lacks a part that is needed.
    ///
    /// Source: RFC 4514 §2.4.
    pub(crate) fn dn(&self, name: &Name<'_>) -> Option<String> {
        let mut dn = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => dn.push_str(text),
                piece => escape(name.part(piece)?, &mut dn),
            }
        }
        Some(dn)
    }

    /// What follows the last part with the name in it: below that are all whom it means.
    pub(crate) fn tail(&self) -> String {
        let after = match self.pieces.last() {
            Some(Piece::Text(text)) => text.split_once(',').map_or("", |(_, tail)| tail),
            _ => "",
        };
        after.trim().to_owned()
    }

    /// Who logs in as `name`: the local part if nothing else of it counts. Otherwise who is ann here could log in as ann
    /// of another domain.
    pub(crate) fn user<'a>(&self, name: &Name<'a>) -> &'a str {
        match self.pieces.iter().any(Piece::is_more_than_local) {
            true => name.whole,
            false => name.local,
        }
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Template, TemplateError> {
        let pieces = pieces(text)?;
        match pieces.iter().any(Piece::is_name) {
            true => Ok(Template { pieces }),
            false => Err(TemplateError::Nameless),
        }
    }
}

impl Piece {
    /// Whether users differ in it.
    pub(crate) fn is_name(&self) -> bool {
        matches!(self, Piece::User | Piece::Local)
    }

    /// Whether it tells ann of one domain from ann of another.
    pub(crate) fn is_more_than_local(&self) -> bool {
        matches!(self, Piece::User | Piece::Domain)
    }
}

/// The pieces of `text`.
///
/// *Errors*: braces with something else between them.
pub(crate) fn pieces(text: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let (word, after) = behind.split_once('}').ok_or(TemplateError::Unknown)?;
        pieces.push(Piece::Text(before.to_owned()));
        pieces.push(match word {
            "user" | "key" => Piece::User, // the configuration says which of them stands where
            "local" => Piece::Local,
            "domain" => Piece::Domain,
            _ => return Err(TemplateError::Unknown),
        });
        rest = after;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
    match pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains('}'))) {
        true => Err(TemplateError::Unknown),
        false => Ok(pieces),
    }
}

/// Where in `text` the first brace is that is none of a place for the name, and the octets that it takes along.
pub fn wrong_brace(text: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find(['{', '}']).map(|at| from + at) {
        let rest = text.get(at..)?;
        let Some(end) = rest.find('}').filter(|end| *end > 0) else { return Some((at, rest.len())) };
        if !["{user}", "{local}", "{domain}"].contains(&rest.get(..=end)?) {
            return Some((at, end + 1));
        }
        from = at + end + 1;
    }
    None
}

/// Writes `value` into `dn` so that it is one value, whatever is in it.
fn escape(value: &str, dn: &mut String) {
    let last = value.char_indices().next_back().map(|(at, _)| at);
    for (at, c) in value.char_indices() {
        let is_edge = at == 0 || Some(at) == last;
        let is_special =
            matches!(c, '"' | '+' | ',' | ';' | '<' | '=' | '>' | '\\' | '/') || c.is_ascii_control();
        if is_special || is_edge && matches!(c, ' ' | '#') {
            dn.push_str(&format!("\\{:02X}", u32::from(c)));
        } else {
            dn.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dn(template: &str, name: &str) -> Option<String> {
        template.parse::<Template>().unwrap().dn(&Name::new(name))
    }

    /// RFC 4514 §2.4 and its examples; a name is never more than one value.
    #[test]
    fn a_name_is_one_value_of_a_dn() {
        for (name, want) in [
            ("ann", "uid=ann,ou=people"),
            ("Åsa Öberg", "uid=Åsa Öberg,ou=people"),
            ("James \"Jim\" Smith, III", r"uid=James \22Jim\22 Smith\2C III,ou=people"),
            ("x,ou=admins", r"uid=x\2Cou\3Dadmins,ou=people"),
            ("a+cn=root", r"uid=a\2Bcn\3Droot,ou=people"),
            (r"a\", r"uid=a\5C,ou=people"),
            (r"a\2Cb", r"uid=a\5C2Cb,ou=people"),
            (" a b ", r"uid=\20a b\20,ou=people"),
            (" ", r"uid=\20,ou=people"),
            ("#04024869", r"uid=\2304024869,ou=people"),
            ("a#b", "uid=a#b,ou=people"),
            ("<a>;\u{0}", r"uid=\3Ca\3E\3B\00,ou=people"),
            ("*", "uid=*,ou=people"),             // means nothing in a DN
            ("{local}", "uid={local},ou=people"), // nothing of the name is a template
        ] {
            assert_eq!(dn("uid={user},ou=people", name).as_deref(), Some(want), "{name:?}");
        }
    }

    #[test]
    fn a_name_has_parts() {
        let template = "uid={local},dc={domain}";
        for (name, want) in [
            ("ann@a.example", Some("uid=ann,dc=a.example")),
            ("a@b@c", Some("uid=a@b,dc=c")),
            ("ann", None), // there is no domain
            ("ann@", None),
            ("@a.example", None),
        ] {
            assert_eq!(dn(template, name).as_deref(), want, "{name}");
        }
    }

    /// Who is found by the local part alone is no user of whatever domain was typed behind it.
    #[test]
    fn the_user_is_what_was_asked_for() {
        for (template, want) in
            [("uid={local},dc=a", "ann"), ("uid={user},dc=a", "ann@b"), ("uid={local},dc={domain}", "ann@b")]
        {
            assert_eq!(template.parse::<Template>().unwrap().user(&Name::new("ann@b")), want, "{template}");
        }
    }

    #[test]
    fn only_the_name_stands_in_braces() {
        for (text, want) in [
            ("uid=ann", TemplateError::Nameless),
            ("dc={domain}", TemplateError::Nameless),
            ("uid={name}", TemplateError::Unknown),
            ("uid={user", TemplateError::Unknown),
            ("uid=user}", TemplateError::Unknown),
            ("uid={{user}}", TemplateError::Unknown),
            ("", TemplateError::Nameless),
        ] {
            assert_eq!(text.parse::<Template>(), Err(want), "{text}");
        }
    }
}
