//! The addresses of an envelope: the reverse-path of MAIL and the forward-paths of RCPT.
//!
//! What is unusual but clear is let through, so that the relay guard can judge it; what could be read in two ways is
//! an error. Whether an address beyond ASCII is allowed is the session's business.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::smtp::host::{Host, HostError, check_domain, is_beyond_ascii};

/// A local part and a domain, the text as it was sent, without brackets and source route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    text: Arc<str>,
    /// Where the `@` stands.
    at: usize,
    domain: Host,
}

/// Who gets the report if the message can't be delivered. Source: RFC 5321 §4.1.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReversePath {
    /// `<>`: nobody, the message is a report itself.
    Null,
    /// Somebody.
    Mailbox(Mailbox),
}

/// Whom the message is for. Source: RFC 5321 §4.1.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForwardPath {
    /// `<Postmaster>` without a domain: ours. The text is as it was sent, in any case.
    Postmaster(String),
    /// Somebody.
    Mailbox(Mailbox),
}

/// Why a text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing there, or `<>` where somebody is needed.
    #[error("no address")]
    Empty,
    /// No `<`, if they are needed, or no `>`.
    #[error("no brackets")]
    NoBrackets,
    /// No `@`.
    #[error("no domain")]
    NoDomain,
    /// Two dots in a row, or a dot at an end, in the domain; or nothing behind the `@`.
    #[error("empty label in the domain")]
    EmptyLabel,
    /// A local part with a character that must be quoted, or with a wrong quotation.
    #[error("bad local part")]
    BadLocalPart,
    /// A domain or address literal that is none.
    #[error("bad domain")]
    BadDomain,
    /// A source route that is none.
    #[error("bad source route")]
    BadSourceRoute,
    /// Over the limits of RFC 5321 §4.5.3.1 if `strict`, over 998 octets if not.
    #[error("too long")]
    TooLong,
    /// Octets that are no UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
}

/// Octets of a local part. Source: RFC 5321 §4.5.3.1.1.
const MAX_LOCAL_PART: usize = 64;
/// Octets of a path with its brackets. Source: RFC 5321 §4.5.3.1.3.
const MAX_PATH: usize = 256;
/// Octets of a path when we are lenient: some people's lists and returned-mail addresses are long.
const MAX_LENIENT: usize = 998;

impl Mailbox {
    /// The mailbox that `text` is, without brackets and source route.
    ///
    /// Unless `strict`, the local part may be longer, may have dots anywhere, and may hold `@` and `:` unquoted: the
    /// domain is what stands after the last `@` outside quotes, and the relay guard sees the rest.
    /// Source: RFC 5321 §4.1.2, RFC 6531 §3.3.
    pub fn parse(text: &str, strict: bool) -> Result<Mailbox, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.len() > if strict { MAX_PATH - 2 } else { MAX_LENIENT } {
            return Err(PathError::TooLong);
        }
        let (local, domain) = match text.strip_prefix('"') {
            Some(inner) => split_quoted(text, inner)?,
            None => {
                let (local, domain) = text.rsplit_once('@').ok_or(PathError::NoDomain)?;
                if !is_unquoted_local_part(local, strict) {
                    return Err(PathError::BadLocalPart);
                }
                (local, domain)
            }
        };
        if strict && local.len() > MAX_LOCAL_PART {
            return Err(PathError::TooLong);
        }
        let domain = Host::parse_domain(domain, strict)?;
        Ok(Mailbox { at: local.len(), text: text.into(), domain })
    }

    /// `local@domain` as it was sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the `@`, as it was sent, with its quotes.
    pub fn local_part(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// What the local part means: quotes and backslashes taken off. Source: RFC 5321 §4.1.2.
    pub fn unquoted_local_part(&self) -> Cow<'_, str> {
        let local = self.local_part();
        let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
            return Cow::Borrowed(local);
        };
        if !inner.contains('\\') {
            return Cow::Borrowed(inner);
        }
        let mut plain = String::with_capacity(inner.len());
        let mut characters = inner.chars();
        while let Some(character) = characters.next() {
            // What follows a backslash stands for itself.
            plain.extend(if character == '\\' { characters.next() } else { Some(character) });
        }
        Cow::Owned(plain)
    }

    /// What stands after the `@`.
    pub fn domain(&self) -> &Host {
        &self.domain
    }

    /// True if the address needs no SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }

    /// The address in the form in which addresses are compared: quotes only where they are needed, the domain in
    /// lower case; the local part's case is kept.
    pub fn address(&self) -> String {
        let plain = self.unquoted_local_part();
        let domain = self.domain.as_str().to_lowercase();
        if is_dot_string(&plain) {
            return format!("{plain}@{domain}");
        }
        let mut address = String::with_capacity(self.text.len() + 4);
        address.push('"');
        for character in plain.chars() {
            if matches!(character, '"' | '\\') {
                address.push('\\');
            }
            address.push(character);
        }
        address.push_str("\"@");
        address.push_str(&domain);
        address
    }
}

