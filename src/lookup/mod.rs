//! What scripts and the proxy ask of the world: DNS, block lists, client names.
//!
//! Whatever comes back is hostile: it is bounded, and names are only text until asked whether they are host names.

pub mod answer;
pub mod breaker;
pub mod client_name;
pub mod config;
pub mod dns;
pub mod dnsbl;
pub mod dnsbl_zone;
pub mod effort;
pub mod error;
pub mod host;
pub mod http;
pub mod map;
pub mod name_server;
pub mod zone;
