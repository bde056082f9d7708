//! PLAIN and LOGIN: a name and a password as they are.

use crate::auth::prepared::prepared_name;
use crate::smtp::secret::Secret;

/// A name and a password.
pub(super) struct NameAndPassword {
    /// As it was given: not empty, without controls.
    pub(super) user: String,
    /// Not empty.
    pub(super) password: Secret,
}

/// Octets of a name. Source: RFC 4616 §2.
const MAX_NAME: usize = 255;
/// Octets of a password, which the RFC bounds at 255; people have longer ones.
const MAX_PASSWORD: usize = 1024;

/// How a name is read.
pub(super) type ReadName = fn(&[u8]) -> Option<String>;

/// What a message of PLAIN says, its name read by `user`; nothing if it is none. Source: RFC 4616 §2.
///
/// Nobody logs in for somebody else: an authorization identity must be the name itself.
pub(super) fn read(message: &Secret, user: ReadName) -> Option<NameAndPassword> {
    let mut parts = message.octets().split(|octet| *octet == 0);
    let (identity, name, password) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !(identity.is_empty() || identity == name) {
        return None;
    }
    Some(NameAndPassword { user: user(name)?, password: self::password(password)? })
}

/// The name in `octets`, as names are compared: prepared, or as it is if there are letters in it that preparation doesn't
/// know yet; nothing if it is none, or has what preparation prohibits.
///
/// Source: RFC 4616 §2, RFC 5802 §5.1.
pub(super) fn user(octets: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(octets).ok().filter(|text| is_name(text))?;
    let name = prepared_name(text)?;
    is_name(&name).then(|| name.into_owned())
}

/// The same, where preparing it has changed nothing: the name that everybody reads, whether they prepare it or not.
pub(super) fn user_as_written(octets: &[u8]) -> Option<String> {
    user(octets).filter(|user| user.as_bytes() == octets)
}

/// Whether `text` may be a name.
pub(super) fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// The password in `octets`; nothing if it is none.
pub(super) fn password(octets: &[u8]) -> Option<Secret> {
    let is_one = (1..=MAX_PASSWORD).contains(&octets.len()) && !octets.contains(&0);
    is_one.then(|| Secret::from(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_is_read_as_rfc4616_writes_it() {
        for (message, want) in [
            ("\0ann\0secret", Some(("ann", "secret"))),
            ("ann\0ann\0secret", Some(("ann", "secret"))),
            ("\0an\u{ad}n\0secret", Some(("ann", "secret"))), // RFC 4013 §2.1
            ("\0\u{1f600}\0secret", Some(("\u{1f600}", "secret"))), // as it is
            ("\0an\u{200e}n\0secret", None),                  // shows nothing and is there: RFC 4013 §2.3
            ("\0\u{627}1\0secret", None),                     // from right to left, and not to its end
            ("\0\u{1f600}\u{aa}\0secret", None),              // half of it would change
            ("bob\0ann\0secret", None),                       // for somebody else
            ("\0ann\0", None),
            ("\0\0secret", None),
            ("\0ann", None),
            ("ann\0secret", None),
            ("\0ann\0sec\0ret", None),
            ("\0an\nn\0secret", None),
            ("", None),
            ("\0", None),
            ("\0\0", None),
            ("\0\0\0", None),
        ] {
            let got = read(&Secret::from(message), user);
            let got = got.as_ref().map(|got| (got.user.as_str(), got.password.text().unwrap()));
            assert_eq!(got, want, "{message:?}");
        }
        let long = format!("\0{}\0x", "a".repeat(256));
        assert!(read(&Secret::from(long.as_str()), user).is_none());
        assert!(read(&Secret::from(&b"\0\xff\0x"[..]), user).is_none());
    }
}
