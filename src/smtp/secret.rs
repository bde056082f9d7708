//! Octets that nobody may see but who checks them: passwords, tokens, the answers of an AUTH exchange.

use std::fmt;

use zeroize::Zeroizing;

/// Octets that are wiped when they are dropped and that no log, trace or error shows.
///
/// Grown by `push` it leaves no copy behind.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// A secret that takes `octets` over.
    pub fn new(octets: Vec<u8>) -> Secret {
        Secret(Zeroizing::new(octets))
    }

    /// The octets.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// The octets, to be filled in.
    pub fn octets_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// The octets as text, if they are UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives up all but the first `length` octets.
    pub fn truncate(&mut self, length: usize) {
        self.0.truncate(length); // all of the memory is wiped in the end
    }

    /// Adds `octets`. *Changes*: memory that is given up for more is wiped first.
    pub fn push(&mut self, octets: &[u8]) {
        extend_wiping(&mut self.0, octets);
    }
}

impl From<&[u8]> for Secret {
    fn from(octets: &[u8]) -> Secret {
        Secret::new(octets.to_vec())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret::from(text.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Adds `octets` to `kept`. Where `kept` needs more memory, what it had before is wiped.
pub(super) fn extend_wiping(kept: &mut Vec<u8>, octets: &[u8]) {
    let length = kept.len().saturating_add(octets.len());
    if length > kept.capacity() {
        let mut larger = Vec::with_capacity(length.max(kept.capacity().saturating_mul(2)));
        larger.extend_from_slice(kept);
        drop(Zeroizing::new(std::mem::replace(kept, larger)));
    }
    kept.extend_from_slice(octets);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_a_secret() {
        let secret = Secret::from("hunter2");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.text(), Some("hunter2"));
        assert_eq!(Secret::from(&b"\xff"[..]).text(), None);
    }

    #[test]
    fn a_secret_grows_octet_by_octet() {
        let mut secret = Secret::default();
        assert!(secret.is_empty());
        for octet in 0..=255u8 {
            secret.push(&[octet]);
        }
        assert_eq!(secret.octets(), (0..=255).collect::<Vec<u8>>());
    }
}
