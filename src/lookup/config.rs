//! The `[dns]` table: whom the resolver asks, how long, and how much it remembers.

use std::net::SocketAddr;
use std::time::Duration;

/// How names are looked up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// The name servers, each with its port; empty: those of `/etc/resolv.conf`.
    pub servers: Vec<SocketAddr>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How often a question is asked in all; a look-up ends after `timeout` times this.
    pub attempts: usize,
    /// How many answers are remembered, for as long as they say themselves, at most a day.
    pub cache: u64,
    /// How many different questions may be open at once; past it the answer is `unavailable`.
    pub in_flight: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            timeout: Duration::from_secs(3),
            attempts: 2,
            cache: 10_000,
            in_flight: 1_000,
        }
    }
}
