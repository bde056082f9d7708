//! A worker: one thread, one runtime, the sessions that live and die on it.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::net::stream::Stream;
use crate::proxy::admission::Place;
use crate::proxy::balancer::{self, Expected};
use crate::proxy::context::Context;
use crate::proxy::serve::Serve;
use crate::session::identity::{Identity, SessionId};
use crate::session::trust::ProxyProtocol;

/// A connection on its way to a worker.
#[derive(Debug)]
pub struct Accepted {
    /// The socket, not blocking, with TCP_NODELAY.
    pub stream: TcpStream,
    /// Who connected.
    pub peer: SocketAddr,
    /// The address that was connected.
    pub server: SocketAddr,
    /// The number of its listener.
    pub listener: usize,
    /// Its place among all sessions.
    pub place: Place,
}

/// What a worker serves: a context for each listener, by number.
pub type Generation = Vec<Rc<Context>>;

/// Makes a generation on the worker of that number; errors as text.
pub type Build = Arc<dyn Fn(usize) -> Result<Generation, String> + Send + Sync>;

enum Job {
    Serve(Accepted, Load),
    /// Builds a generation beside the one in service.
    Prepare(Build, oneshot::Sender<Result<(), String>>),
    /// Takes the generation that was built into service, or throws it away.
    Switch(bool),
    /// Runs a task besides the sessions.
    Run(Task),
}

/// Makes a task on the worker where it runs.
pub type Task = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// A handle to a worker's thread.
#[derive(Clone)]
pub struct WorkerHandle {
    jobs: UnboundedSender<Job>,
    sessions: Arc<AtomicUsize>,
}

impl WorkerHandle {
    /// Sessions that it has now.
    pub fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    /// Gives it a connection; dropped, and so closed, if the worker has ended.
    pub fn serve(&self, accepted: Accepted) {
        let _ = self.jobs.send(Job::Serve(accepted, Load::new(&self.sessions))); // counted off when it is dropped
    }

    /// Builds a generation there, beside the one in service; whether that succeeded.
    pub async fn prepare(&self, build: Build) -> Result<(), String> {
        let (tell, told) = oneshot::channel();
        self.jobs.send(Job::Prepare(build, tell)).map_err(|_| ENDED.to_owned())?;
        told.await.map_err(|_| ENDED.to_owned())?
    }

    /// Takes the generation that was prepared into service for new sessions, or throws it away.
    pub fn switch(&self, takes: bool) {
        let _ = self.jobs.send(Job::Switch(takes)); // a worker that has ended serves nothing
    }

    /// Runs `task` there, as long as the worker has sessions or may get some.
    pub fn run(&self, task: Task) {
        let _ = self.jobs.send(Job::Run(task)); // nor does it run anything
    }
}

/// One session in its worker's count, however it ends.
struct Load(Arc<AtomicUsize>);

impl Load {
    fn new(sessions: &Arc<AtomicUsize>) -> Load {
        sessions.fetch_add(1, Ordering::Relaxed);
        Load(Arc::clone(sessions))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

const ENDED: &str = "the worker has ended";

/// A worker's thread. It ends when all handles are gone and its last session has ended.
pub struct Worker {
    /// How to reach it.
    pub handle: WorkerHandle,
    /// The thread.
    pub thread: JoinHandle<()>,
}

impl Worker {
    /// Starts the worker of that number, without anything to serve yet.
    ///
    /// *Errors*: the system has no thread or no descriptors to give.
    pub fn start(number: usize) -> io::Result<Worker> {
        let (jobs, queue) = unbounded_channel();
        let (tell, told) = mpsc::channel();
        let sessions = Arc::new(AtomicUsize::new(0));
        let thread = std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
            // A runtime for tasks of this thread alone can't come from another one.
            let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
            let runtime = runtime.map_err(|error| tell.send(error));
            drop(tell);
            if let Ok(runtime) = runtime {
                runtime.block_on(async {
                    let _pulse = spawn_local(pulse());
                    // As a task: one that hears from its own thread costs no system call.
                    if spawn_local(Floor::new(number).work(queue)).await.is_err() {
                        // Its panic has been told. Who is left could serve on, but nobody would hear of it, and on the
                        // first worker nobody would be let in: whoever started the process is to start it anew.
                        std::process::abort();
                    }
                });
            }
        })?;
        match told.recv() {
            Ok(error) => Err(error),
            Err(_) => Ok(Worker { handle: WorkerHandle { jobs, sessions }, thread }),
        }
    }
}

