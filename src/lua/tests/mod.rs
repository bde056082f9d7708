//! Tests of the engine through the door, with a session that is driven by hand.

mod abuse;
mod builtin;
mod catalogue;
mod chain;
mod hooks;
mod load;
mod message;
mod modules;
mod store;
pub(super) mod support;
mod types;
mod unknown;
pub(super) mod waiting;
