//! What a directory server says, read from its octets. Not what to make of it.

use std::fmt;

use crate::ldap::ber::{ENUMERATED, INTEGER, Malformed, OCTETS, SEQUENCE, expect, read_number, take, whole};

/// How a request went. Source: RFC 4511 §4.1.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub u32);

impl Code {
    /// It was done.
    pub const SUCCESS: Code = Code(0);
    /// There is more than was asked for.
    pub const SIZE_LIMIT_EXCEEDED: Code = Code(4);
    /// There is no such entry.
    pub const NO_SUCH_OBJECT: Code = Code(32);
    /// That is no DN.
    pub const INVALID_DN_SYNTAX: Code = Code(34);
    /// The password is wrong, or nobody has that name.
    pub const INVALID_CREDENTIALS: Code = Code(49);
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

/// What the server says, and to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The number of the request that it answers; 0 if nobody has asked.
    pub id: u32,
    /// What it says.
    pub said: Said,
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
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
pub struct Entry {
    /// Its name.
    pub dn: String,
    /// The values of the attribute that was asked for.
    pub values: Vec<String>,
}

/// Octets of one message of the server's.
pub const LONGEST: usize = 64 << 10;

const BOUND: u8 = 0x61;
const ENTRY: u8 = 0x64;
const DONE: u8 = 0x65;
const REFERENCE: u8 = 0x73;
const EXTENDED: u8 = 0x78;
const INTERMEDIATE: u8 = 0x79;
const SET: u8 = 0x31;

/// The answer that `octets` begin with and how many of them it takes, of an entry the values of `attribute`; nothing if
/// it has not come whole yet.
///
/// *Errors*: it is none, or has more than `LONGEST` octets. *Source*: RFC 4511 §4.1.1.
pub fn decode(octets: &[u8], attribute: Option<&str>) -> Result<Option<(Answer, usize)>, Malformed> {
    let Some(length) = whole(octets, LONGEST)? else { return Ok(None) };
    let Some(message) = octets.get(..length) else { return Ok(None) };
    Ok(Some((read(message, attribute)?, length)))
}

/// What a whole message of the server's says.
///
/// *Errors*: it is none.
fn read(message: &[u8], attribute: Option<&str>) -> Result<Answer, Malformed> {
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
    Ok(Answer { id, said })
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
    use crate::ldap::ber::{element, number};

    fn octets(hex: &str) -> Vec<u8> {
        let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
    }

    fn answer(id: u32, said: Said) -> Answer {
        Answer { id, said }
    }

    #[test]
    fn answers_are_read_as_rfc4511_has_them() {
        let entry = |values: &[&str]| {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            Said::Entry(Entry { dn: "cn=a".into(), values })
        };
        for (message, want) in [
            ("300c 020101 6107 0a0100 0400 0400", Ok(answer(1, Said::Bound(Code::SUCCESS)))),
            ("300c 020101 6107 0a0131 0400 0400", Ok(answer(1, Said::Bound(Code::INVALID_CREDENTIALS)))),
            ("300c 020102 6507 0a0104 0400 0400", Ok(answer(2, Said::Done(Code::SIZE_LIMIT_EXCEEDED)))),
            ("300c 020101 7807 0a0100 0400 0400", Ok(answer(1, Said::Extended(Code::SUCCESS)))),
            ("300a 020102 7305 0403 6c3a2f", Ok(answer(2, Said::Aside))),
            ("300d 020102 6408 0404636e3d61 3000", Ok(answer(2, entry(&[])))),
            (
                "301b 020102 6416 0404636e3d61 300e 300c 0403554944 3105 040161 0400",
                Ok(answer(2, entry(&["a", ""]))),
            ),
            ("3019 020102 6414 0404636e3d61 300c 300a 0401 6d 3105 040161 0400", Ok(answer(2, entry(&[])))),
            // With a control behind it.
            ("3010 020101 6107 0a0100 0400 0400 a0023000", Ok(answer(1, Said::Bound(Code::SUCCESS)))),
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
