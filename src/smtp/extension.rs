//! The extensions that a server offers in its answer to EHLO.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

use crate::smtp::reply::Reply;
use crate::smtp::xclient::Attribute;

/// An extension, by its keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extension {
    /// RFC 2920
    Pipelining,
    /// RFC 1870
    Size,
    /// RFC 6152
    EightBitMime,
    /// RFC 6531
    SmtpUtf8,
    /// RFC 2034
    EnhancedStatusCodes,
    /// RFC 3030
    Chunking,
    /// RFC 3030
    BinaryMime,
    /// RFC 3461
    Dsn,
    /// RFC 3207
    StartTls,
    /// RFC 4954
    Auth,
    /// RFC 8689
    RequireTls,
    /// RFC 9422
    Limits,
    /// RFC 1985
    Etrn,
    /// Postfix
    Xclient,
    /// Postfix
    Xforward,
}

/// How many commands a server takes. Source: RFC 9422 §4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandLimits {
    /// Transactions in a session.
    pub mail_max: Option<u32>,
    /// Recipients in a transaction.
    pub rcpt_max: Option<u32>,
    /// Domains of the recipients in a transaction.
    pub rcpt_domain_max: Option<u32>,
}

/// What a server offers; what we don't know is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Commands may come before the replies to those before them.
    pub pipelining: bool,
    /// None: no SIZE. `Some(None)`: SIZE without a limit. In octets.
    pub size: Option<Option<u64>>,
    /// Octets past 127 in content.
    pub eight_bit_mime: bool,
    /// Octets past 127 in addresses and header fields.
    pub smtputf8: bool,
    /// X.Y.Z in replies.
    pub enhanced_status_codes: bool,
    /// BDAT.
    pub chunking: bool,
    /// Content that has no lines.
    pub binary_mime: bool,
    /// RET, ENVID, NOTIFY, ORCPT.
    pub dsn: bool,
    /// STARTTLS.
    pub starttls: bool,
    /// REQUIRETLS.
    pub requiretls: bool,
    /// ETRN.
    pub etrn: bool,
    /// SASL mechanisms in upper case.
    pub auth: Vec<String>,
    /// Attributes of XCLIENT; empty if it isn't offered.
    pub xclient: Vec<Attribute>,
    /// Attributes of XFORWARD; empty if it isn't offered.
    pub xforward: Vec<Attribute>,
    /// All none if they aren't offered.
    pub limits: CommandLimits,
}

/// SASL mechanisms that are kept; more than anyone has.
const MAX_MECHANISMS: usize = 32;
/// Characters of a mechanism's name. Source: RFC 4422 §3.1.
const MAX_MECHANISM: usize = 20;

impl Extension {
    /// All of them, in the order in which we write them.
    pub const ALL: [Extension; 15] = [
        Extension::Pipelining,
        Extension::Size,
        Extension::EightBitMime,
        Extension::SmtpUtf8,
        Extension::EnhancedStatusCodes,
        Extension::Chunking,
        Extension::BinaryMime,
        Extension::Dsn,
        Extension::StartTls,
        Extension::Auth,
        Extension::RequireTls,
        Extension::Limits,
        Extension::Etrn,
        Extension::Xclient,
        Extension::Xforward,
    ];

    /// The keyword as it is written in the answer to EHLO.
    pub const fn as_str(self) -> &'static str {
        match self {
            Extension::Pipelining => "PIPELINING",
            Extension::Size => "SIZE",
            Extension::EightBitMime => "8BITMIME",
            Extension::SmtpUtf8 => "SMTPUTF8",
            Extension::EnhancedStatusCodes => "ENHANCEDSTATUSCODES",
            Extension::Chunking => "CHUNKING",
            Extension::BinaryMime => "BINARYMIME",
            Extension::Dsn => "DSN",
            Extension::StartTls => "STARTTLS",
            Extension::Auth => "AUTH",
            Extension::RequireTls => "REQUIRETLS",
            Extension::Limits => "LIMITS",
            Extension::Etrn => "ETRN",
            Extension::Xclient => "XCLIENT",
            Extension::Xforward => "XFORWARD",
        }
    }

    /// The extension with that keyword, in any case.
    pub fn parse(keyword: &str) -> Option<Extension> {
        Extension::ALL.into_iter().find(|extension| extension.as_str().eq_ignore_ascii_case(keyword))
    }

    /// The extension that a parameter of MAIL belongs to, by its keyword in upper case.
    ///
    /// `BODY=BINARYMIME` belongs to BINARYMIME besides.
    pub fn of_mail_parameter(keyword: &str) -> Option<Extension> {
        match keyword {
            "SIZE" => Some(Extension::Size),
            "BODY" => Some(Extension::EightBitMime),
            "SMTPUTF8" => Some(Extension::SmtpUtf8),
            "RET" | "ENVID" => Some(Extension::Dsn),
            "AUTH" => Some(Extension::Auth),
            "REQUIRETLS" => Some(Extension::RequireTls),
            _ => None,
        }
    }

    /// The extension that a parameter of RCPT belongs to, by its keyword in upper case.
    pub fn of_rcpt_parameter(keyword: &str) -> Option<Extension> {
        matches!(keyword, "NOTIFY" | "ORCPT").then_some(Extension::Dsn)
    }
}