impl ReversePath {
    /// The reverse-path that `text` is. See `split`.
    pub fn parse(text: &str, strict: bool) -> Result<ReversePath, PathError> {
        whole(ReversePath::split(text, strict)?)
    }

    /// The reverse-path at the start of `text`, and what stands behind it.
    ///
    /// Unless `strict`, spaces before it are skipped, and brackets may be missing: then it goes to the first space
    /// outside quotes. A source route is dropped. Source: RFC 5321 §4.1.2, appendix C.
    pub fn split(text: &str, strict: bool) -> Result<(ReversePath, &str), PathError> {
        let (path, rest) = split_path(text, strict)?;
        if path.is_empty() {
            return Ok((ReversePath::Null, rest));
        }
        let mailbox = Mailbox::parse(without_source_route(path, strict)?, strict)?;
        Ok((ReversePath::Mailbox(mailbox), rest))
    }

    /// The mailbox, if it isn't the null path.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            ReversePath::Null => None,
            ReversePath::Mailbox(mailbox) => Some(mailbox),
        }
    }

    /// The address as it was sent, without brackets; empty for the null path.
    pub fn as_str(&self) -> &str {
        self.mailbox().map_or("", Mailbox::as_str)
    }

    /// True if the address needs no SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.as_str().is_ascii()
    }
}

impl ForwardPath {
    /// The forward-path that `text` is. See `split`.
    pub fn parse(text: &str, strict: bool) -> Result<ForwardPath, PathError> {
        whole(ForwardPath::split(text, strict)?)
    }

    /// The forward-path at the start of `text`, and what stands behind it.
    ///
    /// As for `ReversePath::split`, but `<>` is an error and `<Postmaster>` is not. Source: RFC 5321 §4.1.1.3.
    pub fn split(text: &str, strict: bool) -> Result<(ForwardPath, &str), PathError> {
        let (path, rest) = split_path(text, strict)?;
        if path.eq_ignore_ascii_case("postmaster") {
            return Ok((ForwardPath::Postmaster(path.to_owned()), rest));
        }
        let mailbox = Mailbox::parse(without_source_route(path, strict)?, strict)?;
        Ok((ForwardPath::Mailbox(mailbox), rest))
    }

    /// The mailbox, if it isn't the postmaster without a domain.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            ForwardPath::Postmaster(_) => None,
            ForwardPath::Mailbox(mailbox) => Some(mailbox),
        }
    }

    /// The address as it was sent, without brackets.
    pub fn as_str(&self) -> &str {
        match self {
            ForwardPath::Postmaster(text) => text,
            ForwardPath::Mailbox(mailbox) => mailbox.as_str(),
        }
    }

    /// True if the address needs no SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.as_str().is_ascii()
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for ReversePath {
    /// In brackets, as in a command.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.as_str())
    }
}

impl fmt::Display for ForwardPath {
    /// In brackets, as in a command.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.as_str())
    }
}

impl From<HostError> for PathError {
    fn from(error: HostError) -> PathError {
        match error {
            HostError::Empty | HostError::EmptyLabel => PathError::EmptyLabel,
            HostError::BadLabel | HostError::BadLiteral => PathError::BadDomain,
            HostError::TooLong => PathError::TooLong,
        }
    }
}

