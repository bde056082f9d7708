//! A command line as a value: which command it is, and what it asks for.
//!
//! Whether the command may be given now is the session's business.

use std::fmt;

use memchr::memchr3;

use crate::smtp::auth_argument::AuthArgument;
use crate::smtp::host::{Host, HostError};
use crate::smtp::params::{MailParams, Params, ParamsError, RcptParams};
use crate::smtp::path::{ForwardPath, PathError, ReversePath};

/// What a client asks for. No value in it holds a NUL, CR or LF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// RFC 5321 §4.1.1.1.
    Ehlo(Host),
    /// RFC 5321 §4.1.1.1.
    Helo(Host),
    /// RFC 2033 §4.1.
    Lhlo(Host),
    /// RFC 5321 §4.1.1.2.
    Mail(Mail),
    /// RFC 5321 §4.1.1.3.
    Rcpt(Rcpt),
    /// RFC 5321 §4.1.1.4.
    Data,
    /// RFC 3030 §2.
    Bdat {
        /// Octets that follow the line.
        size: u64,
        /// True of the last chunk.
        last: bool,
    },
    /// RFC 5321 §4.1.1.5.
    Rset,
    /// RFC 5321 §4.1.1.9; its argument means nothing.
    Noop,
    /// RFC 5321 §4.1.1.10.
    Quit,
    /// RFC 5321 §4.1.1.8.
    Help(String),
    /// RFC 5321 §4.1.1.6.
    Vrfy(String),
    /// RFC 5321 §4.1.1.7.
    Expn(String),
    /// RFC 3207 §4.
    StartTls,
    /// RFC 4954 §4.
    Auth(AuthArgument),
    /// RFC 1985 §5.
    Etrn(String),
    /// Postfix's XCLIENT: its attributes as sent.
    Xclient(String),
    /// Postfix's XFORWARD: its attributes as sent.
    Xforward(String),
    /// Another verb: in upper case, printable, at most 32 characters.
    Unknown(String),
}

/// MAIL with what it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Behind `FROM:`.
    pub reverse_path: ReversePath,
    /// Behind the address.
    pub params: MailParams,
}

/// RCPT with what it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rcpt {
    /// Behind `TO:`.
    pub forward_path: ForwardPath,
    /// Behind the address.
    pub params: RcptParams,
}

/// How strictly commands are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Syntax {
    /// True takes RFC 5321 by the letter: no spaces after `FROM:` and `TO:` or at the end, no address without
    /// brackets.
    pub strict: bool,
}

/// The first word of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the verb of its name")]
pub enum Verb {
    Ehlo,
    Helo,
    Lhlo,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Quit,
    Help,
    Vrfy,
    Expn,
    StartTls,
    Auth,
    Etrn,
    Xclient,
    Xforward,
    Unknown,
}

/// Why a line is no command. An unknown verb is no error: see `Command::Unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A NUL in the line.
    #[error("NUL in a command")]
    Nul,
    /// A CR or LF in the line.
    #[error("bare CR or LF in a command")]
    BareNewline,
    /// An argument that can't be read.
    #[error("bad argument")]
    Syntax(Verb),
    /// No argument where one is needed.
    #[error("argument missing")]
    MissingArgument(Verb),
    /// An argument where none is allowed.
    #[error("no argument allowed")]
    UnexpectedArgument(Verb),
    /// The argument of HELO, EHLO or LHLO.
    #[error("bad host name: {0}")]
    Host(HostError),
    /// The address of MAIL.
    #[error("bad reverse-path: {0}")]
    ReversePath(PathError),
    /// The address of RCPT.
    #[error("bad forward-path: {0}")]
    ForwardPath(PathError),
    /// A parameter of MAIL or RCPT.
    #[error("bad parameter")]
    BadParameter,
    /// A parameter that stands twice.
    #[error("parameter given twice")]
    DuplicateParameter,
    /// A BDAT that can't be read: nobody knows how many octets follow, so the connection must be closed.
    #[error("bad BDAT")]
    BadChunk,
}

/// Digits of a chunk's size. Source: RFC 3030 §2 (chunk-size = 1*DIGIT); more don't fit in 64 bits.
const MAX_CHUNK_DIGITS: usize = 20;
/// Characters of an unknown verb that are kept.
const MAX_UNKNOWN: usize = 32;

