//! What is said to a directory server and what it says: the few messages of LDAP that checking a password takes.

use std::fmt;

use crate::auth::ldap::ber::{
    ENUMERATED, INTEGER, Malformed, OCTETS, SEQUENCE, boolean, element, expect, number, read_number, take,
};
use crate::auth::ldap::filter::PRESENT;
use crate::smtp::secret::Secret;

/// How a request went. Source: RFC 4511 §4.1.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(pub(super) u32);

impl Code {
    pub(super) const SUCCESS: Code = Code(0);
    pub(super) const SIZE_LIMIT_EXCEEDED: Code = Code(4);
    pub(super) const NO_SUCH_OBJECT: Code = Code(32);
    pub(super) const INVALID_DN_SYNTAX: Code = Code(34);
    pub(super) const INVALID_CREDENTIALS: Code = Code(49);
}

impl fmt::Display for Code {
    /// The number and, of those that a postmaster may meet, the name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0 => "success",
            1 => "operationsError",
            2 => "protocolError",
            3 => "timeLimitExceeded",
            4 => "sizeLimitExceeded",
            7 => "authMethodNotSupported",
            8 => "strongerAuthRequired",
            10 => "referral",
            11 => "adminLimitExceeded",
            13 => "confidentialityRequired",
            14 => "saslBindInProgress",
            16 => "noSuchAttribute",
            19 => "constraintViolation",
            32 => "noSuchObject",
            34 => "invalidDNSyntax",
            48 => "inappropriateAuthentication",
            49 => "invalidCredentials",
            50 => "insufficientAccessRights",
            51 => "busy",
            52 => "unavailable",
            53 => "unwillingToPerform",
            80 => "other",
            _ => return write!(f, "{}", self.0),
        };
        write!(f, "{} ({name})", self.0)
    }
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// To a bind.
    Bound(Code),
    /// To a search: an entry.
    Entry(Entry),
    /// To a search: it has come to its end.
    Done(Code),
    /// To STARTTLS.
    Extended(Code),
    /// Something that changes nothing, as where else one could search.
    Aside,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) dn: String,
    /// The values of the attribute that was asked for.
    pub(super) values: Vec<String>,
}

/// What is searched for.
#[derive(Debug)]
pub(super) struct Search<'a> {
    pub(super) base: &'a str,
    pub(super) scope: Scope,
    pub(super) filter: &'a Secret,
    /// The attribute whose values are wanted.
    pub(super) attribute: Option<&'a str>,
}

/// Where it is searched, seen from the base. Source: RFC 4511 §4.5.1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Base,
    OneLevel,
    Subtree,
}

impl Scope {
    fn number(self) -> u32 {
        match self {
            Scope::Base => 0,
            Scope::OneLevel => 1,
            Scope::Subtree => 2,
        }
    }
}

const BIND: u8 = 0x60;
const BOUND: u8 = 0x61;
const UNBIND: u8 = 0x42;
const SEARCH: u8 = 0x63;
const ENTRY: u8 = 0x64;
const DONE: u8 = 0x65;
const REFERENCE: u8 = 0x73;
const EXTENDED_REQUEST: u8 = 0x77;
const EXTENDED: u8 = 0x78;
const INTERMEDIATE: u8 = 0x79;
const SET: u8 = 0x31;
/// A password, in a bind.
const SIMPLE: u8 = 0x80;
/// The name of an extended request.
const NAME: u8 = 0x80;

/// The filter that every entry fits.
pub(super) fn any_entry() -> Secret {
    element(PRESENT, &[b"objectClass"])
}

/// STARTTLS. Source: RFC 4511 §4.14.1.
const STARTTLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
/// Entries that are asked for: who finds two has not found one.
const ENTRIES: u32 = 2;

/// A bind as `dn` with `password`. Source: RFC 4511 §4.2.
pub(super) fn bind(id: u32, dn: &str, password: &Secret) -> Secret {
    let version = number(INTEGER, 3);
    let (dn, password) = (element(OCTETS, &[dn.as_bytes()]), element(SIMPLE, &[password.octets()]));
    message(id, &element(BIND, &[version.octets(), dn.octets(), password.octets()]))
}

/// A search that takes `seconds` at most. Source: RFC 4511 §4.5.1.
pub(super) fn search(id: u32, search: &Search<'_>, seconds: u32) -> Secret {
    // "1.1" is no attribute at all. RFC 4511 §4.5.1.8
    let attribute = element(OCTETS, &[search.attribute.unwrap_or("1.1").as_bytes()]);
    let parts = [
        element(OCTETS, &[search.base.as_bytes()]),
        number(ENUMERATED, search.scope.number()),
        number(ENUMERATED, 0), // aliases are not followed
        number(INTEGER, ENTRIES),
        number(INTEGER, seconds),
        boolean(false),
        search.filter.clone(),
        element(SEQUENCE, &[attribute.octets()]),
    ];
    message(id, &element(SEARCH, &parts.each_ref().map(Secret::octets)))
}

/// STARTTLS. Source: RFC 4511 §4.14.1.
pub(super) fn starttls(id: u32) -> Secret {
    let name = element(NAME, &[STARTTLS]);
    message(id, &element(EXTENDED_REQUEST, &[name.octets()]))
}

/// The end. Source: RFC 4511 §4.3.
pub(super) fn unbind(id: u32) -> Secret {
    message(id, &element(UNBIND, &[]))
}

