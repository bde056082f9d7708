//! From a configuration to what workers serve: everything that is shared, then a generation on each worker.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};

use crate::app::names::ResolverNames;
use crate::app::tls_watch::Watch;
use crate::app::verifiers::{self, Verifiers};
use crate::app::{folders, owners, policies, tidying, tls, tls_watch};
use crate::auth::failures::Failures;
use crate::backend::config::Backend;
use crate::backend::server::{Dial, Server};
use crate::config::Config;
use crate::lookup::dns::Resolver;
use crate::lookup::host::HostResolver;
use crate::lookup::http::client::HttpClient;
use crate::lookup::http::connections::Trust;
use crate::lookup::http::outbox::Outbox;
use crate::lookup::map::maps::{Maps, Reach};
use crate::lookup::map::played::Stubs;
use crate::lua::api::Parts;
use crate::lua::chain::Chain;
use crate::lua::chunks::Chunks;
use crate::lua::clock::{Clock, Wall};
use crate::lua::coverage::Coverage;
use crate::lua::engine::{Engine, Plan};
use crate::lua::parking::Parking;
use crate::lua::problem::Problem;
use crate::message::spool::Spool;
use crate::net::names::{Names, Nowhere};
use crate::net::tls::back::Back;
use crate::net::tls::certificates::Keyring;
use crate::net::tls::config::{ClientCertificates, Level};
use crate::net::tls::front::Front;
use crate::net::tls::turnstile::Turnstile;
use crate::observe::counters::Counters;
use crate::observe::metrics::BackendConnections;
use crate::observe::policy_counts::PolicyCounts;
use crate::observe::policy_metrics::PolicyMetrics;
use crate::policy::door::Policies;
use crate::policy::event::Stages;
use crate::policy::waiting::Waiting;
use crate::proxy::config::{Listener, Vrfy};
use crate::proxy::context::Context;
use crate::proxy::drain::Draining;
use crate::proxy::worker::{Build, Generation};
use crate::session::relay::RelayDomains;
use crate::session::rules::Rules;
use crate::store::calls::Store;
use crate::store::opening;
use crate::threads::helper::HelperHandle;
use crate::threads::storage::StoragePool;

/// What outlives reloads and is shared by all workers.
#[derive(Clone)]
pub struct Ground {
    /// Who writes files.
    pub pool: StoragePool,
    /// Who hashes passwords, which takes long.
    pub hashing: StoragePool,
    /// Logins that failed lately.
    pub failures: Arc<Failures>,
    /// Who asks other services.
    pub helper: HelperHandle,
    /// The counts of each worker.
    pub counters: Vec<Arc<Counters>>,
    /// The counts of the policies' hooks.
    pub policies: Arc<PolicyCounts>,
    /// Hooks that are parked.
    pub parking: Parking,
    /// What scripts send without waiting.
    pub outbox: Arc<Outbox>,
    /// What policies measure themselves.
    pub policy_metrics: Arc<PolicyMetrics>,
    /// The hook calls that wait.
    pub waiting: Arc<Waiting>,
    /// The end of service.
    pub draining: Draining,
}

/// What a house asks and connects to.
#[derive(Clone)]
pub struct Outside {
    /// Who knows names.
    pub resolver: Resolver,
    /// Who asks web servers.
    pub http: HttpClient,
    /// What policies remember.
    pub store: Store,
    /// The time of day, as scripts read it.
    pub wall: Wall,
    /// By what scripts are measured; made on each worker.
    pub clock: fn() -> Clock,
    /// Who plays the backend of a name, where a test does.
    pub played: Option<Played>,
    /// Who plays the servers of maps, where a test does.
    pub stubs: Option<Stubs>,
    /// Who is told which lines of scripts run.
    pub coverage: Option<Coverage>,
    /// Compiled scripts.
    pub chunks: Chunks,
}

/// Makes what connects to the backend of a name.
pub type Played = Arc<dyn Fn(&str) -> Dial + Send + Sync>;

