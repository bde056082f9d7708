//! Sockets: streams, how a connection is read, written and closed, and who has which name.

pub mod closing;
pub mod dial;
pub mod memory;
pub mod names;
pub mod proxy_protocol;
pub mod socket;
pub mod stream;
pub mod tls;