fn message(id: u32, request: &Secret) -> Secret {
    element(SEQUENCE, &[number(INTEGER, id).octets(), request.octets()])
}

/// A whole message of the server's: the number of the request that it answers, and what it says; of an entry the
/// values of `attribute`.
///
/// *Errors*: it is none.
pub(super) fn read(message: &[u8], attribute: Option<&str>) -> Result<(u32, Said), Malformed> {
    let mut message = message;
    let mut inside = expect(&mut message, SEQUENCE)?;
    let id = read_number(expect(&mut inside, INTEGER)?)?;
    let (tag, answer) = take(&mut inside)?; // controls may follow, of which we know none
    let said = match tag {
        BOUND => Said::Bound(code(answer)?),
        DONE => Said::Done(code(answer)?),
        EXTENDED => Said::Extended(code(answer)?),
        ENTRY => Said::Entry(entry(answer, attribute)?),
        REFERENCE | INTERMEDIATE => Said::Aside,
        _ => return Err(Malformed),
    };
    Ok((id, said))
}

fn code(mut answer: &[u8]) -> Result<Code, Malformed> {
    Ok(Code(read_number(expect(&mut answer, ENUMERATED)?)?))
}

fn entry(mut answer: &[u8], attribute: Option<&str>) -> Result<Entry, Malformed> {
    let dn = text(expect(&mut answer, OCTETS)?)?;
    let mut attributes = expect(&mut answer, SEQUENCE)?;
    let mut values = Vec::new();
    while !attributes.is_empty() {
        let mut one = expect(&mut attributes, SEQUENCE)?;
        let name = text(expect(&mut one, OCTETS)?)?;
        let mut set = expect(&mut one, SET)?;
        let is_wanted = attribute.is_some_and(|wanted| wanted.eq_ignore_ascii_case(&name));
        while !set.is_empty() {
            let value = expect(&mut set, OCTETS)?;
            if is_wanted {
                values.push(text(value)?);
            }
        }
    }
    Ok(Entry { dn, values })
}

fn text(octets: &[u8]) -> Result<String, Malformed> {
    std::str::from_utf8(octets).map(str::to_owned).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hex(message: &Secret) -> String {
        message.octets().iter().map(|octet| format!("{octet:02x}")).collect()
    }

    fn octets(hex: &str) -> Vec<u8> {
        let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
    }

    #[test]
    fn requests_are_written_as_rfc4511_has_them() {
        let filter = any_entry();
        let asked = Search { base: "dc=a", scope: Scope::Subtree, filter: &filter, attribute: Some("uid") };
        for (message, want) in [
            (bind(1, "cn=a", &Secret::from("pw")), "3012 020101 600d 020103 0404636e3d61 80027077"),
            (bind(300, "", &Secret::default()), "300d 0202012c 6007 020103 0400 8000"),
            (unbind(2), "3005 020102 4200"),
            (starttls(1), "301d 020101 7718 8016 312e332e362e312e342e312e313436362e3230303337"),
            (
                search(3, &asked, 5),
                "302e 020103 6329 040464633d61 0a0102 0a0100 020102 020105 010100 870b6f626a656374436c617373 3005 0403756964",
            ),
        ] {
            assert_eq!(hex(&message), want.replace(' ', ""));
        }
    }

    #[test]
    fn answers_are_read_as_rfc4511_has_them() {
        let entry = |values: &[&str]| {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            Said::Entry(Entry { dn: "cn=a".into(), values })
        };
        for (message, want) in [
            ("300c 020101 6107 0a0100 0400 0400", Ok((1, Said::Bound(Code::SUCCESS)))),
            ("300c 020101 6107 0a0131 0400 0400", Ok((1, Said::Bound(Code::INVALID_CREDENTIALS)))),
            ("300c 020102 6507 0a0104 0400 0400", Ok((2, Said::Done(Code::SIZE_LIMIT_EXCEEDED)))),
            ("300c 020101 7807 0a0100 0400 0400", Ok((1, Said::Extended(Code::SUCCESS)))),
            ("300a 020102 7305 0403 6c3a2f", Ok((2, Said::Aside))),
            ("300d 020102 6408 0404636e3d61 3000", Ok((2, entry(&[])))),
            (
                "301b 020102 6416 0404636e3d61 300e 300c 0403554944 3105 040161 0400",
                Ok((2, entry(&["a", ""]))),
            ),
            ("3019 020102 6414 0404636e3d61 300c 300a 0401 6d 3105 040161 0400", Ok((2, entry(&[])))),
            // With a control behind it.
            ("3010 020101 6107 0a0100 0400 0400 a0023000", Ok((1, Said::Bound(Code::SUCCESS)))),
            ("3005 020101 6100", Err(Malformed)),
            ("3003 020101", Err(Malformed)),
            ("3005 020101 4200", Err(Malformed)), // a request
            ("300d 020102 6408 0404636e3dff 3000", Err(Malformed)), // no UTF-8
            ("3080 020101 6100", Err(Malformed)),
        ] {
            assert_eq!(read(&octets(message), Some("uid")), want, "{message}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&octets, Some("uid"));
            let framed = element(SEQUENCE, &[number(INTEGER, 1).octets(), element(ENTRY, &[&octets]).octets()]);
            let _ = read(framed.octets(), Some("uid"));
        }
    }
}
