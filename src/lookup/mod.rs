//! What scripts and the proxy ask of the world: DNS, block lists, client names.
//!
//! Whatever comes back is hostile: it is bounded, and names are only text until asked whether they are host names.

pub mod answer;
pub mod breaker;
pub mod config;
pub mod dns;
pub mod error;
