//! TLS over a stream: certificates and keys from files, handshakes, and what is known of the other side afterwards.

pub mod back;
pub mod certificate;
pub mod certificates;
pub mod client_certificates;
pub mod config;
mod end_point;
pub mod files;
pub mod front;
pub mod handshake;
pub mod server_certificates;
mod signatures;
pub mod turnstile;
pub(super) mod unasked;