impl Outside {
    /// The world, as `config` says. A store whose place is the same as `before` is kept.
    ///
    /// *Errors*: no resolver can be made, the store can't be opened.
    pub fn world(config: &Config, ground: &Ground, before: Option<&House>) -> anyhow::Result<Outside> {
        let resolver = Resolver::new(&config.dns, ground.helper.clone()).context("[dns]")?;
        let known = before.map(|before| (&before.config.store, &before.store));
        Ok(Outside {
            http: http(resolver.clone(), Trust::System, ground),
            resolver,
            store: opening::open(&config.store, &ground.pool, known)?,
            wall: Wall::default(),
            clock: Clock::monotonic,
            played: None,
            stubs: None,
            coverage: None,
            chunks: Chunks::default(),
        })
    }
}

/// One configuration, built but for what lives on the workers.
pub struct House {
    /// The configuration.
    pub config: Config,
    /// The backends by name.
    pub servers: HashMap<String, Arc<Server>>,
    /// Where content waits.
    pub spool: Arc<Spool>,
    /// What policies remember.
    pub store: Store,
    verifiers: Verifiers,
    names: Arc<dyn Names>,
    parts: Parts,
    maps: Maps,
    clock: fn() -> Clock,
    plan: Plan,
    /// What the sessions of each listener obey.
    pub rules: Vec<Arc<Rules>>,
    /// The certificates that are shown.
    keyring: Option<Arc<Keyring>>,
    /// Backends that were there before, and their TLS with the files as they are now.
    renewed: Vec<(Arc<Server>, Option<Arc<Back>>)>,
    /// Ends with this house.
    life: Arc<()>,
    /// The TLS of each listener.
    fronts: Vec<Option<Arc<Front>>>,
}

impl House {
    /// Builds what `config` says on `ground`. A backend of which nothing has changed since `before` is kept: what is
    /// known of it stays known, and its bound on connections holds over both.
    ///
    /// So is a store whose place is the same. *Errors*: no resolver can be made, the store can't be opened.
    pub fn build(config: Config, ground: &Ground, before: Option<&House>) -> anyhow::Result<Arc<House>> {
        let outside = Outside::world(&config, ground, before)?;
        House::build_in(outside, config, ground, before)
    }

    /// The same in that `outside`.
    ///
    /// *Errors*: a map can't be read.
    pub fn build_in(
        outside: Outside,
        config: Config,
        ground: &Ground,
        before: Option<&House>,
    ) -> anyhow::Result<Arc<House>> {
        let Outside { resolver, http, store, wall, clock, played, stubs, coverage, chunks } = outside;
        let config = if played.is_some() { tls::in_clear(config) } else { config };
        let names: Arc<dyn Names> = Arc::new(ResolverNames::new(resolver.clone()));
        let mut renewed = Vec::new();
        let servers = config.backends.iter().map(|backend| {
            let mut made = server(&config, backend, &names);
            made.tls.store(tls::back(backend)?);
            made.played = played.as_ref().map(|played| played(&backend.name));
            let kept = before.and_then(|before| before.kept(&made, &config));
            if let Some(kept) = kept {
                renewed.push((Arc::clone(kept), made.tls.load_full())); // the files may be others
            }
            Ok((backend.name.clone(), kept.cloned().unwrap_or_else(|| Arc::new(made))))
        });
        let servers: anyhow::Result<HashMap<String, Arc<Server>>> = servers.collect();
        let tls_before = before.map(House::tls);
        let keyring = tls::keyring(&config, tls_before.as_ref())?;
        let spool =
            Spool::new(folders::spool(&config), config.spool.memory, config.spool.limit, ground.pool.clone());
        tidying::follow(&spool, &ground.helper);
        let plan = policies::plan(&config);
        let asked = |trust| match played {
            Some(_) => http.clone(),
            None => self::http(resolver.clone(), trust, ground),
        };
        let found: Arc<dyn Names> = if played.is_some() { Arc::new(Nowhere) } else { Arc::clone(&names) };
        let verifiers = Verifiers::build(&config, &ground.hashing, &ground.helper, &found, &asked)?;
        let rules = config.listeners.iter().map(|listener| Arc::new(rules(&config, listener))).collect();
        let reach = Reach { http, names: found, helper: ground.helper.clone(), stubs };
        let maps = maps(&config, &reach)?;
        let mut parts = Parts::new(resolver)
            .storing(store.clone())
            .measuring(Arc::clone(&ground.policy_metrics))
            .counting(Arc::clone(&ground.waiting))
            .with_parking(ground.parking.clone())
            .with_chunks(chunks)
            .with_maps(maps.clone())
            .with_http(reach.http)
            .with_wall(wall);
        if let Some(coverage) = coverage {
            parts = parts.with_coverage(coverage);
        }
        Ok(Arc::new(House {
            servers: servers?,
            spool,
            store,
            verifiers,
            names,
            parts,
            maps,
            clock,
            plan,
            rules,
            fronts: tls::fronts(&config, keyring.as_ref(), tls_before.as_ref())?,
            keyring,
            renewed,
            life: Arc::new(()),
            config,
        }))
    }

