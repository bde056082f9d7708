//! The running proxy: started from a configuration, reloaded all or nothing, drained at its end.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use arc_swap::ArcSwap;
use tokio::time::{Instant, sleep_until, timeout};

use crate::app::build::{Ground, House};
use crate::app::folders;
use crate::app::sockets::Sockets;
use crate::backend::connect;
use crate::config::Config;
use crate::lookup::http::outbox::Outbox;
use crate::lua::parking::{Parked, Parking};
use crate::observe::config::{Format, Metrics as MetricsConfig};
use crate::observe::counters::Counters;
use crate::observe::metrics::Metrics;
use crate::observe::metrics_page::MetricsPage;
use crate::observe::policy_counts::PolicyCounts;
use crate::observe::readings::{ParkedHook, Reading, Sources};
use crate::observe::reloads::Reloads;
use crate::policy::waiting::Waiting;
use crate::proxy::accept::{Acceptor, AcceptorHandle, Change, Houses};
use crate::proxy::admission::Admission;
use crate::proxy::drain::{Drain, Phase};
use crate::proxy::worker::Worker;
use crate::threads::helper::HelperRuntime;
use crate::threads::storage::StoragePool;

/// Threads that write files.
const STORAGE_THREADS: usize = 4;
/// Threads that hash passwords. Each may take 19 MiB and more for that.
const HASHING_THREADS: usize = 2;
/// Passwords that may wait to be hashed.
const HASHING_QUEUE: usize = 254;
/// Pieces of file work that may wait.
const STORAGE_QUEUE: usize = 256;

/// A proxy in service.
pub struct Running {
    ground: Ground,
    helper: HelperRuntime,
    house: Arc<House>,
    /// The same, for those that read it from elsewhere.
    current: Arc<ArcSwap<House>>,
    houses: Arc<ArcSwap<Houses>>,
    admission: Arc<Admission>,
    workers: Vec<Worker>,
    sockets: Sockets,
    acceptor: Option<AcceptorHandle>,
    drain: Drain,
    /// What was set up at start and stays so.
    fixed: Fixed,
    reloads: Arc<Reloads>,
}

impl Running {
    /// Starts the threads, builds what `config` says on each worker, and opens the doors of `sockets`.
    ///
    /// *Errors*: a thread, a policy or a resolver that can't be had.
    pub async fn start(config: Config, sockets: Sockets) -> anyhow::Result<Running> {
        let helper = HelperRuntime::start().context("the helper thread")?;
        let pool = StoragePool::start(STORAGE_THREADS, STORAGE_QUEUE).context("the storage threads")?;
        let drain = Drain::new();
        let ground = Ground {
            pool,
            hashing: StoragePool::start(HASHING_THREADS, HASHING_QUEUE).context("the hashing threads")?,
            failures: Arc::default(),
            helper: helper.handle(),
            counters: (0..config.workers).map(|_| Arc::new(Counters::default())).collect(),
            draining: drain.watch(),
            policies: Arc::new(PolicyCounts::default()),
            parking: Parking::default(),
            outbox: Outbox::new(),
            policy_metrics: Arc::default(),
            waiting: Waiting::new(config.policies.waiting),
        };
        let admission = Admission::watching(config.limits.connections, Arc::clone(&ground.waiting));
        let workers =
            (0..config.workers).map(Worker::start).collect::<io::Result<Vec<_>>>().context("a worker")?;
        let fixed = Fixed::of(&config);
        let house = House::build(config, &ground, None)?;
        let houses = Arc::new(ArcSwap::from_pointee(rules_of(&house)));
        let mut running = Running {
            current: Arc::new(ArcSwap::new(Arc::clone(&house))),
            acceptor: None,
            ground,
            helper,
            house,
            houses,
            admission,
            workers,
            sockets,
            drain,
            fixed,
            reloads: Arc::default(),
        };
        running.prepare(&Arc::clone(&running.house)).await.map_err(|error| anyhow!(error))?;
        running.workers.iter().for_each(|worker| worker.handle.switch(true));
        running.learn();
        running.house.follow_certificates(&running.ground);
        running.open()?;
        Ok(running)
    }

