//! The only place that knows every part: builds them, wires them together, reloads them, ends them.

pub mod build;
pub mod names;
pub mod running;
pub mod signals;
pub mod sockets;