    /// What the policies' modules act upon.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// How many connections each backend has, and what came of TLS to it, for the metrics.
    pub fn connections(&self) -> Vec<BackendConnections> {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let servers = self.config.backends.iter().filter_map(|backend| self.servers.get(&backend.name));
        let connections = servers.map(|server| BackendConnections {
            backend: server.config.name.clone(),
            in_use: count(server.config.connections.saturating_sub(server.ceiling.free())),
            free: count(server.ceiling.free()),
            tls: match server.config.tls.level {
                Level::None => Vec::new(),
                _ => server.tls_counts.all(),
            },
        });
        connections.collect()
    }

    /// Takes TLS to backends into service with the files as they were read for this house, once nothing else can fail. From
    /// then on reads the files of TLS again when they change, as long as this house is there.
    pub fn follow_certificates(&self, ground: &Ground) {
        self.renewed.iter().for_each(|(server, back)| server.tls.store(back.clone()));
        let config = &self.config.tls;
        let own = self.keyring.iter().map(|keyring| Watch::certificates(config.clone(), keyring));
        let asking = self.config.listeners.iter().zip(&self.fronts);
        let asking = asking.filter(|(listener, _)| listener.client_certificate != ClientCertificates::Off);
        let fronts: Vec<_> = asking.filter_map(|(_, front)| front.clone()).collect();
        let authorities = config.client_ca.iter().filter(|_| !fronts.is_empty());
        let authorities = authorities.map(|path| Watch::authorities(path, fronts.clone()));
        let backends = self.config.backends.iter().filter_map(|backend| self.servers.get(&backend.name));
        let watches = own.chain(authorities).chain(backends.filter_map(Watch::backend)).collect();
        tls_watch::follow(watches, Arc::downgrade(&self.life), &ground.helper);
    }

    /// The backend that would be `made` anew by `config` and has not changed.
    fn kept(&self, made: &Server, config: &Config) -> Option<&Arc<Server>> {
        let kept = self.servers.get(&made.config.name).filter(|_| self.config.dns == config.dns);
        kept.filter(|kept| {
            kept.config == made.config
                && kept.ehlo_name == made.ehlo_name
                && kept.requires_xclient == made.requires_xclient
        })
    }

