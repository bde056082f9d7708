//! The way through: from an accepted socket to the backend's answer.
//!
//! `serve` reads commands and writes replies; `step` takes one command through admit, policies, guard and backend;
//! `transfer` takes a message through. Nothing else talks to the client.

pub mod admission;
pub mod config;
pub mod context;
pub mod disposition;
pub mod drain;
pub mod identify;
pub mod pace;
pub mod pending;
pub mod receive;
pub mod say;
pub mod serve;
pub mod step;
pub mod transfer;
pub mod wire;
pub mod worker;
