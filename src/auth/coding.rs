//! Base64 as AUTH writes it: one line, with padding, nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::smtp::secret::Secret;

/// The octets that `line` stands for; nothing if it is no base64. An empty line is no octets.
///
/// Source: RFC 4954 §4, RFC 4648 §4.
pub fn decode(line: &[u8]) -> Option<Secret> {
    let mut octets = vec![0; line.len() / 4 * 3 + 3];
    let outcome = STANDARD.decode_slice(line, &mut octets);
    let mut secret = Secret::new(octets); // wiped, whatever is in it
    secret.truncate(outcome.ok()?);
    Some(secret)
}

/// `octets` in base64.
pub fn encode(octets: &[u8]) -> Secret {
    Secret::new(STANDARD.encode(octets).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 §10, and every malformed length: CVE-2018-6789 was one octet too many.
    #[test]
    fn only_whole_base64_is_decoded() {
        for (line, want) in [
            ("", Some("")),
            ("Zg==", Some("f")),
            ("Zm8=", Some("fo")),
            ("Zm9v", Some("foo")),
            ("Zm9vYg==", Some("foob")),
            ("Z", None),
            ("Zg", None),
            ("Zg=", None),
            ("Zm9vY", None),
            ("Zm9vYg", None),
            ("Zm9vYg=", None),
            ("=", None),
            ("====", None),
            ("Zm9v\t", None),
            ("Zm 9v", None),
            ("Zh==", None), // bits that mean nothing
            ("Zg==Zg==", None),
            ("Zm9v-_", None),
            ("\u{e4}", None),
        ] {
            let got = decode(line.as_bytes());
            assert_eq!(got.as_ref().and_then(Secret::text), want, "{line:?}");
        }
        for length in 0..64 {
            let octets: Vec<u8> = (0..length).collect();
            assert_eq!(decode(encode(&octets).octets()).unwrap().octets(), octets);
        }
    }
}
