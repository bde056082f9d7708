//! The running proxy: started from a configuration, reloaded all or nothing, drained at its end.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use tokio::time::{Instant, sleep_until};

use crate::app::build::{Ground, House};
use crate::backend::config::Address;
use crate::backend::connect;
use crate::backend::server::Server;
use crate::config::Config;
use crate::observe::counters::Counters;
use crate::proxy::accept::{Acceptor, Door, Houses};
use crate::proxy::admission::Admission;
use crate::proxy::drain::{Drain, Phase};
use crate::proxy::worker::Worker;
use crate::threads::helper::HelperRuntime;
use crate::threads::storage::StoragePool;

/// Threads that write files.
const STORAGE_THREADS: usize = 4;
/// Pieces of file work that may wait.
const STORAGE_QUEUE: usize = 256;

/// A proxy in service.
pub struct Running {
    ground: Ground,
    helper: HelperRuntime,
    house: Arc<House>,
    houses: Arc<ArcSwap<Houses>>,
    admission: Arc<Admission>,
    workers: Vec<Worker>,
    acceptor: Option<(io::PipeWriter, JoinHandle<()>)>,
    drain: Drain,
}

impl Running {
    /// Starts the threads, builds what `config` says on each worker, and opens `doors`.
    ///
    /// *Errors*: a thread, a policy or a door that can't be had.
    pub async fn start(config: Config, doors: Vec<Door>) -> anyhow::Result<Running> {
        let helper = HelperRuntime::start().context("the helper thread")?;
        let pool = StoragePool::start(STORAGE_THREADS, STORAGE_QUEUE).context("the storage threads")?;
        let drain = Drain::new();
        let ground = Ground {
            pool,
            helper: helper.handle(),
            counters: (0..config.workers).map(|_| Arc::new(Counters::default())).collect(),
            draining: drain.watch(),
        };
        let admission = Admission::new(config.limits.connections);
        let workers =
            (0..config.workers).map(Worker::start).collect::<io::Result<Vec<_>>>().context("a worker")?;
        let house = House::build(config, &ground)?;
        let houses = Arc::new(ArcSwap::from_pointee(limits_of(&house)));
        let acceptor = None;
        let mut running = Running { ground, helper, house, houses, admission, workers, acceptor, drain };
        let house = Arc::clone(&running.house);
        running.put_in_service(house).await.map_err(|error| anyhow::anyhow!(error))?;
        running.open(doors)?;
        Ok(running)
    }

    fn open(&mut self, doors: Vec<Door>) -> anyhow::Result<()> {
        let (wake, closing) = io::pipe()?;
        let acceptor = Acceptor {
            doors,
            admission: Arc::clone(&self.admission),
            houses: Arc::clone(&self.houses),
            workers: self.workers.iter().map(|worker| worker.handle.clone()).collect(),
            counters: Arc::clone(self.ground.counters.first().context("no worker")?),
        };
        self.acceptor = Some((closing, acceptor.start(wake).context("the acceptor thread")?));
        Ok(())
    }

    /// Builds `house` on every worker, and takes it into service if all of them succeed.
    async fn put_in_service(&mut self, house: Arc<House>) -> Result<(), String> {
        let mut outcome = Ok(());
        for worker in &self.workers {
            outcome = outcome.and(worker.handle.prepare(house.blueprint(&self.ground)).await);
        }
        for worker in &self.workers {
            worker.handle.switch(outcome.is_ok());
        }
        outcome?;
        self.houses.store(Arc::new(limits_of(&house)));
        self.admission.set_most(house.config.limits.connections);
        self.house = house;
        self.learn();
        Ok(())
    }

    /// Asks every backend what it offers, in the background.
    fn learn(&self) {
        for server in self.house.servers.values() {
            let server = Arc::clone(server);
            self.ground.helper.leave(move || async move { learn_all(&server).await });
        }
    }

    /// Reads nothing, but takes `config` into service for new sessions; on any error all stays as it was.
    ///
    /// What can't change without a restart (sockets, workers) is said in the log.
    /// *Errors*: why it stays.
    pub async fn reload(&mut self, config: Config) -> Result<(), String> {
        let binds = |config: &Config| -> Vec<_> {
            config.listeners.iter().map(|listener| listener.bind.clone()).collect()
        };
        if binds(&config) != binds(&self.house.config) {
            return Err("listeners and their addresses can't change without a restart".to_owned());
        }
        if config.workers != self.house.config.workers {
            tracing::warn!("the number of workers changes with the next restart");
        }
        let house = House::build(config, &self.ground).map_err(|error| format!("{error:#}"))?;
        self.put_in_service(house).await
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
        if let Some((closing, thread)) = self.acceptor.take() {
            drop(closing);
            let _ = thread.join(); // it ends as soon as its pipe is closed
        }
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
        let pool = self.ground.pool.clone();
        let _ = tokio::task::spawn_blocking(move || pool.stop()).await;
        self.helper.stop();
    }
}

/// How often the end of the last session is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Asks each address of `server` what it offers.
async fn learn_all(server: &Server) {
    for number in 0..server.config.addresses.len() {
        if matches!(server.address(number), Some(Address::Maildir(_))) {
            continue;
        }
        if let Ok(opened) = connect::open(server, number, None).await {
            opened.conversation.quit().await;
        }
    }
}

fn limits_of(house: &House) -> Houses {
    Houses { limits: house.config.listeners.iter().map(|listener| listener.limits.clone()).collect() }
}
