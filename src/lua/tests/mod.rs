//! Tests of the engine through the door, with a session that is driven by hand.

mod abuse;
mod abuse_cases;
mod builtin;
mod catalogue;
mod chain;
mod hooks;
mod load;
mod message;
mod modules;
mod parking;
mod store;
pub(super) mod support;
mod types;
pub(super) mod waiting;
