//! Who may ask now: a bound on the requests in flight, in all and for each server, and a breaker for each.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::lookup::breaker::Breaker;

/// The gate that every request goes through.
#[derive(Debug)]
pub(super) struct Gate {
    servers: Mutex<Servers>,
    bounds: Bounds,
}

/// How much may be in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// In all.
    pub(super) all: usize,
    /// To one server.
    pub(super) each: usize,
}

#[derive(Debug, Default)]
struct Servers {
    in_flight: usize,
    by_origin: HashMap<Arc<str>, Server>,
}

#[derive(Debug, Default)]
struct Server {
    in_flight: usize,
    breaker: Breaker,
    /// When it was asked last.
    used: Option<Instant>,
}

/// A request that may be made. Dropped without a word, it says nothing about the server.
#[derive(Debug)]
pub(super) struct Pass {
    gate: Arc<Gate>,
    origin: Arc<str>,
}

impl Gate {
    pub(super) fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self { servers: Mutex::default(), bounds })
    }

    /// A pass for a request to `origin`; none if too much is in flight, or the server has been found down.
    pub(super) fn admit(self: &Arc<Self>, origin: &str) -> Option<Pass> {
        let now = Instant::now();
        let mut servers = self.servers.lock();
        if servers.in_flight >= self.bounds.all {
            return None;
        }
        if !servers.by_origin.contains_key(origin) {
            servers.make_room();
            servers.by_origin.insert(origin.into(), Server::default());
        }
        let origin = Arc::clone(servers.by_origin.get_key_value(origin)?.0);
        let server = servers.by_origin.get_mut(&origin)?;
        if server.in_flight >= self.bounds.each || !server.breaker.admit(now) {
            return None;
        }
        server.in_flight += 1;
        server.used = Some(now);
        servers.in_flight += 1;
        drop(servers);
        Some(Pass { gate: Arc::clone(self), origin })
    }

    /// Requests that are under way.
    pub(super) fn in_flight(&self) -> usize {
        self.servers.lock().in_flight
    }
}

impl Servers {
    /// Forgets the server that was not asked for the longest, when there are too many.
    fn make_room(&mut self) {
        if self.by_origin.len() < MOST_SERVERS {
            return;
        }
        let idle = self.by_origin.iter().filter(|(_, server)| server.in_flight == 0);
        if let Some(origin) = idle.min_by_key(|(_, server)| server.used).map(|(origin, _)| Arc::clone(origin))
        {
            self.by_origin.remove(&origin);
        }
    }
}

impl Pass {
    /// Tells how the request went: whether the server was well.
    pub(super) fn record(&self, is_well: bool) {
        let mut servers = self.gate.servers.lock();
        if let Some(server) = servers.by_origin.get_mut(&self.origin)
            && server.breaker.record(Instant::now(), is_well)
        {
            let server = &*self.origin;
            tracing::warn!(
                server,
                "this web server doesn't answer: it is unavailable for a few seconds at a time"
            );
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut servers = self.gate.servers.lock();
        servers.in_flight = servers.in_flight.saturating_sub(1);
        if let Some(server) = servers.by_origin.get_mut(&self.origin) {
            server.in_flight = server.in_flight.saturating_sub(1);
        }
    }
}

/// Servers of which something is known.
const MOST_SERVERS: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_bounds_are_in_flight() {
        let gate = Gate::new(Bounds { all: 3, each: 2 });
        let held: Vec<_> = ["a", "a", "a", "b", "b"].iter().filter_map(|origin| gate.admit(origin)).collect();
        assert_eq!(held.iter().map(|pass| &*pass.origin).collect::<Vec<_>>(), ["a", "a", "b"]);
        assert_eq!(gate.in_flight(), 3);
        drop(held);
        assert_eq!(gate.in_flight(), 0);
        assert!(gate.admit("b").is_some());
    }

    #[test]
    fn a_dead_server_is_left_alone_and_no_other() {
        let gate = Gate::new(Bounds { all: 100, each: 100 });
        for _ in 0..10 {
            gate.admit("dead").expect("not yet open").record(false);
        }
        assert!(gate.admit("dead").is_none());
        assert!(gate.admit("well").is_some());
    }

    #[test]
    fn the_servers_that_are_known_are_bounded() {
        let gate = Gate::new(Bounds { all: 100, each: 100 });
        let kept = gate.admit("kept").expect("room");
        for number in 0..2 * MOST_SERVERS {
            assert!(gate.admit(&number.to_string()).is_some());
        }
        assert!(gate.servers.lock().by_origin.len() <= MOST_SERVERS);
        assert!(gate.servers.lock().by_origin.contains_key("kept"), "it is in flight");
        drop(kept);
        assert_eq!(gate.in_flight(), 0);
    }
}
