//! The way through: from an accepted socket to the backend's answer.
//!
//! `serve` reads commands and writes replies; `step` takes one command through admit, policies, guard and backend;
//! `transfer` takes a message through. Nothing else talks to the client.

pub mod accept;
pub mod admission;
mod arrival;
mod aside;
mod asked;
mod balancer;
mod chunks;
pub mod config;
pub mod context;
mod disposition;
pub mod drain;
mod ending;
mod identify;
mod login;
pub mod owners;
mod ownership;
mod pace;
mod passing;
mod pending;
mod receive;
mod recipients;
mod record;
mod restart;
mod said;
mod say;
mod secure;
pub mod serve;
mod step;
mod submitted;
mod transfer;
mod wire;
pub mod worker;
