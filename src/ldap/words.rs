//! What is said to a directory server: the few messages of LDAP that checking a password takes.

use crate::ldap::ber::{ENUMERATED, INTEGER, OCTETS, SEQUENCE, boolean, element, number};
use crate::ldap::filter::PRESENT;
use crate::smtp::secret::Secret;

/// What is searched for.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    pub(crate) base: &'a str,
    pub(crate) scope: Scope,
    pub(crate) filter: &'a Secret,
    /// The attribute whose values are wanted.
    pub(crate) attribute: Option<&'a str>,
}

/// Where it is searched, seen from the base. Source: RFC 4511 §4.5.1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
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
const UNBIND: u8 = 0x42;
const SEARCH: u8 = 0x63;
const EXTENDED_REQUEST: u8 = 0x77;
/// A password, in a bind.
const SIMPLE: u8 = 0x80;
/// The name of an extended request.
const NAME: u8 = 0x80;

/// The filter that every entry fits.
pub(crate) fn any_entry() -> Secret {
    element(PRESENT, &[b"objectClass"])
}

/// STARTTLS. Source: RFC 4511 §4.14.1.
const STARTTLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

/// A bind as `dn` with `password`. Source: RFC 4511 §4.2.
pub(crate) fn bind(id: u32, dn: &str, password: &Secret) -> Secret {
    let version = number(INTEGER, 3);
    let (dn, password) = (element(OCTETS, &[dn.as_bytes()]), element(SIMPLE, &[password.octets()]));
    message(id, &element(BIND, &[version.octets(), dn.octets(), password.octets()]))
}

/// A search that finds `most` entries and takes `seconds` at most. Source: RFC 4511 §4.5.1.
pub(crate) fn search(id: u32, search: &Search<'_>, (most, seconds): (u32, u32)) -> Secret {
    // "1.1" is no attribute at all. RFC 4511 §4.5.1.8
    let attribute = element(OCTETS, &[search.attribute.unwrap_or("1.1").as_bytes()]);
    let parts = [
        element(OCTETS, &[search.base.as_bytes()]),
        number(ENUMERATED, search.scope.number()),
        number(ENUMERATED, 0), // aliases are not followed
        number(INTEGER, most),
        number(INTEGER, seconds),
        boolean(false),
        search.filter.clone(),
        element(SEQUENCE, &[attribute.octets()]),
    ];
    message(id, &element(SEARCH, &parts.each_ref().map(Secret::octets)))
}

/// STARTTLS. Source: RFC 4511 §4.14.1.
pub(crate) fn starttls(id: u32) -> Secret {
    let name = element(NAME, &[STARTTLS]);
    message(id, &element(EXTENDED_REQUEST, &[name.octets()]))
}

/// The end. Source: RFC 4511 §4.3.
pub(crate) fn unbind(id: u32) -> Secret {
    message(id, &element(UNBIND, &[]))
}

fn message(id: u32, request: &Secret) -> Secret {
    element(SEQUENCE, &[number(INTEGER, id).octets(), request.octets()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(message: &Secret) -> String {
        message.octets().iter().map(|octet| format!("{octet:02x}")).collect()
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
                search(3, &asked, (2, 5)),
                "302e 020103 6329 040464633d61 0a0102 0a0100 020102 020105 010100 870b6f626a656374436c617373 3005 0403756964",
            ),
        ] {
            assert_eq!(hex(&message), want.replace(' ', ""));
        }
    }
}
