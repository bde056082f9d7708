//! Asks web servers for scripts: on the helper's thread, bounded in every way, and never where it may not go.

pub mod client;
pub mod connections;
pub mod connector;
pub mod failure;
pub mod gate;
pub mod outbox;
pub mod played;
#[cfg(test)]
pub(super) mod raw_server;
pub mod request;
pub mod url;
