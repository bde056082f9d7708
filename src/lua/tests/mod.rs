//! Tests of the engine through the door, with a session that is driven by hand.

mod abuse;
mod abuse_cases;
mod builtin;
mod capabilities;
mod catalogue;
mod chain;
mod digests;
mod heaps;
mod hooks;
mod http;
mod largest;
mod load;
mod long_texts;
mod maps;
mod message;
mod metrics;
mod modules;
mod parking;
mod regex;
pub(in crate::lua) mod stock;
mod store;
pub(super) mod support;
mod task;
mod types;
mod unknown;
mod unreturned;
pub(super) mod waiting;
