//! Names and passwords as they are compared: SASLprep, so that what looks the same on two keyboards is the same.

use std::borrow::Cow;

use stringprep::tables::unassigned_code_point;

use crate::smtp::secret::Secret;

/// `text` as it is compared; nothing if it holds what SASLprep forbids, or what Unicode 3.2 didn't have.
///
/// Source: RFC 4013.
pub(super) fn prepared(text: &str) -> Option<Cow<'_, str>> {
    stringprep::saslprep(text).ok().filter(|text| !text.is_empty())
}

/// `name` as it is compared; nothing if it holds what SASLprep forbids. What Unicode 3.2 didn't have stays as it is, if all the
/// rest would.
pub(super) fn prepared_name(name: &str) -> Option<Cow<'_, str>> {
    let prepared_whole = prepared(name);
    if prepared_whole.is_some() || !name.chars().any(unassigned_code_point) {
        return prepared_whole;
    }
    let known: String = name.chars().filter(|c| !unassigned_code_point(*c)).collect();
    let is_as_it_was = known.is_empty() || prepared(&known).is_some_and(|prepared| prepared == known);
    is_as_it_was.then_some(Cow::Borrowed(name))
}

/// `password` as it is compared; as it is, if it is no text or can't be prepared: each client would make something else of
/// it. ASCII is never copied on the way, so that nothing is left that isn't wiped.
pub(super) fn prepared_password(password: &Secret) -> Secret {
    match password.text().and_then(prepared) {
        Some(Cow::Owned(text)) => Secret::new(text.into_bytes()),
        Some(Cow::Borrowed(_)) | None => password.clone(),
    }
}

/// Whether each client makes the same of `password`.
pub fn can_be_prepared(password: &Secret) -> bool {
    password.text().and_then(prepared).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc4013_3_come_out() {
        for (text, want) in [
            ("I\u{ad}X", Some("IX")), // a soft hyphen is nothing
            ("user", Some("user")),
            ("USER", Some("USER")),
            ("\u{aa}", Some("a")),    // NFKC
            ("\u{2168}", Some("IX")), // NFKC
            ("\u{7}", None),          // prohibited
            ("\u{627}1", None),       // from right to left, and not to its end
            // Beyond the examples.
            ("a\u{a0}b", Some("a b")), // a blank of another kind
            ("e\u{301}", Some("\u{e9}")),
            ("\u{ad}", None),    // nothing is left
            ("\u{1f600}", None), // younger than Unicode 3.2
        ] {
            assert_eq!(prepared(text).as_deref(), want, "{text:?}");
        }
    }

    #[test]
    fn a_password_that_cannot_be_prepared_stays_as_it_is() {
        for (password, want) in [
            (&b"pencil"[..], &b"pencil"[..]),
            ("cafe\u{301}".as_bytes(), "caf\u{e9}".as_bytes()),
            (b"\xff\xfe", b"\xff\xfe"),
            ("\u{1f600}e\u{301}".as_bytes(), "\u{1f600}e\u{301}".as_bytes()),
        ] {
            assert_eq!(prepared_password(&Secret::from(password)).octets(), want);
        }
    }
}
