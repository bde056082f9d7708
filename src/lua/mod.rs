//! Scripts: the policy engine, one Lua state a worker.

pub mod config;