    fn tls(&self) -> tls::Before<'_> {
        let listeners = self.config.listeners.iter().map(|listener| listener.name.as_str());
        let fronts = listeners.zip(&self.fronts);
        let fronts = fronts.filter_map(|(name, front)| Some((name, front.as_ref()?))).collect();
        tls::Before { config: &self.config.tls, keyring: self.keyring.as_ref(), fronts }
    }

    /// The files of the certificates that are shown, and when each ends.
    pub fn expiries(&self) -> Vec<(String, i64)> {
        self.keyring.as_ref().map(|keyring| keyring.expiries()).unwrap_or_default()
    }

    /// How a worker builds its generation of this house.
    pub fn blueprint(self: &Arc<Self>, ground: &Ground) -> Build {
        let (house, ground) = (Arc::clone(self), ground.clone());
        Arc::new(move |worker| house.generation(worker, &ground).map_err(|error| format!("{error:#}")))
    }

    fn generation(&self, worker: usize, ground: &Ground) -> anyhow::Result<Generation> {
        let engine = Engine::load(&self.plan, &self.parts, (self.clock)()).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
            anyhow!(lines.join("\n"))
        })?;
        engine.count(&ground.policies, worker);
        engine.park(&ground.parking);
        let counters = ground.counters.get(worker).context("no such worker")?;
        let turnstile = Rc::new(Turnstile::new());
        let listeners = self.config.listeners.iter().zip(&self.rules).zip(&self.fronts);
        let contexts = listeners.map(|((listener, rules), front)| {
            let verify = verifiers::policy(listener);
            let policies = match (listener.policies.as_slice(), verify) {
                ([], None) => None,
                (uses, verify) => {
                    let chain = Chain::new(&engine, uses);
                    let mut chain = chain.map_err(|name| anyhow!("policy {name} is not loaded"))?;
                    if let Some(name) = verify {
                        let verifying = chain.verifying(name);
                        chain = verifying
                            .map_err(|name| anyhow!("auth.verify: policy {name} has no verify hook"))?;
                    }
                    Some(Rc::new(chain) as Rc<dyn Policies>)
                }
            };
            let server = self.servers.get(&listener.backend).context("no such backend")?;
            Ok(Rc::new(Context {
                listener: listener.clone(),
                owners: owners::open(listener, &self.maps)?,
                rules: Arc::clone(rules),
                stages: policies.as_ref().map_or(Stages::default(), |policies| policies.stages()),
                policies,
                tls: front.clone(),
                turnstile: Rc::clone(&turnstile),
                server: Arc::clone(server),
                verifier: self.verifiers.open(listener),
                failures: Arc::clone(&ground.failures),
                spool: Arc::clone(&self.spool),
                pool: ground.pool.clone(),
                names: Arc::clone(&self.names),
                counters: Arc::clone(counters),
                draining: ground.draining.clone(),
            }))
        });
        contexts.collect()
    }
}

/// The maps, read anew.
fn maps(config: &Config, reach: &Reach) -> anyhow::Result<Maps> {
    policies::read_maps(config, Some(reach)).map_err(|wrong| {
        let lines: Vec<String> = wrong.iter().map(|(name, error)| format!("map {name}: {error}")).collect();
        anyhow!(lines.join("\n"))
    })
}

/// Who asks web servers that `trust` vouches for. What waits to be sent outlives the house.
fn http(resolver: Resolver, trust: Trust, ground: &Ground) -> HttpClient {
    let hosts = HostResolver::new(resolver);
    HttpClient::new(hosts, trust, ground.helper.clone(), Arc::clone(&ground.outbox))
}

/// The backend that `backend` describes, as nobody has talked to it yet.
pub fn server(config: &Config, backend: &Backend, names: &Arc<dyn Names>) -> Server {
    let decides_relay = config.listeners.iter().any(|listener| {
        listener.backend == backend.name && matches!(listener.relay.domains, RelayDomains::Backend)
    });
    Server::new(backend.clone(), &config.hostname, decides_relay, Arc::clone(names))
}

fn rules(config: &Config, listener: &Listener) -> Rules {
    Rules {
        listener: listener.name.clone(),
        hostname: config.hostname.clone(),
        relay: listener.relay.clone(),
        protocol: listener.protocol,
        trust: listener.trust.clone(),
        limits: listener.limits.clone(),
        strict: listener.strict,
        refuses_vrfy: listener.vrfy == Vrfy::Refuse,
        tls: listener.tls,
        logins: listener.logins,
    }
}
