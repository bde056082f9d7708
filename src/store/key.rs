//! The name of an entry: a policy's own, or one that all policies share.

use crate::store::error::StoreError;

/// The whole name of an entry. Keys of different spaces never meet.
#[derive(Clone, Debug, Eq, Hash, PartialEq, PartialOrd, Ord)]
pub struct Key(Box<[u8]>);

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space<'a> {
    /// One policy's, by its name.
    Policy(&'a str),
    /// Everybody's.
    Shared,
    /// A rate of one policy: the policy's name and the rate's.
    Rate(&'a str, &'a [u8]),
}

/// Octets of a key as a policy gives it.
pub const KEY: usize = 64 << 10;

impl Key {
    /// The name of `key` in `space`; `prefix` sets this installation apart from others in the same store.
    ///
    /// *Errors*: `TooLarge`.
    pub fn new(prefix: &str, space: Space<'_>, key: &[u8]) -> Result<Self, StoreError> {
        let (kind, owner, name): (u8, &str, &[u8]) = match space {
            Space::Policy(policy) => (b'p', policy, b""),
            Space::Shared => (b's', "", b""),
            Space::Rate(policy, name) => (b'r', policy, name),
        };
        if key.len() + name.len() > KEY {
            return Err(StoreError::TooLarge);
        }
        // Neither a prefix nor a policy's name holds a NUL; a rate's name may, and says how long it is.
        let mut octets = Vec::with_capacity(prefix.len() + owner.len() + name.len() + key.len() + 12);
        octets.extend_from_slice(prefix.as_bytes());
        octets.extend_from_slice(&[0, kind]);
        octets.extend_from_slice(owner.as_bytes());
        octets.push(0);
        if kind == b'r' {
            octets.extend_from_slice(&u32::try_from(name.len()).unwrap_or(u32::MAX).to_be_bytes());
            octets.extend_from_slice(name);
        }
        octets.extend_from_slice(key);
        Ok(Self(octets.into()))
    }

    /// A key as it was kept.
    pub fn from_octets(octets: &[u8]) -> Self {
        Self(octets.into())
    }

    /// As it is kept.
    pub fn as_octets(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_of_different_spaces_never_meet() {
        let spaces = [
            ("", Space::Policy("a"), "k"),
            ("", Space::Policy("b"), "k"),
            ("", Space::Shared, "k"),
            ("x", Space::Shared, "k"),
            ("", Space::Policy("a"), "ak"),
            ("", Space::Policy("aa"), "k"),
            ("", Space::Rate("a", b"k"), ""),
            ("", Space::Rate("a", b""), "k"),
            ("", Space::Rate("a", b"k\0"), "k"),
            ("", Space::Rate("a", b"k"), "\0k"),
        ];
        let keys: HashSet<Key> = spaces
            .iter()
            .map(|(prefix, space, key)| Key::new(prefix, *space, key.as_bytes()).unwrap())
            .collect();
        assert_eq!(keys.len(), spaces.len());
    }

    #[test]
    fn a_key_has_64_kib_at_most() {
        assert!(Key::new("", Space::Shared, &vec![b'k'; KEY]).is_ok());
        assert_eq!(Key::new("", Space::Shared, &vec![b'k'; KEY + 1]), Err(StoreError::TooLarge));
    }
}
