//! Maps on servers and in binary files, as a policy and `sender_login` see them, against real counterparts: Debian's
//! postfix-mta-sts-resolver speaks socketmap, and slapd LDAP; Postfix's own postmap asks what we ask and must hear the same.
//!
//! Needs what `tests/needs` installs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]
#![allow(dead_code, unreachable_pub, reason = "support/ is for several tests; none uses all of it")]

mod support;

#[path = "maps/front.rs"]
mod front;
#[path = "maps/ldap.rs"]
mod ldap;
#[path = "maps/mmdb.rs"]
mod mmdb;
#[path = "maps/postmap.rs"]
mod postmap;
#[path = "maps/socketmap.rs"]
mod socketmap;
