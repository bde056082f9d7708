//! The only place that knows every part: builds them, wires them together, reloads them, ends them.

pub mod advice;
pub mod build;
pub mod descriptors;
pub mod folders;
pub mod loading;
pub mod memory;
pub mod named_files;
mod named_users;
pub mod names;
pub mod owners;
pub mod policies;
pub mod probe;
pub mod probe_logins;
pub mod probe_maps;
pub mod rights;
pub mod running;
pub mod signals;
pub mod sockets;
pub mod systemd;
mod tidying;
pub mod tls;
pub mod tls_watch;
pub mod verifiers;