impl Capabilities {
    /// What the lines of a positive answer to EHLO offer; the first is the greeting.
    ///
    /// Never fails: a line that makes no sense offers nothing. Source: RFC 5321 §4.1.1.1.
    pub fn parse<'a, L>(lines: impl IntoIterator<Item = &'a L>) -> Capabilities
    where
        L: AsRef<[u8]> + ?Sized + 'a,
    {
        let mut offered = Capabilities::default();
        for line in lines.into_iter().skip(1) {
            if let Ok(line) = std::str::from_utf8(line.as_ref()) {
                offered.read(line);
            }
        }
        offered
    }

    fn read(&mut self, line: &str) {
        let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
        let Some(keyword) = words.next() else { return };
        // `AUTH=LOGIN` was written before RFC 2554, and is still.
        let (keyword, first) = match keyword.split_once('=') {
            Some((keyword, first)) if keyword.eq_ignore_ascii_case("AUTH") => (keyword, Some(first)),
            _ => (keyword, None),
        };
        let mut words = first.into_iter().chain(words);
        match Extension::parse(keyword) {
            Some(Extension::Pipelining) => self.pipelining = true,
            Some(Extension::Size) => {
                self.size = smaller_size(self.size, Some(words.next().and_then(size_limit)));
            }
            Some(Extension::EightBitMime) => self.eight_bit_mime = true,
            Some(Extension::SmtpUtf8) => self.smtputf8 = true,
            Some(Extension::EnhancedStatusCodes) => self.enhanced_status_codes = true,
            Some(Extension::Chunking) => self.chunking = true,
            Some(Extension::BinaryMime) => self.binary_mime = true,
            Some(Extension::Dsn) => self.dsn = true,
            Some(Extension::StartTls) => self.starttls = true,
            Some(Extension::RequireTls) => self.requiretls = true,
            Some(Extension::Etrn) => self.etrn = true,
            Some(Extension::Auth) => words.for_each(|word| self.add_mechanism(word)),
            Some(Extension::Limits) => words.for_each(|word| self.limits.read(word)),
            Some(Extension::Xclient) => add_known(&mut self.xclient, words),
            Some(Extension::Xforward) => add_known(&mut self.xforward, words),
            None => {}
        }
    }

    fn add_mechanism(&mut self, word: &str) {
        let is_fit = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let is_name = matches!(word.len(), 1..=MAX_MECHANISM) && word.bytes().all(is_fit);
        let name = word.to_ascii_uppercase();
        if is_name && self.auth.len() < MAX_MECHANISMS && !self.auth.contains(&name) {
            self.auth.push(name);
        }
    }

    /// True if `extension` is offered.
    pub fn offers(&self, extension: Extension) -> bool {
        match extension {
            Extension::Pipelining => self.pipelining,
            Extension::Size => self.size.is_some(),
            Extension::EightBitMime => self.eight_bit_mime,
            Extension::SmtpUtf8 => self.smtputf8,
            Extension::EnhancedStatusCodes => self.enhanced_status_codes,
            Extension::Chunking => self.chunking,
            Extension::BinaryMime => self.binary_mime,
            Extension::Dsn => self.dsn,
            Extension::StartTls => self.starttls,
            Extension::Auth => !self.auth.is_empty(),
            Extension::RequireTls => self.requiretls,
            Extension::Limits => self.limits != CommandLimits::default(),
            Extension::Etrn => self.etrn,
            Extension::Xclient => !self.xclient.is_empty(),
            Extension::Xforward => !self.xforward.is_empty(),
        }
    }

    /// What both offer. Limits bind though only one has them: the smaller one is taken, of SIZE too.
    pub fn intersect(&self, other: &Capabilities) -> Capabilities {
        Capabilities {
            pipelining: self.pipelining && other.pipelining,
            size: smaller_size(self.size, other.size),
            eight_bit_mime: self.eight_bit_mime && other.eight_bit_mime,
            smtputf8: self.smtputf8 && other.smtputf8,
            enhanced_status_codes: self.enhanced_status_codes && other.enhanced_status_codes,
            chunking: self.chunking && other.chunking,
            binary_mime: self.binary_mime && other.binary_mime,
            dsn: self.dsn && other.dsn,
            starttls: self.starttls && other.starttls,
            requiretls: self.requiretls && other.requiretls,
            etrn: self.etrn && other.etrn,
            auth: in_both(&self.auth, &other.auth),
            xclient: in_both(&self.xclient, &other.xclient),
            xforward: in_both(&self.xforward, &other.xforward),
            limits: self.limits.intersect(other.limits),
        }
    }

    /// The answer to EHLO that offers this; `greeting` is its first line, the name of the server first.
    pub fn ehlo_reply(&self, greeting: impl Into<Cow<'static, str>>) -> Reply {
        let offered = Extension::ALL.into_iter().filter(|extension| self.offers(*extension));
        let lines = offered.map(|extension| self.ehlo_line(extension));
        Reply::multiline(250, None, std::iter::once(greeting.into()).chain(lines))
    }

    fn ehlo_line(&self, extension: Extension) -> Cow<'static, str> {
        let keyword = extension.as_str();
        match extension {
            Extension::Size => match self.size.flatten() {
                Some(limit) => Cow::Owned(format!("{keyword} {limit}")),
                None => Cow::Borrowed(keyword),
            },
            Extension::Auth => with_words(keyword, &self.auth),
            Extension::Limits => with_words(keyword, self.limits.words()),
            Extension::Xclient => with_words(keyword, self.xclient.iter().map(|one| one.as_str())),
            Extension::Xforward => with_words(keyword, self.xforward.iter().map(|one| one.as_str())),
            _ => Cow::Borrowed(keyword),
        }
    }
}

