//! Scripts: the policy engine, one Lua state a worker.

mod actions;
pub mod api;
pub mod budget;
mod buffer;
pub mod builtin;
pub mod call;
mod caller;
pub mod capability;
pub mod catalogue;
pub mod chain;
pub mod clock;
pub mod config;
pub mod convert;
pub mod engine;
mod globals;
pub mod guard;
mod later;
pub mod library;
mod measured;
mod method;
mod native;
mod objects;
mod occasion;
pub mod options;
mod or_kind;
pub mod parking;
mod pattern;
pub mod policy;
mod pool;
pub mod problem;
mod ruling;
mod run;
pub mod sandbox;
mod scan;
mod script;
mod slice;
mod stack;
pub mod suspend;
mod tasks;
pub mod types;
mod units;
mod unknown;
mod verdict;
mod waits;

#[cfg(test)]
mod tests;
