//! gatepost in front of a real Postfix, with other people's mail clients: what arrives is what was sent.
//!
//! Needs root and Debian's postfix and swaks; `tests/all` takes care of both.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]
#![allow(dead_code, unreachable_pub, reason = "support/ is for several tests; none uses all of it")]

mod support;

#[path = "postfix/envelope.rs"]
mod envelope;
#[path = "postfix/fixture.rs"]
mod fixture;
#[path = "postfix/hops.rs"]
mod hops;
#[path = "postfix/identity.rs"]
mod identity;
#[path = "postfix/messages.rs"]
mod messages;
#[path = "postfix/outage.rs"]
mod outage;
#[path = "postfix/relay.rs"]
mod relay;
#[path = "postfix/soak.rs"]
mod soak;
#[path = "postfix/submission.rs"]
mod submission;
#[path = "postfix/tls.rs"]
mod tls;

/// Forward-paths that a Postfix which trusts loopback would relay. The last five hide the outside domain in a local
/// part of ours (percent hack, bang path, and their quoted forms).
const OUTSIDE: [&str; 6] = [
    "user@else.example",
    "user%else.example@ours.example",
    "else.example!user@ours.example",
    "\"user%else.example\"@ours.example",
    "\"else.example!user\"@ours.example",
    "\"user@else.example\"@ours.example",
];
