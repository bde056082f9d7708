//! The SASL mechanisms that AUTH may name, and sets of them.

use std::fmt;

/// A SASL mechanism. Source: the registry of RFC 4422; LOGIN and XOAUTH2 are in no RFC, but in every client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Mechanism {
    /// RFC 7677, bound to the TLS channel.
    ScramSha256Plus,
    /// RFC 7677.
    ScramSha256,
    /// RFC 4616.
    Plain,
    /// As PLAIN, in two answers.
    Login,
    /// RFC 7628.
    OauthBearer,
    /// As OAUTHBEARER, before there was an RFC.
    Xoauth2,
    /// RFC 4422 appendix A: by the client certificate.
    External,
    /// RFC 2195.
    CramMd5,
}

impl Mechanism {
    /// All of them, in the order in which they are offered: the better ones first.
    pub const ALL: [Mechanism; 8] = [
        Mechanism::ScramSha256Plus,
        Mechanism::ScramSha256,
        Mechanism::Plain,
        Mechanism::Login,
        Mechanism::OauthBearer,
        Mechanism::Xoauth2,
        Mechanism::External,
        Mechanism::CramMd5,
    ];

    /// The mechanism of that name, in any case.
    pub fn parse(name: &str) -> Option<Mechanism> {
        Mechanism::ALL.into_iter().find(|mechanism| mechanism.as_str().eq_ignore_ascii_case(name))
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Mechanism::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::OauthBearer => "OAUTHBEARER",
            Mechanism::Xoauth2 => "XOAUTH2",
            Mechanism::External => "EXTERNAL",
            Mechanism::CramMd5 => "CRAM-MD5",
        }
    }

    /// Whether who listens learns a password or a token from it.
    pub const fn is_plain_text(self) -> bool {
        matches!(self, Mechanism::Plain | Mechanism::Login | Mechanism::OauthBearer | Mechanism::Xoauth2)
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of mechanisms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mechanisms(u8);

impl Mechanisms {
    /// None.
    pub const NONE: Mechanisms = Mechanisms(0);
    /// All.
    pub const ALL: Mechanisms = Mechanisms(u8::MAX);

    /// This set and `mechanism`.
    pub const fn with(self, mechanism: Mechanism) -> Mechanisms {
        Mechanisms(self.0 | 1 << mechanism as u8)
    }

    /// This set but `mechanism`.
    pub const fn without(self, mechanism: Mechanism) -> Mechanisms {
        Mechanisms(self.0 & !(1 << mechanism as u8))
    }

    /// What is in both.
    pub const fn intersect(self, other: Mechanisms) -> Mechanisms {
        Mechanisms(self.0 & other.0)
    }

    /// Whether `mechanism` is in it.
    pub const fn contains(self, mechanism: Mechanism) -> bool {
        self.0 & 1 << mechanism as u8 != 0
    }

    /// Whether there is none in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in it, in the order in which they are offered.
    pub fn iter(self) -> impl Iterator<Item = Mechanism> {
        Mechanism::ALL.into_iter().filter(move |mechanism| self.contains(*mechanism))
    }
}

impl FromIterator<Mechanism> for Mechanisms {
    fn from_iter<I: IntoIterator<Item = Mechanism>>(mechanisms: I) -> Mechanisms {
        mechanisms.into_iter().fold(Mechanisms::NONE, Mechanisms::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mechanism_has_its_name_and_its_place() {
        for mechanism in Mechanism::ALL {
            assert_eq!(Mechanism::parse(&mechanism.as_str().to_ascii_lowercase()), Some(mechanism));
            let alone = Mechanisms::NONE.with(mechanism);
            assert_eq!(alone.iter().collect::<Vec<_>>(), [mechanism]);
            assert!(alone.without(mechanism).is_empty());
        }
        assert_eq!(Mechanism::parse("GSSAPI"), None);
        assert_eq!(Mechanisms::ALL.iter().collect::<Mechanisms>(), Mechanisms::ALL);
    }
}
