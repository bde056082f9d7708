//! Who may connect: how many sessions at once, in all and from one client, and how fast one client may come.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::policy::waiting::Waiting;
use crate::session::limits::Limits;
use crate::session::rules::Rules;
use crate::smtp::reply::Reply;

/// The sessions of the whole process.
#[derive(Debug)]
pub struct Admission {
    sessions: AtomicUsize,
    /// Sessions at once.
    most: AtomicUsize,
    /// Hooks of the sessions that are there already.
    waiting: Arc<Waiting>,
    clients: Mutex<Clients>,
}

#[derive(Debug, Default)]
struct Clients {
    by_network: HashMap<IpAddr, Client, RandomState>,
    /// Entries after which those of clients long gone are thrown away.
    next_sweep: usize,
}

/// One client: a /32 or a /64.
#[derive(Clone, Copy, Debug)]
struct Client {
    sessions: usize,
    /// Connections in this minute and in the one before.
    arrivals: [usize; 2],
    minute: Instant,
}

/// One session's place. Dropped, it is free again.
#[derive(Debug)]
pub struct Place {
    admission: Arc<Admission>,
    /// The client that it counts for, as soon as that is known.
    network: Option<IpAddr>,
}

const MINUTE: Duration = Duration::from_secs(60);
/// Sessions that one client keeps when there is a crowd.
const IN_A_CROWD: usize = 10;
/// Clients that are remembered before the first sweep.
const FIRST_SWEEP: usize = 4096;

impl Admission {
    /// At most `most` sessions at once.
    pub fn new(most: usize) -> Arc<Admission> {
        Admission::watching(most, Arc::default())
    }

    /// The same, and nobody new while as many hooks wait as `waiting` allows: more sessions would wait as well.
    pub fn watching(most: usize, waiting: Arc<Waiting>) -> Arc<Admission> {
        let clients = Clients { next_sweep: FIRST_SWEEP, ..Clients::default() };
        Arc::new(Admission {
            sessions: AtomicUsize::new(0),
            most: AtomicUsize::new(most),
            waiting,
            clients: Mutex::new(clients),
        })
    }

    /// Sets how many sessions there may be at once.
    pub fn set_most(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// Sessions now.
    pub fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    /// Whether more than 80 % of all places are taken: patience is short then.
    pub fn is_crowded(&self) -> bool {
        self.sessions() > self.most.load(Ordering::Relaxed) / 5 * 4
    }

    /// A place for whoever connects from `peer`, or the 421 that turns it away. One that will be told whose connection
    /// it is counts for no client yet.
    pub fn admit_peer(self: &Arc<Self>, peer: IpAddr, rules: &Rules, now: Instant) -> Result<Place, Reply> {
        if rules.trust.awaits_client(peer) {
            self.admit_unnamed()
        } else {
            self.admit(peer, &rules.limits, now)
        }
    }

    /// A place for a client at `address`, or the 421 that turns it away.
    pub fn admit(self: &Arc<Self>, address: IpAddr, limits: &Limits, now: Instant) -> Result<Place, Reply> {
        let mut place = self.admit_unnamed()?;
        place.count(address, limits, now)?;
        Ok(place)
    }

    /// The place of a client who is alone, in a test.
    pub fn admit_alone(self: &Arc<Self>) -> Place {
        self.sessions.fetch_add(1, Ordering::Relaxed);
        Place { admission: Arc::clone(self), network: None }
    }

    /// A place for a client that is not known yet, or the 421 that turns it away.
    fn admit_unnamed(self: &Arc<Self>) -> Result<Place, Reply> {
        if self.waiting.is_full() {
            return Err(Reply::TOO_MANY_CONNECTIONS);
        }
        if self.sessions.fetch_add(1, Ordering::Relaxed) >= self.most.load(Ordering::Relaxed) {
            self.sessions.fetch_sub(1, Ordering::Relaxed);
            return Err(Reply::TOO_MANY_CONNECTIONS);
        }
        Ok(Place { admission: Arc::clone(self), network: None })
    }

    /// Counts a session of the client with that network, or the 421 that turns it away.
    fn count(&self, network: IpAddr, limits: &Limits, now: Instant) -> Result<(), Reply> {
        let most = match limits.connections_per_client {
            Some(most) if self.is_crowded() => Some(most.min(IN_A_CROWD)),
            other => other,
        };
        let mut clients = self.clients.lock();
        clients.sweep(now);
        let client = clients.by_network.entry(network).or_insert(Client {
            sessions: 0,
            arrivals: [0; 2],
            minute: now,
        });
        client.arrive(now);
        let is_too_many = most.is_some_and(|most| client.sessions >= most);
        if is_too_many || limits.connection_rate.is_some_and(|rate| client.rate(now) > rate as f64) {
            return Err(Reply::TOO_MANY_CLIENT_CONNECTIONS);
        }
        client.sessions += 1;
        Ok(())
    }

    fn discount(&self, network: IpAddr) {
        if let Some(client) = self.clients.lock().by_network.get_mut(&network) {
            client.sessions = client.sessions.saturating_sub(1);
        }
    }
}

impl Client {
    fn arrive(&mut self, now: Instant) {
        let gone = now.saturating_duration_since(self.minute);
        if gone >= MINUTE * 2 {
            (self.arrivals, self.minute) = ([0; 2], now);
        } else if gone >= MINUTE {
            let [current, _] = self.arrivals;
            (self.arrivals, self.minute) = ([0, current], self.minute + MINUTE);
        }
        let [current, _] = &mut self.arrivals;
        *current = current.saturating_add(1);
    }