    fn open(&mut self) -> anyhow::Result<()> {
        let acceptor = Acceptor {
            doors: self.sockets.doors(&self.house.config.listeners).context("a listening socket")?,
            admission: Arc::clone(&self.admission),
            houses: Arc::clone(&self.houses),
            workers: self.workers.iter().map(|worker| worker.handle.clone()).collect(),
            counters: Arc::clone(self.ground.counters.first().context("no worker")?),
        };
        self.acceptor = Some(acceptor.start());
        self.sockets.announce(None);
        Ok(())
    }

    /// Builds `house` on every worker, beside what is in service.
    async fn prepare(&self, house: &Arc<House>) -> Result<(), String> {
        let mut outcome = Ok(());
        for worker in &self.workers {
            outcome = outcome.and(worker.handle.prepare(house.blueprint(&self.ground)).await);
        }
        if outcome.is_err() {
            self.workers.iter().for_each(|worker| worker.handle.switch(false));
        }
        outcome
    }

    /// Asks every backend what it offers, in the background.
    fn learn(&self) {
        for server in self.house.servers.values() {
            let server = Arc::clone(server);
            self.ground.helper.leave(move || async move { connect::learn(&server).await });
        }
    }

    /// Reads nothing, but takes `config` into service for new sessions; on any error all stays as it was.
    ///
    /// What can't change without a restart is said in the log.
    /// *Errors*: why it stays, on one or several lines.
    pub async fn reload(&mut self, config: Config) -> Result<(), String> {
        let sockets = self.sockets.follow(&config.listeners).map_err(|error| error.to_string())?;
        folders::test_spool(&config).map_err(|error| format!("{error:#}"))?;
        for key in self.fixed.differences(&Fixed::of(&config)) {
            tracing::warn!(key, "changes only with a restart");
        }
        let doors = sockets.doors(&config.listeners).map_err(|error| error.to_string())?;
        let house =
            House::build(config, &self.ground, Some(&self.house)).map_err(|error| format!("{error:#}"))?;
        self.prepare(&house).await?;
        self.admission.set_most(house.config.limits.connections);
        self.ground.waiting.set_most(house.config.policies.waiting);
        let workers: Vec<_> = self.workers.iter().map(|worker| worker.handle.clone()).collect();
        let (houses, rules) = (Arc::clone(&self.houses), Arc::new(rules_of(&house)));
        // Between two connections: a session's listener is a number, which means another one from here on.
        let between = Box::new(move || {
            workers.iter().for_each(|worker| worker.switch(true));
            houses.store(rules);
        });
        if let Some(acceptor) = &mut self.acceptor {
            acceptor.change(Change { doors, between }).await;
        }
        sockets.announce(Some(&self.sockets));
        self.current.store(Arc::clone(&house));
        (self.sockets, self.house) = (sockets, house);
        self.house.follow_certificates(&self.ground);
        self.learn();
        Ok(())
    }

