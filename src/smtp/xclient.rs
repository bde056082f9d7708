//! XCLIENT and XFORWARD: tells the backend who the client is. Every value is checked here, wherever it came from.

use std::net::IpAddr;

/// What is known of the client of a session.
#[derive(Clone, Copy, Debug)]
pub struct ClientFacts<'a> {
    /// Its forward-confirmed name.
    pub name: Name<'a>,
    /// Where it connected from.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// "SMTP" or "ESMTP"; XCLIENT knows no others and is told ESMTP for them.
    pub protocol: &'static str,
    /// What it said in EHLO or HELO.
    pub helo: Option<&'a str>,
    /// The name it has logged in with.
    pub login: Option<&'a str>,
    /// Where it connected to.
    pub destination: Option<(IpAddr, u16)>,
    /// Our name for the transaction.
    pub ident: Option<&'a str>,
    /// "REMOTE" or "LOCAL".
    pub source: &'static str,
}

/// What is known of the client's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// The look-up gave this.
    Known(&'a str),
    /// It has none.
    Unavailable,
    /// The look-up failed; it may have one.
    TempUnavailable,
}

/// An attribute that a backend offers for XCLIENT or XFORWARD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the keywords speak for themselves")]
pub enum Attribute {
    Name,
    Addr,
    Port,
    Proto,
    Helo,
    Login,
    DestAddr,
    DestPort,
    Ident,
    Source,
}

/// The one XCLIENT command with all attributes in `offered`, without CRLF, at most 512 octets with it.
///
/// `None` if nothing that we could tell is offered. What cannot be told, a value that is not clean or longer than 255 octets, is
/// `[UNAVAILABLE]`, and so is what makes the line too long: the longer of NAME and HELO first, then the other, then LOGIN.
/// Source: Postfix XCLIENT_README.
pub fn xclient_line(facts: &ClientFacts<'_>, offered: &[Attribute]) -> Option<String> {
    let _ = (facts, offered);
    None
}

/// The XFORWARD commands with all attributes in `offered`, without CRLF, each at most 512 octets with it.
///
/// Source: Postfix XFORWARD_README.
pub fn xforward_lines(facts: &ClientFacts<'_>, offered: &[Attribute]) -> Vec<String> {
    let _ = (facts, offered);
    Vec::new()
}
