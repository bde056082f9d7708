//! Looks up names. One resolver, on the helper's thread, serves all workers: equal questions are asked once, answers are
//! remembered as long as they allow, and a server that is down is left alone for a while.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{FutureExt, Shared};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::Name;
use hickory_resolver::system_conf::read_system_conf;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::lookup::answer::{Answer, Answers, Mx, RecordKind, collect};
use crate::lookup::breaker::Breaker;
use crate::lookup::config::Config;
use crate::lookup::error::LookupError;
use crate::lookup::zone::Zone;
use crate::names::a_label::to_ascii;
use crate::names::network::reverse_name;
use crate::threads::helper::HelperHandle;

/// The resolver couldn't be set up.
#[derive(Debug, thiserror::Error)]
#[error("the resolver can't be set up: {0}")]
pub struct ResolverError(String);

/// A handle to the resolver; a clone is cheap and means the same resolver.
#[derive(Clone)]
pub struct Resolver {
    inner: Arc<Inner>,
}

struct Inner {
    source: Source,
    helper: HelperHandle,
    flights: Mutex<HashMap<Question, Flight>>,
    breaker: Mutex<Breaker>,
    in_flight: usize,
    patience: Duration,
}

/// Who knows.
enum Source {
    /// Name servers.
    Servers(Box<TokioResolver>),
    /// A table, where policies are tested: no server, no cache, and no breaker, as it says itself what goes wrong.
    Zone(Zone),
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Question {
    name: Box<str>,
    kind: RecordKind,
}

type Outcome = Result<Answers, LookupError>;

/// A question that is out. Whoever asks the same meanwhile waits for the same answer.
type Flight = Shared<oneshot::Receiver<Outcome>>;

impl Resolver {
    /// The resolver that `config` describes, at work on `helper`'s thread.
    ///
    /// Errors: the parts don't fit together; a missing `/etc/resolv.conf` is none, then a server on this host is asked.
    pub fn new(config: &Config, helper: HelperHandle) -> Result<Self, ResolverError> {
        let attempts = config.attempts.max(1);
        let mut options = ResolverOpts::default();
        options.timeout = config.timeout;
        options.attempts = attempts - 1; // hickory's are those after the first
        options.cache_size = config.cache;
        options.use_hosts_file = ResolveHosts::Never;
        options.positive_max_ttl = Some(MAX_POSITIVE);
        options.negative_max_ttl = Some(MAX_NEGATIVE);
        // Ours is the bound: hickory would spin on its own.
        options.max_active_requests = config.in_flight.max(options.max_active_requests);
        let servers = ResolverConfig::from_name_servers(name_servers(&config.servers));
        let hickory = TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default())
            .with_options(options)
            .build()
            .map_err(|error| ResolverError(error.to_string()))?;
        Ok(Self::with(Source::Servers(Box::new(hickory)), config, helper))
    }

    /// A resolver that finds in `zone` what there is, and is as patient as `config` says.
    pub fn of_zone(zone: &Zone, config: &Config, helper: HelperHandle) -> Self {
        Self::with(Source::Zone(zone.clone()), config, helper)
    }

