//! The door between the proxy and its policies: an event goes in, a verdict comes out.
//!
//! Nouns and traits only. The Lua engine stands on one side, the proxy on the other, and neither knows the other.

pub mod door;
pub mod event;
pub mod mode;
pub mod verdict;
pub mod waiting;
