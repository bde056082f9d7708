//! What is kept under one key: a value, the members that were seen, or a rate, and until when.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::store::clock::Moment;
use crate::store::key::Key;
use crate::store::value::Encoded;

/// What is kept under one key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// From then on it is as if it weren't there.
    pub expires: Moment,
    /// What it is.
    pub datum: Datum,
}

/// What an entry holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Datum {
    /// A value that was set.
    Value(Encoded),
    /// Members that were seen, and until when each counts.
    Members(Vec<(Member, Moment)>),
    /// When a rate's bucket is empty again.
    Rate(Moment),
    /// What a source said, or that there is none, and until when that is fresh.
    Remembered {
        /// Past it the entry is stale.
        fresh_until: Moment,
        /// None: there is none.
        value: Option<Encoded>,
    },
}

/// One thing that is counted, by 64 bits of its digest: two of 4096 are the same by chance once in 10^12.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Member(pub u64);

impl Member {
    /// The member with these octets.
    pub fn of(octets: &[u8]) -> Self {
        let digest = Sha256::digest(octets);
        Self(digest.first_chunk().map_or(0, |start| u64::from_le_bytes(*start)))
    }
}

/// What an entry takes besides its octets: the place in a table, allocations.
const OVERHEAD: usize = 96;

impl Entry {
    /// Whether it is as if it weren't there.
    pub fn is_expired(&self, now: Moment) -> bool {
        self.expires <= now
    }

    /// Octets that it takes in memory, about, with its key.
    pub fn weight(&self, key: &Key) -> usize {
        OVERHEAD + key.as_octets().len() + self.datum.weight()
    }

    /// As it is kept in a file.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.datum.weight() + 18);
        out.extend_from_slice(&self.expires.0.to_le_bytes());
        match &self.datum {
            Datum::Value(value) => {
                out.push(b'v');
                out.extend_from_slice(value.as_octets());
            }
            Datum::Members(members) => {
                out.push(b'm');
                for (member, until) in members {
                    out.extend_from_slice(&member.0.to_le_bytes());
                    out.extend_from_slice(&until.0.to_le_bytes());
                }
            }
            Datum::Rate(empty_at) => {
                out.push(b't');
                out.extend_from_slice(&empty_at.0.to_le_bytes());
            }
            Datum::Remembered { fresh_until, value } => {
                out.push(if value.is_some() { b'r' } else { b'n' });
                out.extend_from_slice(&fresh_until.0.to_le_bytes());
                out.extend_from_slice(value.as_ref().map_or(&[], Encoded::as_octets));
            }
        }
        out
    }

    /// The entry; none if the octets are not what [`Entry::encode`] wrote.
    pub fn decode(octets: &[u8]) -> Option<Self> {
        let (expires, rest) = moment(octets)?;
        let (tag, rest) = rest.split_first()?;
        let value = |octets: &[u8]| Encoded::from_octets(Bytes::copy_from_slice(octets));
        let datum = match tag {
            b'v' => Datum::Value(value(rest)),
            b'm' => {
                let (members, []) = rest.as_chunks::<16>() else { return None };
                let member = |octets: &[u8; 16]| {
                    let (member, rest) = moment(octets)?;
                    Some((Member(member.0), moment(rest)?.0))
                };
                Datum::Members(members.iter().map(member).collect::<Option<_>>()?)
            }
            b't' => Datum::Rate(moment(rest).filter(|(_, rest)| rest.is_empty())?.0),
            b'r' => {
                let (fresh_until, rest) = moment(rest)?;
                Datum::Remembered { fresh_until, value: Some(value(rest)) }
            }
            b'n' => {
                let (fresh_until, []) = moment(rest)? else { return None };
                Datum::Remembered { fresh_until, value: None }
            }
            _ => return None,
        };
        Some(Self { expires, datum })
    }

    /// When the entry with these octets expires; none if they are no entry's.
    pub fn expiry_of(octets: &[u8]) -> Option<Moment> {
        moment(octets).map(|(expires, _)| expires)
    }
}

impl Datum {
    fn weight(&self) -> usize {
        match self {
            Self::Value(value) | Self::Remembered { value: Some(value), .. } => value.as_octets().len(),
            Self::Members(members) => members.len() * 16,
            Self::Rate(_) | Self::Remembered { value: None, .. } => 8,
        }
    }
}

fn moment(octets: &[u8]) -> Option<(Moment, &[u8])> {
    let (moment, rest) = octets.split_first_chunk()?;
    Some((Moment(u64::from_le_bytes(*moment)), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::value::Value;

    #[test]
    fn entries_of_every_kind_are_read_back() {
        let value = Value::Text(Bytes::from_static(b"\xff octets")).encode().unwrap();
        let fresh_until = Moment(7);
        for datum in [
            Datum::Value(value.clone()),
            Datum::Members(vec![(Member(1), Moment(2)), (Member(u64::MAX), Moment::NEVER)]),
            Datum::Members(vec![]),
            Datum::Rate(Moment(9)),
            Datum::Remembered { fresh_until, value: Some(value) },
            Datum::Remembered { fresh_until, value: None },
        ] {
            let entry = Entry { expires: Moment(5), datum };
            let octets = entry.encode();
            assert_eq!(Entry::decode(&octets).as_ref(), Some(&entry));
            assert_eq!(Entry::expiry_of(&octets), Some(Moment(5)));
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_decoded_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(entry) = Entry::decode(&octets) {
                prop_assert_eq!(entry.encode(), octets);
            }
        }
    }
}