    fn with(source: Source, config: &Config, helper: HelperHandle) -> Self {
        let inner = Inner {
            source,
            helper,
            flights: Mutex::default(),
            breaker: Mutex::default(),
            in_flight: config.in_flight,
            patience: config
                .timeout
                .saturating_mul(u32::try_from(config.attempts.max(1)).unwrap_or(u32::MAX)),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The IPv4 addresses of `name`.
    pub async fn a(&self, name: &str) -> Result<Vec<Ipv4Addr>, LookupError> {
        let of = |answer: &Answer| if let Answer::A(address) = answer { Some(*address) } else { None };
        Ok(self.lookup(name, RecordKind::A).await?.iter().filter_map(of).collect())
    }

    /// The IPv6 addresses of `name`.
    pub async fn aaaa(&self, name: &str) -> Result<Vec<Ipv6Addr>, LookupError> {
        let of = |answer: &Answer| if let Answer::Aaaa(address) = answer { Some(*address) } else { None };
        Ok(self.lookup(name, RecordKind::Aaaa).await?.iter().filter_map(of).collect())
    }

    /// The mail exchangers of `name`, the preferred one first.
    pub async fn mx(&self, name: &str) -> Result<Vec<Mx>, LookupError> {
        let of = |answer: &Answer| if let Answer::Mx(mx) = answer { Some(mx.clone()) } else { None };
        let mut exchangers: Vec<Mx> =
            self.lookup(name, RecordKind::Mx).await?.iter().filter_map(of).collect();
        exchangers.sort();
        Ok(exchangers)
    }

    /// The texts of `name`, any octets, each with its strings put together.
    pub async fn txt(&self, name: &str) -> Result<Vec<Vec<u8>>, LookupError> {
        let of = |answer: &Answer| if let Answer::Txt(text) = answer { Some(text.clone()) } else { None };
        Ok(self.lookup(name, RecordKind::Txt).await?.iter().filter_map(of).collect())
    }

    /// The names that the reverse zone gives for `address`: unverified, and not always host names.
    pub async fn ptr(&self, address: IpAddr) -> Result<Vec<String>, LookupError> {
        let of = |answer: &Answer| if let Answer::Name(name) = answer { Some(name.clone()) } else { None };
        Ok(self.lookup(&reverse_name(address), RecordKind::Ptr).await?.iter().filter_map(of).collect())
    }

    /// The records of `kind` that `name` has, behind CNAMEs too.
    ///
    /// `name` is absolute, with or without the dot at the end; no search list is gone through. Waits at most the
    /// configured timeout times attempts. A caller that leaves doesn't end the question.
    ///
    /// Errors: each kind of [`LookupError`].
    pub async fn lookup(&self, name: &str, kind: RecordKind) -> Result<Answers, LookupError> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let name = to_ascii(name).map_err(|_| LookupError::Invalid)?;
        let flight = self.ask(Question { name: name.into(), kind })?;
        // The other end goes without a word only if the helper stops.
        flight.await.unwrap_or(Err(LookupError::Unavailable))
    }

    /// How many different questions are open now.
    pub fn in_flight(&self) -> usize {
        self.inner.flights.lock().len()
    }

    /// The flight that brings the answer: one that is out already, or a new one.
    fn ask(&self, question: Question) -> Result<Flight, LookupError> {
        let (give, answer) = oneshot::channel();
        let flight = answer.shared();
        {
            let mut flights = self.inner.flights.lock();
            if let Some(flight) = flights.get(&question) {
                return Ok(flight.clone());
            }
            if flights.len() >= self.inner.in_flight || !self.inner.admits() {
                return Err(LookupError::Unavailable);
            }
            flights.insert(question.clone(), flight.clone());
        }
        // Not under the lock: a helper that has stopped drops the exchange at once, which takes the lock.
        let exchange = Exchange { inner: Arc::clone(&self.inner), question };
        self.inner.helper.leave(move || async move {
            let outcome = exchange.run().await;
            drop(exchange); // whoever asks from here on asks anew, or has it from the cache
            let _ = give.send(outcome);
        });
        Ok(flight)
    }
}

impl Inner {
    /// Whether the source seems to be well.
    fn admits(&self) -> bool {
        matches!(self.source, Source::Zone(_)) || self.breaker.lock().admit(Instant::now())
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("in_flight", &self.in_flight()).finish_non_exhaustive()
    }
}

/// One question on the helper's thread; takes its flight off the list however it ends.
struct Exchange {
    inner: Arc<Inner>,
    question: Question,
}

impl Exchange {
    async fn run(&self) -> Outcome {
        let start = Instant::now();
        let outcome = match tokio::time::timeout(self.inner.patience, self.query()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(LookupError::Timeout),
        };
        let now = Instant::now();
        let is_well = !outcome.as_ref().is_err_and(|error| error.is_outage());
        if self.inner.breaker.lock().record(now, is_well) {
            tracing::warn!("no name server answers: look-ups are unavailable for a few seconds at a time");
        }
        tracing::debug!(
            name = %self.question.name,
            kind = self.question.kind.name(),
            outcome = outcome.as_ref().map_or_else(|error| error.kind(), |_| "found"),
            elapsed_ms = now.duration_since(start).as_millis(),
            "looked up"
        );
        outcome
    }

    async fn query(&self) -> Outcome {
        let mut name = Name::from_ascii(&self.question.name).map_err(|_| LookupError::Invalid)?;
        name.set_fqdn(true);
        let hickory = match &self.inner.source {
            Source::Servers(hickory) => hickory,
            Source::Zone(zone) => return zone.look_up(&name, self.question.kind).await,
        };
        let found = hickory.lookup(name, self.question.kind.wire()).await;
        collect(found.map_err(|error| LookupError::from(&error))?.answers(), self.question.kind)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.inner.flights.lock().remove(&self.question);
    }
}

/// The servers as hickory wants them: first over UDP, truncated answers again over TCP.
fn name_servers(servers: &[SocketAddr]) -> Vec<NameServerConfig> {
    if servers.is_empty() {
        let system = read_system_conf().map(|(config, _)| config.name_servers).unwrap_or_default();
        // As resolv.conf(5): without a server, that of this host.
        let local = || vec![NameServerConfig::udp_and_tcp(IpAddr::V4(Ipv4Addr::LOCALHOST))];
        return if system.is_empty() { local() } else { system };
    }
    let at = |mut connection: ConnectionConfig, port| {
        connection.port = port;
        connection
    };
    let server = |server: &SocketAddr| {
        let (udp, tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
        NameServerConfig::new(server.ip(), true, vec![at(udp, server.port()), at(tcp, server.port())])
    };
    servers.iter().map(server).collect()
}

/// The longest that an answer is remembered, whatever it says.
const MAX_POSITIVE: Duration = Duration::from_secs(24 * 3600);

/// The same for "there is none" (RFC 2308 §5 suggests one to three hours).
const MAX_NEGATIVE: Duration = Duration::from_secs(3600);

#[cfg(test)]
#[path = "dns_tests.rs"]
mod tests;
