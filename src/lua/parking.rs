//! Hooks that spend more than their budget again and again are parked: for the whole process, until they are well.
//!
//! Three overruns within a minute, from three client networks, park a hook; errors don't. Parked, it isn't run: its
//! policy's `on_error` is said at once. One call is let through each five seconds, and the first that keeps to its
//! budget ends it. Who overruns alone, with mail made for it, parks nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::names::network::client_site;

/// Networks that must have seen an overrun.
const NETWORKS: usize = 3;
/// Within this time.
const WINDOW: Duration = Duration::from_secs(60);
/// Between two calls that are let through.
const PAUSE: Duration = Duration::from_secs(5);

/// The hooks of the process, by policy and hook. Engines that are loaded later go on where earlier ones were.
#[derive(Clone, Debug, Default)]
pub struct Parking(Arc<Mutex<Berths>>);

/// By policy and hook.
type Berths = BTreeMap<(String, &'static str), Arc<Berth>>;

/// A hook that has been parked at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The policy.
    pub policy: String,
    /// The hook.
    pub hook: &'static str,
    /// Whether it is parked now.
    pub is_parked: bool,
    /// Calls that were answered without running it.
    pub turned_away: u64,
}

impl Parking {
    /// The place of one hook.
    pub fn berth(&self, policy: &str, hook: &'static str) -> Arc<Berth> {
        Arc::clone(self.0.lock().entry((policy.to_owned(), hook)).or_default())
    }

    /// The hooks that are or were parked, in order.
    pub fn parked(&self) -> Vec<Parked> {
        let hooks = self.0.lock();
        let of = hooks.iter().map(|((policy, hook), berth)| Parked {
            policy: policy.clone(),
            hook,
            is_parked: berth.is_parked(),
            turned_away: berth.turned_away.load(Ordering::Relaxed),
        });
        of.filter(|hook| hook.is_parked || hook.turned_away > 0).collect()
    }
}

/// The place of one hook, for all workers.
#[derive(Debug, Default)]
pub struct Berth {
    is_parked: AtomicBool,
    turned_away: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The latest overrun from each network, the oldest first; at most `NETWORKS`.
    overruns: Vec<(String, Instant)>,
    /// While it is parked: when the next call is let through.
    next: Option<Instant>,
}

/// Whether a hook is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is.
    Runs,
    /// It is, to see whether it is well again.
    Tries,
    /// It is parked.
    TurnedAway,
}

impl Berth {
    /// Whether the hook is parked now.
    pub fn is_parked(&self) -> bool {
        self.is_parked.load(Ordering::Relaxed)
    }

    /// Whether it is run now.
    pub fn admit(&self) -> Admission {
        if !self.is_parked() {
            return Admission::Runs;
        }
        let mut state = self.state.lock();
        let now = Instant::now();
        match state.next {
            None => Admission::Runs,
            Some(next) if next <= now => {
                state.next = Some(now + PAUSE);
                Admission::Tries
            }
            Some(_) => {
                self.turned_away.fetch_add(1, Ordering::Relaxed);
                Admission::TurnedAway
            }
        }
    }

    /// It has overrun its budget for `client`; whether that parks it.
    pub fn overrun(&self, client: IpAddr) -> bool {
        let network = client_site(client);
        let mut state = self.state.lock();
        let now = Instant::now();
        if state.next.is_some() {
            return false;
        }
        state.overruns.retain(|(known, at)| *known != network && now.duration_since(*at) <= WINDOW);
        state.overruns.push((network, now));
        if state.overruns.len() < NETWORKS {
            return false;
        }
        state.overruns.clear();
        state.next = Some(now + PAUSE);
        self.is_parked.store(true, Ordering::Relaxed);
        true
    }

    /// A call that was let through has kept to its budget: it is parked no more.
    pub fn leave(&self) {
        self.state.lock().next = None;
        self.is_parked.store(false, Ordering::Relaxed);
    }
}
