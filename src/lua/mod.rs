//! Scripts: the policy engine, one Lua state a worker.

mod actions;
pub mod api;
pub mod budget;
mod buffer;
pub mod builtin;
pub mod call;
mod caller;
pub mod catalogue;
pub mod chain;
pub mod clock;
pub mod config;
pub mod convert;
pub mod engine;
pub mod guard;
mod later;
pub mod library;
mod measured;
mod method;
mod native;
mod objects;
mod occasion;
pub mod options;
pub mod parking;
mod pattern;
pub mod policy;
pub mod pool;
pub mod problem;
mod ruling;
mod run;
pub mod sandbox;
mod script;
mod slice;
mod stack;
pub mod suspend;
pub mod types;
mod units;
mod verdict;
mod waits;

#[cfg(test)]
mod tests;
