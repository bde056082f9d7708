//! What operators see: log, metrics, the record of each session and transaction.

pub mod config;
pub mod counters;
pub mod fields;
mod instant;
mod journal;
mod json;
mod layer;
pub mod levels;
mod line;
pub mod log;
pub mod metrics;
pub mod metrics_page;
mod output;
pub mod policy_counts;
pub mod policy_metrics;
mod process;
mod queue;
pub mod readings;
pub mod record;
pub mod reloads;
mod text;