impl Command {
    /// The command in `line`, which comes without its CRLF.
    ///
    /// *Errors*: see `ParseError`. Source: RFC 5321 §4.1.
    pub fn parse(line: &[u8], syntax: Syntax) -> Result<Command, ParseError> {
        let end = memchr::memchr(b' ', line).unwrap_or(line.len());
        let (word, rest) = line.split_at_checked(end).unwrap_or((line, b""));
        let verb = Verb::parse(word);
        if let Some(bad) = memchr3(0, b'\r', b'\n', line).and_then(|at| line.get(at)) {
            return Err(match verb {
                Verb::Bdat => ParseError::BadChunk,
                _ if *bad == 0 => ParseError::Nul,
                _ => ParseError::BareNewline,
            });
        }
        match verb {
            Verb::Unknown => return Ok(Command::Unknown(shown(word))),
            Verb::Noop => return Ok(Command::Noop),
            _ => {}
        }
        let argument = std::str::from_utf8(rest).map_err(|_| verb.unreadable(PathError::NotUtf8))?;
        let argument = trimmed(argument, syntax.strict).ok_or(verb.unreadable(PathError::Empty))?;
        Command::with_argument(verb, argument, syntax.strict)
    }

    fn with_argument(verb: Verb, argument: &str, strict: bool) -> Result<Command, ParseError> {
        let host = || Host::parse_ehlo(needed(verb, argument)?, strict).map_err(ParseError::Host);
        let alone = |command| match argument {
            "" => Ok(command),
            _ => Err(ParseError::UnexpectedArgument(verb)),
        };
        let text = || needed(verb, argument).map(str::to_owned);
        match verb {
            Verb::Ehlo => Ok(Command::Ehlo(host()?)),
            Verb::Helo => Ok(Command::Helo(host()?)),
            Verb::Lhlo => Ok(Command::Lhlo(host()?)),
            Verb::Mail => Ok(Command::Mail(Mail::parse(argument, strict)?)),
            Verb::Rcpt => Ok(Command::Rcpt(Rcpt::parse(argument, strict)?)),
            Verb::Data => alone(Command::Data),
            Verb::Bdat => bdat(argument, strict).ok_or(ParseError::BadChunk),
            Verb::Rset => alone(Command::Rset),
            Verb::Noop => Ok(Command::Noop),
            Verb::Quit => alone(Command::Quit),
            Verb::Help => Ok(Command::Help(argument.to_owned())),
            Verb::Vrfy => Ok(Command::Vrfy(text()?)),
            Verb::Expn => Ok(Command::Expn(text()?)),
            Verb::StartTls => alone(Command::StartTls),
            Verb::Auth => Ok(Command::Auth(AuthArgument::new(needed(verb, argument)?))),
            Verb::Etrn => Ok(Command::Etrn(text()?)),
            Verb::Xclient => Ok(Command::Xclient(text()?)),
            Verb::Xforward => Ok(Command::Xforward(text()?)),
            Verb::Unknown => Ok(Command::Unknown(String::new())),
        }
    }

    /// The command's first word.
    pub fn verb(&self) -> Verb {
        match self {
            Command::Ehlo(_) => Verb::Ehlo,
            Command::Helo(_) => Verb::Helo,
            Command::Lhlo(_) => Verb::Lhlo,
            Command::Mail(_) => Verb::Mail,
            Command::Rcpt(_) => Verb::Rcpt,
            Command::Data => Verb::Data,
            Command::Bdat { .. } => Verb::Bdat,
            Command::Rset => Verb::Rset,
            Command::Noop => Verb::Noop,
            Command::Quit => Verb::Quit,
            Command::Help(_) => Verb::Help,
            Command::Vrfy(_) => Verb::Vrfy,
            Command::Expn(_) => Verb::Expn,
            Command::StartTls => Verb::StartTls,
            Command::Auth(_) => Verb::Auth,
            Command::Etrn(_) => Verb::Etrn,
            Command::Xclient(_) => Verb::Xclient,
            Command::Xforward(_) => Verb::Xforward,
            Command::Unknown(_) => Verb::Unknown,
        }
    }
}

impl Mail {
    fn parse(argument: &str, strict: bool) -> Result<Mail, ParseError> {
        let text = after_keyword(Verb::Mail, argument, "FROM:")?;
        let (reverse_path, rest) = ReversePath::split(text, strict).map_err(ParseError::ReversePath)?;
        let params = MailParams::read(params(rest, strict)?);
        Ok(Mail { reverse_path, params })
    }
}

impl Rcpt {
    fn parse(argument: &str, strict: bool) -> Result<Rcpt, ParseError> {
        let text = after_keyword(Verb::Rcpt, argument, "TO:")?;
        let (forward_path, rest) = ForwardPath::split(text, strict).map_err(ParseError::ForwardPath)?;
        let params = RcptParams::read(params(rest, strict)?);
        Ok(Rcpt { forward_path, params })
    }
}

