//! A reply: its code, its enhanced code and its text, and how it is written on the wire.

use std::borrow::Cow;
use std::fmt;

use crate::smtp::command::{ParseError, Verb};

/// A reply code from 200 to 599. Source: RFC 5321 §4.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

impl Code {
    /// 451, what is said when a code makes no sense.
    pub const TRY_LATER: Code = Code(451);

    /// The code, or nothing if the number is not from 200 to 599.
    pub const fn new(number: u16) -> Option<Code> {
        if number >= 200 && number <= 599 { Some(Code(number)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The first digit, 2 to 5.
    pub const fn class(self) -> u8 {
        match self.0 {
            200..=299 => 2,
            300..=399 => 3,
            400..=499 => 4,
            _ => 5,
        }
    }

    /// True of 2yz: done.
    pub const fn is_positive(self) -> bool {
        self.class() == 2
    }

    /// True of 3yz: go on.
    pub const fn is_intermediate(self) -> bool {
        self.class() == 3
    }

    /// True of 4yz: not now.
    pub const fn is_transient(self) -> bool {
        self.class() == 4
    }

    /// True of 5yz: never.
    pub const fn is_permanent(self) -> bool {
        self.class() == 5
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

impl From<Code> for u16 {
    fn from(code: Code) -> u16 {
        code.0
    }
}

impl PartialEq<u16> for Code {
    fn eq(&self, number: &u16) -> bool {
        self.0 == *number
    }
}

/// An enhanced status code such as 5.7.1. Source: RFC 3463 §2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnhancedCode {
    class: u8,
    subject: u16,
    detail: u16,
}

impl EnhancedCode {
    /// The enhanced code, or nothing if the class is not 2, 4 or 5 or another number has more than three digits.
    pub const fn new(class: u8, subject: u16, detail: u16) -> Option<EnhancedCode> {
        if matches!(class, 2 | 4 | 5) && subject <= 999 && detail <= 999 {
            Some(EnhancedCode { class, subject, detail })
        } else {
            None
        }
    }

    /// The enhanced code that `text` is, with nothing before or after it.
    pub fn parse(text: &str) -> Option<EnhancedCode> {
        let mut numbers = text.split('.');
        let (class, subject, detail) = (numbers.next()?, numbers.next()?, numbers.next()?);
        if numbers.next().is_some() || class.len() != 1 {
            return None;
        }
        let class = u8::try_from(small_number(class)?).ok()?;
        EnhancedCode::new(class, small_number(subject)?, small_number(detail)?)
    }

    /// The enhanced code at the start of a reply's text, and the text that is left after it and one space.
    pub fn split(text: &str) -> Option<(EnhancedCode, &str)> {
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        Some((EnhancedCode::parse(first)?, rest))
    }

    /// 2, 4 or 5.
    pub const fn class(self) -> u8 {
        self.class
    }

    /// The second number.
    pub const fn subject(self) -> u16 {
        self.subject
    }

    /// The third number.
    pub const fn detail(self) -> u16 {
        self.detail
    }

    /// `enhanced` if it is of the code's class, else X.0.0; none for 3yz, which has no class of its own.
    const fn fitting(code: Code, enhanced: (u8, u16, u16)) -> Option<EnhancedCode> {
        match EnhancedCode::new(enhanced.0, enhanced.1, enhanced.2) {
            Some(known) if known.class == code.class() => Some(known),
            _ => EnhancedCode::new(code.class(), 0, 0),
        }
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// What the proxy, a policy or the backend answers to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: Code,
    /// Written at the start of each line; none in the banner, in the answers to HELO and EHLO, and in 3yz (RFC 2034 §3).
    pub enhanced: Option<EnhancedCode>,
    text: Text,
}

/// The lines, without codes. One line costs no list.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Text {
    One(Cow<'static, str>),
    Many(Vec<Cow<'static, str>>),
}

impl Reply {
    /// A reply of one line, made without allocation.
    ///
    /// A code outside 200–599 becomes 451, an enhanced code that doesn't fit becomes X.0.0.
    pub const fn fixed(code: u16, enhanced: (u8, u16, u16), text: &'static str) -> Reply {
        let code = checked(code);
        let enhanced = EnhancedCode::fitting(code, enhanced);
        Reply { code, enhanced, text: Text::One(Cow::Borrowed(text)) }
    }

    /// A reply of one line.
    ///
    /// A code outside 200–599 becomes 451, an enhanced code that doesn't fit becomes X.0.0.
    pub fn new(code: u16, enhanced: (u8, u16, u16), text: impl Into<Cow<'static, str>>) -> Reply {
        let code = checked(code);
        let enhanced = EnhancedCode::fitting(code, enhanced);
        Reply { code, enhanced, text: Text::One(text.into()) }
    }

    /// A reply of one line that has no enhanced code: a banner, the answer to HELO, a 354.
    pub fn plain(code: u16, text: impl Into<Cow<'static, str>>) -> Reply {
        Reply { code: checked(code), enhanced: None, text: Text::One(text.into()) }
    }

    /// A reply of several lines; no lines at all make one that is empty.
    pub fn multiline<I>(code: u16, enhanced: Option<EnhancedCode>, lines: I) -> Reply
    where
        I: IntoIterator<Item: Into<Cow<'static, str>>>,
    {
        let mut lines = lines.into_iter().map(Into::into);
        let first = lines.next().unwrap_or_default();
        let text = match lines.next() {
            None => Text::One(first),
            Some(second) => Text::Many([first, second].into_iter().chain(lines).collect()),
        };
        let code = checked(code);
        let enhanced = enhanced.and_then(|e| EnhancedCode::fitting(code, (e.class, e.subject, e.detail)));
        Reply { code, enhanced, text }
    }

    /// The backend's reply, made fit for the client: printable, with an enhanced code of the code's class.
    ///
    /// An enhanced code that is missing or of another class becomes X.0.0. `utf8` says that the client has asked
    /// for SMTPUTF8. Which codes may pass is not judged here. Source: RFC 2034 §4, RFC 6531 §3.7.4.2.
    pub fn relayed<'a, L>(code: Code, lines: impl IntoIterator<Item = &'a L>, utf8: bool) -> Reply
    where
        L: AsRef<[u8]> + ?Sized + 'a,
    {
        let mut lines = lines.into_iter().map(|line| printable(line, utf8)).peekable();
        let first = lines.peek().and_then(|line| EnhancedCode::split(line));
        let found = first.map(|(found, _)| found);
        let own = |line: Cow<'_, str>| match EnhancedCode::split(&line) {
            Some((code, rest)) if Some(code) == found => rest.to_owned(),
            _ => line.into_owned(),
        };
        let wanted = found.map_or((0, 0, 0), |e| (e.class, e.subject, e.detail));
        Reply::multiline(code.get(), EnhancedCode::fitting(code, wanted), lines.map(own))
    }

    /// True of 2yz: done.
    pub const fn is_positive(&self) -> bool {
        self.code.is_positive()
    }

    /// True of 3yz: go on.
    pub const fn is_intermediate(&self) -> bool {
        self.code.is_intermediate()
    }

    /// True of 4yz: not now.
    pub const fn is_transient(&self) -> bool {
        self.code.is_transient()
    }

    /// True of 5yz: never.
    pub const fn is_permanent(&self) -> bool {
        self.code.is_permanent()
    }

    /// True if the connection ends with this reply: 421.
    pub const fn is_closing(&self) -> bool {
        self.code.get() == 421
    }

    /// The lines of text without codes, at least one.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        let lines = match &self.text {
            Text::One(line) => std::slice::from_ref(line),
            Text::Many(lines) => lines,
        };
        lines.iter().map(|line| &**line)
    }

    /// The text in one line, lines joined by a space.
    pub fn text(&self) -> String {
        self.lines().collect::<Vec<_>>().join(" ")
    }

    /// Appends `suffix` to the last line. *Changes* the text.
    pub fn with_text_suffix(&mut self, suffix: &str) {
        let last = match &mut self.text {
            Text::One(line) => Some(line),
            Text::Many(lines) => lines.last_mut(),
        };
        if let Some(line) = last {
            line.to_mut().push_str(suffix);
        }
    }
}

impl fmt::Display for Reply {
    /// The reply in one line, as a log shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        self.lines()
            .filter(|line| !line.is_empty())
            .try_for_each(|line| write!(f, " {}", printable(line, true)))
    }
}

/// The only place where a command that makes no sense gets its answer.
impl From<ParseError> for Reply {
    fn from(error: ParseError) -> Reply {
        match error {
            ParseError::Nul => Reply::NUL_IN_COMMAND,
            ParseError::BareNewline => Reply::BARE_NEWLINE,
            ParseError::Syntax(Verb::Mail) => Reply::MAIL_SYNTAX,
            ParseError::Syntax(Verb::Rcpt) => Reply::RCPT_SYNTAX,
            ParseError::Syntax(_) => Reply::BAD_ARGUMENT,
            ParseError::MissingArgument(_) => Reply::MISSING_ARGUMENT,
            ParseError::UnexpectedArgument(_) => Reply::NO_ARGUMENT_ALLOWED,
            ParseError::Host(_) => Reply::BAD_HELO_NAME,
            ParseError::ReversePath(_) => Reply::BAD_REVERSE_PATH,
            ParseError::ForwardPath(_) => Reply::BAD_FORWARD_PATH,
            ParseError::BadParameter => Reply::BAD_PARAMETER,
            ParseError::DuplicateParameter => Reply::DUPLICATE_PARAMETER,
            ParseError::BadChunk => Reply::BAD_CHUNK,
        }
    }
}

/// `octets` as text that can stand in a line: controls, octets that are no UTF-8 and, unless `utf8`, characters
/// beyond ASCII become `?`. Tabs stay. Source: RFC 5321 §4.2 (textstring), RFC 6531 §3.7.4.2.
pub fn printable<'a, O: AsRef<[u8]> + ?Sized>(octets: &'a O, utf8: bool) -> Cow<'a, str> {
    let octets = octets.as_ref();
    let is_printable = |c: char| c == '\t' || !c.is_control() && (utf8 || c.is_ascii());
    if let Some(text) = std::str::from_utf8(octets).ok().filter(|text| text.chars().all(is_printable)) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(octets.len());
    for chunk in octets.utf8_chunks() {
        text.extend(chunk.valid().chars().map(|c| if is_printable(c) { c } else { '?' }));
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    Cow::Owned(text)
}

const fn checked(code: u16) -> Code {
    match Code::new(code) {
        Some(code) => code,
        None => Code::TRY_LATER,
    }
}

/// One to three digits as a number. RFC 3463 §2 has no leading zeros; they are let through.
fn small_number(digits: &str) -> Option<u16> {
    let is_number = matches!(digits.len(), 1..=3) && digits.bytes().all(|b| b.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