    /// Shows the metrics on `page`, as long as it runs. `dropped` reads how many lines the log has lost.
    pub fn show_metrics(&self, page: MetricsPage, dropped: Reading) {
        let (admission, current) = (Arc::clone(&self.admission), Arc::clone(&self.current));
        let spool = Arc::clone(&self.current);
        let parking = self.ground.parking.clone();
        let waiting = Arc::clone(&self.ground.waiting);
        let certificates = Arc::clone(&self.current);
        let outbox = Arc::clone(&self.ground.outbox);
        let users = Arc::clone(&self.current);
        let (store, failures) = (Arc::clone(&self.current), Arc::clone(&self.current));
        let metrics = Arc::new(Metrics::new(Sources {
            workers: self.ground.counters.clone(),
            policies: Arc::clone(&self.ground.policies),
            policy_metrics: Arc::clone(&self.ground.policy_metrics),
            hooks_waiting: Arc::new(move || count(waiting.now())),
            sessions: Arc::new(move || count(admission.sessions())),
            backends: Arc::new(move || current.load().connections()),
            spool_octets: Arc::new(move || spool.load().spool.used()),
            store_entries: Arc::new(move || store.load().store.entries()),
            store_failures: Arc::new(move || {
                failures.load().store.failures().map(|(kind, count)| (kind.kind(), count)).collect()
            }),
            parked: Arc::new(move || {
                let hook = |Parked { policy, hook, is_parked, turned_away }| ParkedHook {
                    policy,
                    hook,
                    is_parked,
                    turned_away,
                };
                parking.parked().into_iter().map(hook).collect()
            }),
            certificates: Arc::new(move || certificates.load().expiries()),
            log_lines_dropped: dropped,
            reloads: Arc::clone(&self.reloads),
            users_files: Arc::new(move || users.load().users_files()),
            http_sends: Arc::new(move || {
                let posted = outbox.posted();
                [("sent", posted.sent), ("failed", posted.failed), ("dropped", posted.dropped)]
            }),
        }));
        if let Ok(address) = page.address() {
            tracing::info!(%address, "metrics page");
        }
        self.ground.helper.leave(move || async move {
            if let Err(error) = page.serve(metrics).await {
                tracing::error!(%error, "no metrics page");
            }
        });
    }

    /// What became of reloads; whoever asks for one notes it.
    pub fn reloads(&self) -> &Reloads {
        &self.reloads
    }

    /// Sessions now.
    pub fn sessions(&self) -> usize {
        self.admission.sessions()
    }

    /// The house in service.
    pub fn house(&self) -> &Arc<House> {
        &self.house
    }

    /// The counts of all workers.
    pub fn counters(&self) -> &[Arc<Counters>] {
        &self.ground.counters
    }

    /// Takes no new connections, gives running transactions `patience`, then ends all threads.
    pub async fn end(mut self, patience: Duration) {
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.close().await;
        }
        self.sockets = Sockets::default();
        self.drain.advance(Phase::Draining);
        let last = Instant::now() + patience;
        while self.sessions() > 0 && Instant::now() < last {
            sleep_until(last.min(Instant::now() + LOOK_AGAIN)).await;
        }
        self.drain.advance(Phase::Ending);
        // Workers end with their last session: those past their end of data wait for the backend's answer.
        let threads: Vec<_> = self.workers.drain(..).map(|worker| worker.thread).collect();
        let joined =
            tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join())));
        let _ = joined.await;
        if !matches!(timeout(STORAGE_PATIENCE, self.house.store.close()).await, Ok(Ok(()))) {
            tracing::error!("the store could not be written; what changed last is lost");
        }
        let pool = self.ground.pool.clone();
        // What it still does nobody waits for: a disk that hangs must not keep the process.
        let _ = timeout(STORAGE_PATIENCE, tokio::task::spawn_blocking(move || pool.stop())).await;
        self.helper.stop();
    }
}

/// How long the last work on files may take.
const STORAGE_PATIENCE: Duration = Duration::from_secs(10);

/// How often the end of the last session is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// What of a configuration is set up at start only.
struct Fixed {
    workers: usize,
    service: (Option<String>, Option<String>),
    log: (Option<PathBuf>, Format),
    metrics: MetricsConfig,
}

impl Fixed {
    fn of(config: &Config) -> Fixed {
        Fixed {
            workers: config.workers,
            service: (config.service.user.clone(), config.service.group.clone()),
            log: (config.log.file.clone(), config.log.format),
            metrics: config.metrics.clone(),
        }
    }

    /// The keys that `wanted` has otherwise.
    fn differences(&self, wanted: &Fixed) -> impl Iterator<Item = &'static str> {
        let all = [
            ("workers", self.workers != wanted.workers),
            ("service.user", self.service != wanted.service),
            ("log.file and log.format", self.log != wanted.log),
            ("metrics.listen", self.metrics != wanted.metrics),
        ];
        all.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key)
    }
}

fn rules_of(house: &House) -> Houses {
    Houses { rules: house.rules.clone() }
}