impl CommandLimits {
    fn read(&mut self, word: &str) {
        let Some((name, value)) = word.split_once('=') else { return };
        // RFC 9422 §3: one to six digits, not zero.
        let is_number = matches!(value.len(), 1..=6) && value.bytes().all(|b| b.is_ascii_digit());
        let Some(value) = value.parse().ok().filter(|value| is_number && *value > 0) else { return };
        match name {
            _ if name.eq_ignore_ascii_case("MAILMAX") => self.mail_max = Some(value),
            _ if name.eq_ignore_ascii_case("RCPTMAX") => self.rcpt_max = Some(value),
            _ if name.eq_ignore_ascii_case("RCPTDOMAINMAX") => self.rcpt_domain_max = Some(value),
            _ => {}
        }
    }

    fn words(self) -> impl Iterator<Item = impl Display> {
        let all =
            [("RCPTMAX", self.rcpt_max), ("MAILMAX", self.mail_max), ("RCPTDOMAINMAX", self.rcpt_domain_max)];
        all.into_iter().filter_map(|(name, value)| value.map(|value| Limit { name, value }))
    }

    fn intersect(self, other: CommandLimits) -> CommandLimits {
        CommandLimits {
            mail_max: smaller(self.mail_max, other.mail_max),
            rcpt_max: smaller(self.rcpt_max, other.rcpt_max),
            rcpt_domain_max: smaller(self.rcpt_domain_max, other.rcpt_domain_max),
        }
    }
}

/// One of the limits, as it is written.
struct Limit {
    name: &'static str,
    value: u32,
}

impl Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

/// The limits of SIZE together: none and `Some(None)` bind nothing.
fn smaller_size(one: Option<Option<u64>>, other: Option<Option<u64>>) -> Option<Option<u64>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(smaller(one, other)),
        (one, other) => one.or(other),
    }
}

/// The smaller of two limits; none is no limit.
fn smaller<N: Ord>(one: Option<N>, other: Option<N>) -> Option<N> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// A limit of SIZE; zero is none. Source: RFC 1870 §4.
fn size_limit(word: &str) -> Option<u64> {
    let is_number = matches!(word.len(), 1..=20) && word.bytes().all(|b| b.is_ascii_digit());
    if is_number { word.parse().ok().filter(|limit| *limit > 0) } else { None }
}

fn in_both<T: Clone + PartialEq>(one: &[T], other: &[T]) -> Vec<T> {
    one.iter().filter(|item| other.contains(item)).cloned().collect()
}

/// Adds the attributes among `words` that we know, each once.
fn add_known<'a>(known: &mut Vec<Attribute>, words: impl Iterator<Item = &'a str>) {
    for attribute in words.filter_map(Attribute::parse) {
        if !known.contains(&attribute) {
            known.push(attribute);
        }
    }
}

/// `keyword` and what it is offered with.
fn with_words(keyword: &'static str, words: impl IntoIterator<Item: Display>) -> Cow<'static, str> {
    let mut words = words.into_iter().peekable();
    if words.peek().is_none() {
        return Cow::Borrowed(keyword);
    }
    let mut line = keyword.to_owned();
    for word in words {
        // Writing to a String doesn't fail.
        let _ = write!(line, " {word}");
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests;
