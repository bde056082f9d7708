//! The SHA-256 digest of a certificate or of its key, by which it is known without any authority.

use std::fmt;
use std::str::FromStr;

/// A SHA-256 digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// A text that is no SHA-256 digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is SHA-256: 64 hexadecimal digits, with or without colons between")]
pub struct FingerprintError;

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Reads digits in any case, as openssl shows them with colons or sha256sum without.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let pairs: Vec<&str> = if text.contains(':') {
            text.split(':').collect()
        } else {
            (0..text.len()).step_by(2).map(|at| text.get(at..at + 2).unwrap_or_default()).collect()
        };
        let mut octets = [0; 32];
        if pairs.len() != octets.len() {
            return Err(FingerprintError);
        }
        for (octet, pair) in octets.iter_mut().zip(pairs) {
            let is_hex = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            *octet = u8::from_str_radix(pair, 16).ok().filter(|_| is_hex).ok_or(FingerprintError)?;
        }
        Ok(Fingerprint(octets))
    }
}

impl fmt::Display for Fingerprint {
    /// In lower case, without colons.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_as_tools_show_them() {
        let plain = "00ff".repeat(16);
        let known = plain.parse::<Fingerprint>().unwrap();
        assert_eq!((known.0[0], known.0[1], known.to_string()), (0, 255, plain.clone()));
        let colons = ["00", "FF"].repeat(16).join(":");
        assert_eq!(colons.parse(), Ok(known));
        for wrong in [
            "",
            "00",
            plain.get(1..).unwrap(),
            &format!("{plain}00"),
            &"0g".repeat(32),
            &"+1".repeat(32),
            &"é".repeat(32),
        ] {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(FingerprintError), "{wrong:?}");
        }
    }
}
