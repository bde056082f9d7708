//! What stands behind AUTH: the mechanism, and perhaps the client's first answer, which is a secret.

use std::fmt;

use zeroize::Zeroize;

/// The mechanism and the initial answer of AUTH; no log shows it, and it is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthArgument(String);

impl AuthArgument {
    /// The argument `text`, as it was sent.
    pub(super) fn new(text: &str) -> AuthArgument {
        AuthArgument(text.to_owned())
    }

    /// The name of the mechanism, as it was sent: printable ASCII, at most 20 characters; nothing if it is no name.
    ///
    /// Source: RFC 4422 §3.1.
    pub fn mechanism(&self) -> Option<&str> {
        let name = self.0.split(' ').next()?;
        let is_fit = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (matches!(name.len(), 1..=20) && name.bytes().all(is_fit)).then_some(name)
    }

    /// The initial answer, still in base64; `=` stands for an empty one. Source: RFC 4954 §4.
    pub fn initial(&self) -> Option<&str> {
        self.0.split_once(' ').map(|(_, initial)| initial.trim_start_matches(' '))
    }
}

impl Drop for AuthArgument {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for AuthArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthArgument(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mechanism_is_told_from_the_answer() {
        for (text, mechanism, initial) in [
            ("PLAIN", Some("PLAIN"), None),
            ("plain AGEAYg==", Some("plain"), Some("AGEAYg==")),
            ("PLAIN =", Some("PLAIN"), Some("=")),
            ("PLAIN  a b", Some("PLAIN"), Some("a b")),
            ("A-MECHANISM-TOO-LONG-X", None, None),
            ("PL\u{e4}IN x", None, Some("x")),
        ] {
            let argument = AuthArgument::new(text);
            assert_eq!((argument.mechanism(), argument.initial()), (mechanism, initial), "{text}");
            assert_eq!(format!("{argument:?}"), "AuthArgument(…)");
        }
    }
}
