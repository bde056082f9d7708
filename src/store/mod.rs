//! What policies remember between sessions: entries that expire, kept in memory or in a file, and rates.
//!
//! What a call means is in `operation` alone; a keeper only holds entries and does one operation after the other on
//! each key. A keeper across the network (Redis) would do the same, and has to pass the same contract.

pub mod calls;
pub mod clock;
pub mod config;
pub mod entry;
pub mod error;
pub mod file;
pub mod flight;
pub mod keeper;
pub mod key;
pub mod memory;
pub mod opening;
pub mod operation;
pub mod rate;
pub mod remember;
pub mod value;

#[cfg(test)]
mod tests;
