//! What the black-box tests stand on: a real Postfix, the gatepost binary, mail clients, a name server on loopback.

pub mod arrived;
pub mod client;
pub mod drive;
pub mod gatepost;
pub mod names;
pub mod postfix;
pub mod wait;
