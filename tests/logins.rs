//! Logins through gatepost, checked by real counterparts: a file, Debian's dovecot-core and slapd, Postfix with Dovecot's
//! SASL; and by real clients: Python's smtplib, GNU SASL. The web server is Python's.
//!
//! Needs root and what `tests/needs` installs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]
#![allow(dead_code, unreachable_pub, reason = "support/ is for several tests; none uses all of it")]

mod support;

#[path = "logins/backend.rs"]
mod backend;
#[path = "logins/client.rs"]
mod client;
#[path = "logins/dovecot.rs"]
mod dovecot;
#[path = "logins/file.rs"]
mod file;
#[path = "logins/front.rs"]
mod front;
#[path = "logins/gsasl.rs"]
mod gsasl;
#[path = "logins/http.rs"]
mod http;
#[path = "logins/ldap.rs"]
mod ldap;
#[path = "logins/listeners.rs"]
mod listeners;