impl Verb {
    #[rustfmt::skip]
    const KNOWN: [Verb; 18] = [
        Verb::Mail, Verb::Rcpt, Verb::Data, Verb::Ehlo, Verb::Quit, Verb::Rset,
        Verb::Helo, Verb::Noop, Verb::Bdat, Verb::StartTls, Verb::Auth, Verb::Vrfy,
        Verb::Help, Verb::Expn, Verb::Etrn, Verb::Lhlo, Verb::Xclient, Verb::Xforward,
    ];

    /// The verb that `word` is, in any case.
    pub fn parse(word: &[u8]) -> Verb {
        let is_it = |verb: &Verb| word.eq_ignore_ascii_case(verb.as_str().as_bytes());
        Verb::KNOWN.into_iter().find(is_it).unwrap_or(Verb::Unknown)
    }

    /// As it is written in a command.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verb::Ehlo => "EHLO",
            Verb::Helo => "HELO",
            Verb::Lhlo => "LHLO",
            Verb::Mail => "MAIL",
            Verb::Rcpt => "RCPT",
            Verb::Data => "DATA",
            Verb::Bdat => "BDAT",
            Verb::Rset => "RSET",
            Verb::Noop => "NOOP",
            Verb::Quit => "QUIT",
            Verb::Help => "HELP",
            Verb::Vrfy => "VRFY",
            Verb::Expn => "EXPN",
            Verb::StartTls => "STARTTLS",
            Verb::Auth => "AUTH",
            Verb::Etrn => "ETRN",
            Verb::Xclient => "XCLIENT",
            Verb::Xforward => "XFORWARD",
            Verb::Unknown => "unknown",
        }
    }

    /// The error of an argument that can't be read at all.
    fn unreadable(self, why: PathError) -> ParseError {
        match (self, why) {
            (Verb::Bdat, _) => ParseError::BadChunk,
            (Verb::Mail, PathError::NotUtf8) => ParseError::ReversePath(why),
            (Verb::Rcpt, PathError::NotUtf8) => ParseError::ForwardPath(why),
            _ => ParseError::Syntax(self),
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<ParamsError> for ParseError {
    fn from(error: ParamsError) -> ParseError {
        match error {
            ParamsError::Bad => ParseError::BadParameter,
            ParamsError::Duplicate => ParseError::DuplicateParameter,
        }
    }
}

/// What stands behind the verb, without the space before it; without all spaces around it unless `strict`.
///
/// Nothing if `strict` finds spaces that shouldn't be there.
fn trimmed(rest: &str, strict: bool) -> Option<&str> {
    if !strict {
        return Some(rest.trim_matches(' '));
    }
    match rest.strip_prefix(' ') {
        None => Some(rest),
        Some("") => None,
        Some(argument) if argument.starts_with(' ') || argument.ends_with(' ') => None,
        Some(argument) => Some(argument),
    }
}

fn needed(verb: Verb, argument: &str) -> Result<&str, ParseError> {
    if argument.is_empty() { Err(ParseError::MissingArgument(verb)) } else { Ok(argument) }
}

/// What stands behind `FROM:` or `TO:`, in any case.
fn after_keyword<'a>(verb: Verb, argument: &'a str, keyword: &str) -> Result<&'a str, ParseError> {
    let (head, rest) = argument.split_at_checked(keyword.len()).ok_or(ParseError::Syntax(verb))?;
    if head.eq_ignore_ascii_case(keyword) { Ok(rest) } else { Err(ParseError::Syntax(verb)) }
}

/// The parameters behind an address. `<a@b>SIZE=1`, without the space, is an error at all times.
fn params(rest: &str, strict: bool) -> Result<Params, ParseError> {
    match rest.strip_prefix(' ') {
        Some(text) => Ok(Params::parse(text, strict)?),
        None if rest.is_empty() => Ok(Params::default()),
        None => Err(ParseError::BadParameter),
    }
}

/// Source: RFC 3030 §2. Digits alone, for a sign or a space would be read otherwise by others.
fn bdat(argument: &str, strict: bool) -> Option<Command> {
    let (size, last) = match argument.split_once(' ') {
        Some((size, word)) if strict => (size, word),
        Some((size, word)) => (size, word.trim_start_matches(' ')),
        None => (argument, ""),
    };
    let is_number = matches!(size.len(), 1..=MAX_CHUNK_DIGITS) && size.bytes().all(|b| b.is_ascii_digit());
    let is_last = last.eq_ignore_ascii_case("LAST");
    if !is_number || !(is_last || last.is_empty()) {
        return None;
    }
    Some(Command::Bdat { size: size.parse().ok()?, last: is_last })
}

/// An unknown verb so that a log can show it.
fn shown(word: &[u8]) -> String {
    word.escape_ascii().map(|b| char::from(b).to_ascii_uppercase()).take(MAX_UNKNOWN).collect()
}

#[cfg(test)]
mod tests;