/// How often a worker's clock strikes.
const PULSE: Duration = Duration::from_secs(1);

/// Strikes for nothing, for ever.
///
/// The runtime wakes its own thread, by a system call, for each timer that is due before all others. With this one
/// there, those that sessions set at each wait hardly ever are.
async fn pulse() {
    loop {
        sleep(PULSE).await;
    }
}

/// What happens on a worker's thread; a test runs one on a runtime of its own, with a clock that it moves.
pub struct Floor {
    number: usize,
    serving: Generation,
    prepared: Option<Generation>,
    ids: Ids,
}

impl Floor {
    /// The floor of the worker of that number.
    pub fn new(number: usize) -> Self {
        Floor { number, serving: Vec::new(), prepared: None, ids: Ids::new(number) }
    }

    /// A floor for tests, which serves `generation`.
    pub fn serving(generation: Generation) -> Self {
        Floor { serving: generation, ..Floor::new(0) }
    }

    async fn work(mut self, mut queue: UnboundedReceiver<Job>) {
        let mut running = tokio::task::JoinSet::new();
        while let Some(job) = queue.recv().await {
            while running.try_join_next().is_some() {}
            match job {
                Job::Serve(accepted, load) => {
                    // Nothing around the session's future: it would be held twice.
                    if let Some(session) = self.open(accepted, load) {
                        running.spawn_local(session);
                    }
                }
                Job::Prepare(build, told) => {
                    let built = build(self.number).map(|generation| self.prepared = Some(generation));
                    let _ = told.send(built);
                }
                Job::Run(task) => drop(spawn_local(task())),
                Job::Switch(takes) => {
                    if let (Some(generation), true) = (self.prepared.take(), takes) {
                        self.serving = generation;
                    }
                }
            }
        }
        // The old generation goes with its last session.
        self.serving.clear();
        while running.join_next().await.is_some() {}
    }

    /// The session over a connection; nothing if the connection is gone already, or its listener is.
    pub fn session(&mut self, accepted: Accepted) -> Option<impl Future<Output = ()> + 'static> {
        self.open(accepted, Load::new(&Arc::default()))
    }

    fn open(&mut self, accepted: Accepted, load: Load) -> Option<impl Future<Output = ()> + 'static> {
        let Accepted { stream, peer, server, listener, place } = accepted;
        let context = Rc::clone(self.serving.get(listener)?);
        let stream = tokio::net::TcpStream::from_std(stream).ok()?;
        let identity = Identity::direct(self.ids.next(), peer, server);
        let opened = match context.rules.trust.header_from(identity.peer.ip()) {
            ProxyProtocol::Off => {
                let stream = Stream::Tcp(stream);
                Opened::Session(Box::new(Serve::new(context, stream, identity, place)))
            }
            wanted => {
                let expected = Expected { context, identity, place, wanted };
                Opened::Expected(Box::pin(balancer::meet(expected, stream)))
            }
        };
        Some(async move {
            let serve = match opened {
                Opened::Session(serve) => Some(serve),
                Opened::Expected(meeting) => meeting.await,
            };
            if let Some(serve) = serve {
                serve.run().await;
            }
            drop(load);
        })
    }
}

/// A connection that was taken.
enum Opened {
    Session(Box<Serve>),
    /// Whose it is a balancer has to say first.
    Expected(Pin<Box<dyn Future<Output = Option<Box<Serve>>>>>),
}

/// Makes the ids of a worker's sessions: time of start, worker, count. They differ over restarts as well.
struct Ids {
    base: u128,
    count: u32,
}

impl Ids {
    fn new(worker: usize) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        // 80 bits: 41 of milliseconds, 7 of workers, 32 of sessions.
        let millis = now.as_millis() & ((1 << 41) - 1);
        Ids { base: millis << 39 | (worker as u128 & 127) << 32, count: 0 }
    }

    fn next(&mut self) -> SessionId {
        self.count = self.count.wrapping_add(1);
        SessionId::new(self.base | u128::from(self.count))
    }
}
