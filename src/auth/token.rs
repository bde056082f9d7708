//! XOAUTH2 and OAUTHBEARER: a token that somebody else has given out.

use crate::auth::plain::ReadName;
use crate::smtp::mechanism::Mechanism;
use crate::smtp::secret::Secret;

/// A name and a token.
pub(super) struct NameAndToken {
    /// As it was given; empty if OAUTHBEARER gives none: the token says who it is.
    pub(super) user: String,
    /// Printable, not empty.
    pub(super) token: Secret,
}

/// Between the parts of a message.
const SEPARATOR: u8 = 1;

/// What a message of `mechanism` says, its name read by `user`; nothing if it is none.
///
/// Source: RFC 7628 §3.1; Google's XOAUTH2.
pub(super) fn read(mechanism: Mechanism, message: &Secret, user: ReadName) -> Option<NameAndToken> {
    let octets = message.octets().strip_suffix(&[SEPARATOR, SEPARATOR])?;
    let mut parts = octets.split(|octet| *octet == SEPARATOR);
    let first = parts.next()?;
    let user = match mechanism {
        Mechanism::Xoauth2 => user(first.strip_prefix(b"user=")?)?,
        _ => identity(first, user)?,
    };
    let mut token = None;
    for part in parts {
        let text = std::str::from_utf8(part).ok()?;
        let (key, value) = text.split_once('=')?;
        if key.eq_ignore_ascii_case("auth") && token.is_none() {
            let (scheme, value) = value.split_once(' ')?;
            let is_bearer = scheme.eq_ignore_ascii_case("Bearer");
            let is_token = !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic());
            token = (is_bearer && is_token).then(|| Secret::from(value));
        }
    }
    Some(NameAndToken { user, token: token? })
}

/// The authorization identity in a GS2 header; no channel is bound. Source: RFC 5801 §4.
fn identity(header: &[u8], user: ReadName) -> Option<String> {
    let text = std::str::from_utf8(header).ok()?;
    let text = text.strip_prefix("n,").or(text.strip_prefix("y,"))?.strip_suffix(',')?;
    match text.strip_prefix("a=") {
        None if text.is_empty() => Some(String::new()),
        None => None,
        Some(name) => user(unescaped(name)?.as_bytes()),
    }
}

/// A name of GS2 and SCRAM, where `=2C` is a comma and `=3D` an equals sign. Source: RFC 5802 §5.1.
pub(super) fn unescaped(name: &str) -> Option<String> {
    let mut parts = name.split('=');
    let mut text = parts.next()?.to_owned();
    for part in parts {
        let (sign, rest) = part.split_at_checked(2)?;
        text.push(match sign {
            "2C" => ',',
            "3D" => '=',
            _ => return None,
        });
        text.push_str(rest);
    }
    Some(text)
}

/// What a client is told of a token that doesn't count; its next answer is empty and ends the exchange.
///
/// Source: RFC 7628 §3.2.2.
pub(super) fn refusal(mechanism: Mechanism) -> Secret {
    match mechanism {
        Mechanism::Xoauth2 => Secret::from(r#"{"status":"401","schemes":"bearer","scope":""}"#),
        _ => Secret::from(r#"{"status":"invalid_token"}"#),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::plain;

    #[test]
    fn tokens_are_read_as_their_mechanisms_write_them() {
        use Mechanism::{OauthBearer, Xoauth2};
        for (mechanism, message, want) in [
            (Xoauth2, "user=ann@a.example\x01auth=Bearer tok\x01\x01", Some(("ann@a.example", "tok"))),
            (Xoauth2, "user=\x01auth=Bearer tok\x01\x01", None),
            (Xoauth2, "user=ann\x01auth=Bearer tok\x01", None),
            (Xoauth2, "user=ann\x01auth=Basic tok\x01\x01", None),
            (Xoauth2, "user=ann\x01auth=Bearer \x01\x01", None),
            (Xoauth2, "user=ann\x01\x01", None),
            (Xoauth2, "", None),
            (
                OauthBearer,
                "n,a=ann@a.example,\x01host=mx\x01port=587\x01auth=Bearer t.k=\x01\x01",
                Some(("ann@a.example", "t.k=")),
            ),
            (OauthBearer, "n,,\x01auth=Bearer tok\x01\x01", Some(("", "tok"))),
            (OauthBearer, "n,a=a=2Cb=3Dc,\x01auth=bearer tok\x01\x01", Some(("a,b=c", "tok"))),
            (OauthBearer, "n,a=a=2,\x01auth=Bearer tok\x01\x01", None),
            (OauthBearer, "p=tls-unique,,\x01auth=Bearer tok\x01\x01", None),
            (OauthBearer, "\x01\x01", None),
        ] {
            let got = read(mechanism, &Secret::from(message), plain::user);
            let got = got.as_ref().map(|got| (got.user.as_str(), got.token.text().unwrap()));
            assert_eq!(got, want, "{message:?}");
        }
    }
}
