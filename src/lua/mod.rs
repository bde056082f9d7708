//! Scripts: the policy engine, one Lua state a worker.

mod actions;
pub mod api;
pub mod budget;
mod buffer;
pub mod builtin;
pub mod call;
mod caller;
pub mod catalogue;
mod chain;
pub mod clock;
pub mod config;
pub mod convert;
pub mod engine;
pub mod guard;
mod later;
pub mod library;
mod measured;
mod native;
mod occasion;
pub mod options;
mod pattern;
pub mod policy;
pub mod pool;
pub mod problem;
mod run;
pub mod sandbox;
mod script;
mod slice;
mod stack;
mod units;
mod verdict;
pub mod waits;

#[cfg(test)]
mod tests;
