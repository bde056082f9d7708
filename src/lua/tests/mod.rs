//! Tests of the engine through the door, with a session that is driven by hand.

mod abuse;
mod chain;
mod hooks;
mod load;
mod message;
mod speed;
mod support;
pub(super) mod waiting;
