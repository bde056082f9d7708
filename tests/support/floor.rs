//! The proxy within a test: one worker's floor on the test's own thread, over real sockets, with a clock that the test
//! moves.
//!
//! What the acceptor decides (limits on connections) is asked as the acceptor would; the rest of it is not run.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use tokio::net::TcpStream;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::Notify;
use tokio::time::Instant;

use gatepost::app::build::{Ground, House};
use gatepost::backend::connect;
use gatepost::config;
use gatepost::observe::counters::Counters;
use gatepost::policy::waiting::Waiting;
use gatepost::proxy::admission::Admission;
use gatepost::proxy::drain::{Drain, Phase};
use gatepost::proxy::worker::{Accepted, Floor};
use gatepost::smtp::extension::Capabilities;
use gatepost::threads::helper::HelperHandle;
use gatepost::threads::storage::StoragePool;

/// What `test` gives, run on a runtime whose clock stands still but for `tokio::time::advance`.
pub fn on_still_clock<F: Future>(test: F) -> F::Output {
    let runtime =
        Builder::new_current_thread().enable_all().start_paused(true).build_local(LocalOptions::default());
    let runtime = runtime.unwrap();
    // A paused clock jumps to the next timer when nothing else is to be done, but not while work blocks elsewhere:
    // with real sockets something is always to be done soon.
    let (release, parked) = std::sync::mpsc::channel::<()>();
    let _blocking = runtime.spawn_blocking(move || {
        let _ = parked.recv();
    });
    let output = runtime.block_on(test);
    drop(release);
    output
}

/// Lets everything that can go on without a word from the test go on.
pub async fn settle() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

/// Turns of the runtime, each with a look at all sockets, after which a session waits for something.
const TURNS: usize = 100;

/// A proxy with one worker: the runtime that made it.
pub struct Proxy {
    /// What was built.
    pub house: Arc<House>,
    /// The worker's counts.
    pub counters: Arc<Counters>,
    /// The places for sessions.
    pub admission: Arc<Admission>,
    drain: Drain,
    floor: RefCell<Floor>,
    door: TcpListener,
    running: Rc<Running>,
    /// Octets of the future of the last session.
    pub session_octets: Cell<usize>,
}

/// The sessions that have not ended.
#[derive(Default)]
struct Running {
    count: Cell<usize>,
    panicked: Cell<bool>,
    changed: Notify,
}

impl Proxy {
    /// The proxy that the configuration `toml` describes, as if it stood in `directory`.
    ///
    /// *Errors*: everything that is wrong with it, or with a policy.
    pub fn start(toml: &str, directory: &Path) -> Result<Proxy, String> {
        Proxy::start_on(&STORAGE, toml, directory)
    }

    /// The same, with the threads of `pool` for its files.
    pub fn start_on(pool: &StoragePool, toml: &str, directory: &Path) -> Result<Proxy, String> {
        let loaded = config::load_str(toml, directory, &[]).map_err(|broken| broken.to_string())?;
        let drain = Drain::new();
        let counters = Arc::new(Counters::default());
        let ground = Ground {
            outbox: gatepost::lookup::http::outbox::Outbox::new(),
            pool: pool.clone(),
            hashing: StoragePool::here(), // its clock stands still
            failures: Arc::default(),
            helper: HelperHandle::of_caller().unwrap(),
            counters: vec![Arc::clone(&counters)],
            draining: drain.watch(),
            policies: Arc::default(),
            parking: Default::default(),
            policy_metrics: Arc::default(),
            waiting: Waiting::new(loaded.config.policies.waiting),
        };
        let house = House::build(loaded.config, &ground, None).map_err(|error| format!("{error:#}"))?;
        let generation = house.blueprint(&ground)(0)?;
        Ok(Proxy {
            admission: Admission::watching(house.config.limits.connections, Arc::clone(&ground.waiting)),
            house,
            counters,
            drain,
            floor: RefCell::new(Floor::serving(generation)),
            door: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(),
            running: Rc::default(),
            session_octets: Cell::default(),
        })
    }

    /// A client's connection, already taken by the proxy, which believes that it comes from `peer`.
    pub async fn connect(&self, peer: SocketAddr) -> TcpStream {
        let client = TcpStream::connect(self.door.local_addr().unwrap()).await.unwrap();
        client.set_nodelay(true).unwrap();
        let (mut stream, _) = self.door.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        stream.set_nodelay(true).unwrap();
        let server = stream.local_addr().unwrap();
        match self.admission.admit_peer(peer.ip(), &self.house.rules[0], Instant::now()) {
            Ok(place) => self.serve(Accepted { stream, peer, server, listener: 0, place }),
            Err(reply) => {
                let mut octets = Vec::new();
                reply.encode(&mut octets);
                stream.write_all(&octets).unwrap();
            }
        }
        client
    }

    fn serve(&self, accepted: Accepted) {
        let session = self.floor.borrow_mut().session(accepted);
        let Some(session) = session else { return };
        self.session_octets.set(size_of_val(&session));
        self.running.count.set(self.running.count.get() + 1);
        let ending = Ending(Rc::clone(&self.running));
        tokio::task::spawn_local(async move {
            session.await;
            drop(ending);
        });
    }

    /// Sessions that have not ended.
    pub fn sessions(&self) -> usize {
        self.running.count.get()
    }

    /// Waits until no session is left. Fails the test if one has panicked.
    pub async fn emptied(&self) {
        while self.sessions() > 0 {
            self.running.changed.notified().await;
        }
        assert!(!self.running.panicked.get(), "a session has panicked");
    }

    /// Goes on to `phase` of the end of service.
    pub fn advance(&self, phase: Phase) {
        self.drain.advance(phase);
    }

    /// Makes the proxy believe that the first backend's address of that number has offered `lines` in its EHLO reply.
    pub fn knows(&self, address: usize, lines: &[&str]) {
        let lines: Vec<&str> = std::iter::once("backend").chain(lines.iter().copied()).collect();
        self.server().note_success(address, &Capabilities::parse(&lines));
    }

    /// Begins to learn what the first backend offers, as at start.
    pub fn learn(&self) {
        let house = Arc::clone(&self.house);
        tokio::task::spawn_local(async move {
            connect::learn(&house.servers[&house.config.listeners[0].backend]).await;
        });
    }

    fn server(&self) -> &gatepost::backend::server::Server {
        &self.house.servers[&self.house.config.listeners[0].backend]
    }
}

/// Counts a session as ended, however it ends.
struct Ending(Rc<Running>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.count.set(self.0.count.get() - 1);
        if std::thread::panicking() {
            self.0.panicked.set(true);
        }
        self.0.changed.notify_one();
    }
}

/// One pool for all tests of a process: its threads know nothing of clocks.
static STORAGE: LazyLock<StoragePool> = LazyLock::new(|| StoragePool::start(2, 256).unwrap());