    /// Connections in the last 60 s, the older minute counted in proportion.
    fn rate(&self, now: Instant) -> f64 {
        let [current, before] = self.arrivals;
        let gone = now.saturating_duration_since(self.minute).as_secs_f64() / MINUTE.as_secs_f64();
        current as f64 + before as f64 * (1.0 - gone).max(0.0)
    }
}

impl Clients {
    /// Throws away clients without sessions that have not come for two minutes, when there are many.
    fn sweep(&mut self, now: Instant) {
        if self.by_network.len() < self.next_sweep {
            return;
        }
        let is_recent = |client: &Client| now.saturating_duration_since(client.minute) < MINUTE * 2;
        self.by_network.retain(|_, client| client.sessions > 0 || is_recent(client));
        self.next_sweep = (self.by_network.len() * 2).max(FIRST_SWEEP);
    }
}

impl Place {
    /// Whether more than 80 % of all places are taken.
    pub fn is_crowded(&self) -> bool {
        self.admission.is_crowded()
    }

    /// Whether hooks that outlast the session keep it: as soon as half as many wait as may.
    pub fn is_kept_by_hooks(&self) -> bool {
        self.admission.waiting.is_half_full()
    }

    /// Counts the session for the client at `address` from now on, and no longer for another; or the 421 that turns it
    /// away. *Changes* nothing where it gives that.
    pub fn count(&mut self, address: IpAddr, limits: &Limits, now: Instant) -> Result<(), Reply> {
        let network = network_of(address);
        if self.network != Some(network) {
            self.admission.count(network, limits, now)?;
            if let Some(before) = self.network.replace(network) {
                self.admission.discount(before);
            }
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.sessions.fetch_sub(1, Ordering::Relaxed);
        if let Some(network) = self.network {
            self.admission.discount(network);
        }
    }
}

/// The /32 or the /64 of `address`, by its first address.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(per_client: usize, rate: usize) -> Limits {
        Limits { connections_per_client: Some(per_client), connection_rate: Some(rate), ..Limits::default() }
    }

    #[test]
    fn all_sessions_together_are_bounded() {
        let admission = Admission::new(2);
        let (now, limits) = (Instant::now(), limits(10, 100));
        let admit = |text: &str| admission.admit(text.parse().unwrap(), &limits, now);
        let first = admit("192.0.2.1").unwrap();
        let _second = admit("192.0.2.2").unwrap();
        assert_eq!(admit("192.0.2.3").unwrap_err(), Reply::TOO_MANY_CONNECTIONS);
        drop(first);
        assert!(admit("192.0.2.3").is_ok());
        assert_eq!(admission.sessions(), 1);
    }

