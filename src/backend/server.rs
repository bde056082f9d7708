//! One backend as all workers share it: its addresses and their health, what it offers, how many may talk to it.

use std::sync::Arc;

use tokio::sync::Semaphore;

use arc_swap::ArcSwapOption;

use crate::backend::capabilities::Learned;
use crate::backend::ceiling::Ceiling;
use crate::backend::config::{Address, Backend, Downgrade, Xclient};
use crate::backend::folders::Folders;
use crate::backend::health::Health;
use crate::backend::tls_counts::TlsCounts;
use crate::net::names::Names;
use crate::net::stream::Stream;
use crate::net::tls::back::Back;
use crate::smtp::extension::Capabilities;

/// Makes a connection, whatever the address.
pub type Dial = Arc<dyn Fn() -> Stream + Send + Sync>;

/// A backend and what is known of it.
pub struct Server {
    /// What the configuration says.
    pub config: Backend,
    /// Our name in EHLO to it.
    pub ehlo_name: String,
    /// Whether a connection without XCLIENT is useless: it then judges the wrong client.
    pub requires_xclient: bool,
    /// What its addresses offer.
    pub learned: Learned,
    /// The bound on connections.
    pub ceiling: Arc<Ceiling>,
    /// Who resolves its names.
    pub names: Arc<dyn Names>,
    /// Where connections come from instead of its addresses, when a test plays the backend.
    pub played: Option<Dial>,
    /// Its TLS; none if it is not spoken.
    pub tls: ArcSwapOption<Back>,
    /// What came of that so far.
    pub tls_counts: TlsCounts,
    /// Connections for logins that have not succeeded: half of all, so that strangers don't use up the backend.
    pub strangers: Arc<Semaphore>,
    /// Its folders, if it is a Maildir.
    pub folders: Arc<Folders>,
    health: Vec<Health>,
}

impl Server {
    /// A backend that nobody has talked to yet. `hostname` is our name; `decides_relay` says that a listener leaves
    /// the relay decision to it (`relay.domains = "backend"`).
    pub fn new(config: Backend, hostname: &str, decides_relay: bool, names: Arc<dyn Names>) -> Self {
        Server {
            ehlo_name: config.ehlo.clone().unwrap_or_else(|| hostname.to_owned()),
            requires_xclient: decides_relay || config.xclient == Xclient::Required,
            learned: Learned::new(config.addresses.len()),
            ceiling: Ceiling::new(config.connections),
            strangers: Arc::new(Semaphore::new((config.connections / 2).clamp(1, Semaphore::MAX_PERMITS))),
            health: config.addresses.iter().map(|_| Health::default()).collect(),
            folders: Arc::default(),
            names,
            played: None,
            tls: ArcSwapOption::empty(),
            tls_counts: TlsCounts::default(),
            config,
        }
    }

    /// What its usable addresses can do; none while that is not known.
    pub fn capabilities(&self) -> Option<Arc<Capabilities>> {
        self.learned.shared()
    }

    /// Whether 8-bit content is passed on though it does not offer 8BITMIME.
    pub fn passes_8bit(&self) -> bool {
        self.config.downgrade == Downgrade::Pass
    }

    /// The address of this number.
    pub fn address(&self, number: usize) -> Option<&Address> {
        self.config.addresses.get(number)
    }

    /// The numbers of the usable addresses, in the order in which they are tried; those behind `last` first.
    pub fn usable(&self, last: Option<usize>) -> Vec<usize> {
        let count = self.health.len();
        let first = last.map_or(0, |last| last + 1);
        let order = (0..count).map(|step| (first + step) % count.max(1));
        order.filter(|number| self.health.get(*number).is_some_and(Health::is_usable)).collect()
    }

    /// Whether there is an address whose last try has not failed.
    pub fn answers(&self) -> bool {
        !self.health.iter().all(Health::has_failed)
    }

    /// Notes that the address of this number could not be connected, did not greet us or refused EHLO.
    pub fn note_failure(&self, number: usize, why: &str) {
        let is_news = self.health.get(number).is_some_and(Health::note_failure);
        self.learned.forget(number);
        if let Some(address) = self.address(number).filter(|_| is_news) {
            tracing::warn!(backend = %self.config.name, %address, error = why, "backend not usable for 30 s");
        }
    }

    /// Notes what the address of this number has offered.
    pub fn note_success(&self, number: usize, offered: &Capabilities) {
        if let Some(health) = self.health.get(number) {
            health.note_success();
        }
        self.learned.learn(number, offered);
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("name", &self.config.name).finish_non_exhaustive()
    }
}
