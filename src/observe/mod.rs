//! What operators see: log, metrics, the record of each transaction.

pub mod config;
pub mod counters;
pub mod record;
