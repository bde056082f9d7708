//! The mail server behind us: connections to it, what is said on them, and what becomes of its replies.

pub mod capabilities;
pub mod ceiling;
pub mod config;
pub mod connect;
pub mod conversation;
pub mod delivery;
mod dial;
pub mod envelope;
pub mod folders;
pub mod greeting;
pub mod health;
pub mod introduction;
pub mod link;
pub mod login;
pub mod maildir;
pub mod relay;
pub mod screen;
pub mod server;
mod telling;
pub mod tls_counts;
pub mod transmission;
