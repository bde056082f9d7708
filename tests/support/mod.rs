//! What the tests stand on: for the black-box ones a real Postfix, the gatepost binary, mail clients and a name server
//! on loopback; for those within one process a proxy with a clock that the test moves, and both ends of its wires.

pub mod arrived;
pub mod backend;
pub mod client;
pub mod dovecot;
pub mod drive;
pub mod floor;
pub mod gatepost;
pub mod log;
pub mod names;
pub mod peer;
pub mod postfix;
pub mod scram;
pub mod slapd;
pub mod socketmap;
pub mod tls;
pub mod wait;
pub mod web;