    #[test]
    fn nobody_is_let_in_while_too_many_hooks_wait() {
        let waiting = Waiting::new(1);
        let admission = Admission::watching(100, Arc::clone(&waiting));
        let (now, limits) = (Instant::now(), limits(10, 100));
        let admit = || admission.admit("192.0.2.1".parse().unwrap(), &limits, now);
        let wait = waiting.enter();
        assert_eq!(admit().unwrap_err(), Reply::TOO_MANY_CONNECTIONS);
        assert_eq!(admission.sessions(), 0);
        drop(wait);
        assert!(admit().is_ok());
    }

    #[test]
    fn a_client_is_a_32_or_a_64() {
        let admission = Admission::new(100);
        let (now, limits) = (Instant::now(), limits(1, 100));
        let admit = |text: &str| admission.admit(text.parse().unwrap(), &limits, now);
        let _v4 = admit("192.0.2.1").unwrap();
        assert!(admit("::ffff:192.0.2.1").is_err(), "a mapped address is the same client");
        let _other = admit("192.0.2.2").unwrap();
        let _v6 = admit("2001:db8::1").unwrap();
        assert_eq!(admit("2001:db8::ffff:1").unwrap_err(), Reply::TOO_MANY_CLIENT_CONNECTIONS);
        assert!(admit("2001:db8:0:1::1").is_ok());
    }

    #[test]
    fn a_place_counts_for_the_client_that_it_turns_out_to_be() {
        let admission = Admission::new(100);
        let (now, limits) = (Instant::now(), limits(1, 100));
        let ip = |text: &str| text.parse().unwrap();
        let mut places: Vec<_> = (0..3).map(|_| admission.admit_unnamed().unwrap()).collect();
        assert!(places[0].count(ip("192.0.2.1"), &limits, now).is_ok(), "no balancer is counted");
        assert!(places[1].count(ip("192.0.2.1"), &limits, now).is_err());
        assert!(places[1].count(ip("192.0.2.2"), &limits, now).is_ok());
        assert!(places[1].count(ip("192.0.2.2"), &limits, now).is_ok(), "it is there already");
        assert!(places[0].count(ip("192.0.2.3"), &limits, now).is_ok());
        assert!(places[2].count(ip("192.0.2.1"), &limits, now).is_ok(), "who was there is somebody else");
        drop(places);
        assert_eq!(admission.sessions(), 0);
        assert!(admission.clients.lock().by_network.values().all(|client| client.sessions == 0));
    }

    #[test]
    fn the_rate_is_that_of_the_last_minute() {
        let admission = Admission::new(100);
        let limits = limits(100, 3);
        let start = Instant::now();
        let at = |seconds: u64| {
            admission.admit(IpAddr::from([192, 0, 2, 1]), &limits, start + Duration::from_secs(seconds))
        };
        assert!((0..3).all(|_| at(0).is_ok()));
        assert!(at(1).is_err());
        assert!(at(200).is_ok(), "later it may come again");
    }

    #[test]
    fn a_crowd_leaves_ten_to_a_client() {
        let admission = Admission::new(20);
        let (now, limits) = (Instant::now(), limits(100, 1000));
        let admit = |text: &str| admission.admit(text.parse().unwrap(), &limits, now);
        let places: Vec<_> = (0..16).map(|_| admit("192.0.2.1").unwrap()).collect();
        assert!(!admission.is_crowded());
        assert!(admit("192.0.2.1").is_err(), "with it there is a crowd");
        assert!(admit("192.0.2.2").is_ok());
        drop(places);
    }

    #[test]
    fn clients_long_gone_are_forgotten() {
        let admission = Admission::new(100);
        let limits = limits(100, 1000);
        let start = Instant::now();
        for number in 0..u32::try_from(FIRST_SWEEP * 2).unwrap() {
            drop(admission.admit(IpAddr::from(number.to_be_bytes()), &limits, start));
        }
        drop(admission.admit(IpAddr::from([255, 0, 0, 1]), &limits, start + MINUTE * 3));
        drop(admission.admit(IpAddr::from([255, 0, 0, 2]), &limits, start + MINUTE * 3));
        assert!(admission.clients.lock().by_network.len() < 10);
    }
}