/// The path, if nothing stands behind it.
fn whole<P>((path, rest): (P, &str)) -> Result<P, PathError> {
    if rest.is_empty() { Ok(path) } else { Err(PathError::BadDomain) }
}

/// What is between the brackets, and what stands behind them.
fn split_path(text: &str, strict: bool) -> Result<(&str, &str), PathError> {
    let text = if strict { text } else { text.trim_start_matches(' ') };
    let (path, rest) = match text.strip_prefix('<') {
        Some(inner) => {
            let end = unquoted(inner, b'>').ok_or(PathError::NoBrackets)?;
            let (path, rest) = inner.split_at_checked(end).ok_or(PathError::NoBrackets)?;
            (path, rest.strip_prefix('>').ok_or(PathError::NoBrackets)?)
        }
        None if text.is_empty() => return Err(PathError::Empty),
        None if strict => return Err(PathError::NoBrackets),
        None => text.split_at_checked(unquoted(text, b' ').unwrap_or(text.len())).ok_or(PathError::Empty)?,
    };
    let limit = if strict { MAX_PATH - 2 } else { MAX_LENIENT };
    if path.len() > limit { Err(PathError::TooLong) } else { Ok((path, rest)) }
}

/// Where the first `stop` outside quotes stands.
fn unquoted(text: &str, stop: u8) -> Option<usize> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.bytes().position(|octet| {
        match octet {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            _ => return octet == stop && !is_quoted,
        }
        false
    })
}

/// `path` without `@a,@b:` at its start. Source: RFC 5321 §4.1.2 (A-d-l), appendix C.
fn without_source_route(path: &str, strict: bool) -> Result<&str, PathError> {
    let Some(mut rest) = path.strip_prefix('@') else {
        return Ok(path);
    };
    loop {
        // The colons of an address literal don't end the route.
        let after_literal = if rest.starts_with('[') { rest.find(']').unwrap_or(0) } else { 0 };
        let (_, tail) = rest.split_at_checked(after_literal).ok_or(PathError::BadSourceRoute)?;
        let end = tail.find([',', ':']).ok_or(PathError::BadSourceRoute)? + after_literal;
        let (hop, tail) = rest.split_at_checked(end).ok_or(PathError::BadSourceRoute)?;
        check_domain(hop, strict).map_err(|_| PathError::BadSourceRoute)?;
        if let Some(mailbox) = tail.strip_prefix(':') {
            return Ok(mailbox);
        }
        rest = tail.strip_prefix(",@").ok_or(PathError::BadSourceRoute)?;
    }
}

/// The local part of `text` with its quotes, and the domain; `inner` is `text` without the first quote.
fn split_quoted<'a>(text: &'a str, inner: &str) -> Result<(&'a str, &'a str), PathError> {
    let mut characters = inner.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                let (local, rest) = text.split_at_checked(at + 2).ok_or(PathError::BadLocalPart)?;
                return match rest.strip_prefix('@') {
                    Some(domain) => Ok((local, domain)),
                    None if rest.is_empty() => Err(PathError::NoDomain),
                    None => Err(PathError::BadLocalPart),
                };
            }
            '\\' => {
                characters.next().filter(|(_, c)| matches!(c, ' '..='~')).ok_or(PathError::BadLocalPart)?;
            }
            ' '..='~' => {}
            _ if is_beyond_ascii(character) => {}
            _ => return Err(PathError::BadLocalPart),
        }
    }
    Err(PathError::BadLocalPart)
}

fn is_unquoted_local_part(text: &str, strict: bool) -> bool {
    if strict {
        return is_dot_string(text);
    }
    // A leading `@` would make a source route of it where it is written.
    let is_fit = |c: char| is_atext(c) || matches!(c, '.' | '@' | ':');
    !text.is_empty() && !text.starts_with('@') && text.chars().all(is_fit)
}

fn is_dot_string(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

/// Source: RFC 5322 §3.2.3, RFC 6531 §3.3.
fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_beyond_ascii(c)
}

#[cfg(test)]
mod tests;
