//! The configuration of a gatepost whose users are checked by somebody.

use std::fmt::Display;

/// One listener that wants a login, checked as `verify` says, and lets who has logged in relay to `backend`.
///
/// `auth` are more lines of `[auth]`, and its tables. More lines of `[[backend]]` may follow at the end.
pub fn front(verify: impl Display, auth: &str, backend: impl Display) -> String {
    format!(
        "hostname = \"proxy.front.example\"\n[relay]\ndomains = [\"ours.example\"]\n\
         [auth]\nverify = \"{verify}\"\nfailure_delay = \"10ms\"\nmax_failures = 60\n{auth}\n\
         [[listener]]\nname = \"front\"\nbind = \"127.0.0.1:0\"\nauth = \"required\"\nauth_without_tls = true\n\
         relay = {{ authenticated = true }}\n\
         [[backend]]\naddress = \"{backend}\"\n"
    )
}

/// The mechanisms of a backend or a Dovecot, which know more of them than we offer unasked.
pub const MECHANISMS: &str = "mechanisms = [\"PLAIN\", \"LOGIN\", \"CRAM-MD5\", \"SCRAM-SHA-256\"]";
/// A backend that no mail goes to.
pub const NO_BACKEND: &str = "127.0.0.1:1";
