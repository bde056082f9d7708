//! The acceptor: takes connections from all sockets and hands each to the least busy worker.
//!
//! It is a task on one of the workers, so that a connection which stays there costs no other thread's wake.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustix::net::sockopt::set_tcp_nodelay;
use rustix::net::{SocketFlags, acceptfrom_with};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::select;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep};

use crate::observe::counters::Counters;
use crate::proxy::admission::Admission;
use crate::proxy::worker::{Accepted, WorkerHandle};
use crate::session::rules::Rules;
use crate::session::tls::TlsUse;
use crate::smtp::reply::Reply;

/// A bound socket and the number of its listener.
#[derive(Clone, Debug)]
pub struct Door {
    /// Not blocking.
    socket: Arc<TcpListener>,
    listener: usize,
    /// The address that clients connect to, unless each connection has its own.
    server: Option<SocketAddr>,
}

impl Door {
    /// The door that is `socket`, which does not block, of the listener of that number.
    ///
    /// Its connections have TCP_NODELAY from here: what belongs together is written together.
    /// *Errors*: `socket` is none that connections are taken from.
    pub fn new(socket: Arc<TcpListener>, listener: usize) -> io::Result<Door> {
        set_tcp_nodelay(&socket, true)?;
        let server = Some(socket.local_addr()?).filter(|address| !address.ip().is_unspecified());
        Ok(Door { socket, listener, server })
    }

    /// The number of its listener.
    pub fn listener(&self) -> usize {
        self.listener
    }

    /// The next connection, not blocking, and who connected.
    fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = acceptfrom_with(&self.socket, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?;
        let peer = peer.ok_or(io::ErrorKind::ConnectionAborted)?;
        Ok((TcpStream::from(stream), SocketAddr::try_from(peer)?))
    }
}

/// What the acceptor needs to know; reload changes it.
#[derive(Debug, Default)]
pub struct Houses {
    /// The rules of each listener, by number.
    pub rules: Vec<Arc<Rules>>,
}

/// The acceptor's parts.
pub struct Acceptor {
    /// The sockets.
    pub doors: Vec<Door>,
    /// Who may come in.
    pub admission: Arc<Admission>,
    /// The rules of the listeners.
    pub houses: Arc<ArcSwap<Houses>>,
    /// The workers.
    pub workers: Vec<WorkerHandle>,
    /// What was turned away is counted here.
    pub counters: Arc<Counters>,
}

/// Connections taken from one socket before the others have their turn.
const TURN: usize = 64;
/// How long the acceptor rests when the system gives it no connection.
const REST: Duration = Duration::from_millis(100);

/// How long the log says nothing more of it.
const WARN_AGAIN: Duration = Duration::from_secs(10);

/// A running acceptor.
#[derive(Debug)]
pub struct AcceptorHandle {
    changes: UnboundedSender<Change>,
    closed: oneshot::Receiver<()>,
}

/// Other doors, and what is done after the last connection through the old ones and before the first through these.
pub struct Change {
    /// The doors; an old one that is not among them is closed.
    pub doors: Vec<Door>,
    /// What is done in between, by the acceptor.
    pub between: Box<dyn FnOnce() + Send>,
}

impl AcceptorHandle {
    /// Takes connections through other doors from now on.
    pub fn change(&mut self, change: Change) {
        if self.changes.send(change).is_err() {
            tracing::error!("the acceptor has ended: connections are taken no more, and a restart is due");
        }
    }

    /// Takes no more connections and closes the doors; returns when that is done.
    pub async fn close(self) {
        drop(self.changes);
        let _ = self.closed.await; // also when its worker is gone
    }
}

impl Acceptor {
    /// Starts on the first of the workers.
    pub fn start(self) -> AcceptorHandle {
        let (changes, changed) = unbounded_channel();
        let (tell, closed) = oneshot::channel();
        if let Some(first) = self.workers.first().cloned() {
            first.run(Box::new(move || Box::pin(self.accept_until_closed(changed, tell))));
        }
        AcceptorHandle { changes, closed }
    }

    async fn accept_until_closed(
        mut self,
        mut changed: UnboundedReceiver<Change>,
        closed: oneshot::Sender<()>,
    ) {
        let mut doors = std::mem::take(&mut self.doors);
        let this = Rc::new(self);
        loop {
            let mut open = this.open(&doors);
            let change = loop {
                select! {
                    biased;
                    change = changed.recv() => break change,
                    Some(ended) = open.join_next() => {
                        tracing::error!(error = ?ended.err(), "the acceptor has failed and begins anew");
                        open.shutdown().await;
                        open = this.open(&doors);
                    }
                }
            };
            open.shutdown().await;
            let Some(change) = change else { break };
            (change.between)();
            doors = change.doors;
        }
        drop(this); // and with it the handles of the workers, which end with the last of them
        let _ = closed.send(());
    }

    /// Takes the connections from all `doors` in tasks that don't end.
    fn open(self: &Rc<Self>, doors: &[Door]) -> JoinSet<()> {
        let mut open = JoinSet::new();
        for door in doors {
            let (this, door) = (Rc::clone(self), door.clone());
            open.spawn_local(async move { this.keep(&door).await });
        }
        open
    }

    /// Takes the connections from one socket, for ever.
    async fn keep(&self, door: &Door) {
        let mut reserve = Reserve::new();
        let socket = loop {
            match watched(Arc::clone(&door.socket)) {
                Ok(socket) => break socket,
                Err(error) => reserve.warn(&error, "the system does not tell of new connections"),
            }
            sleep(REST).await;
        };
        loop {
            // An error here is one of the runtime's, which is about to end.
            let Ok(mut readiness) = socket.readable().await else { return };
            match self.accept_turn(door, &mut reserve) {
                Turn::Empty => readiness.clear_ready(),
                Turn::Over => yield_now().await,
                Turn::Failed => {
                    sleep(REST).await;
                    reserve.spare = spare();
                }
            }
        }
    }

    fn accept_turn(&self, door: &Door, reserve: &mut Reserve) -> Turn {
        for _ in 0..TURN {
            match door.accept() {
                Ok((stream, peer)) => self.admit(door, stream, peer),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Turn::Empty,
                Err(error) if is_exhausted(&error) => {
                    reserve.warn(&error, "no descriptors left");
                    // The spare descriptor lets one more connection hear why it can't be served.
                    drop(reserve.spare.take());
                    if let Ok((stream, _)) = door.accept() {
                        let tls = self
                            .houses
                            .load()
                            .rules
                            .get(door.listener)
                            .map_or(TlsUse::None, |rules| rules.tls);
                        self.turn_away(&stream, &Reply::TOO_MANY_CONNECTIONS, tls);
                    }
                    return Turn::Failed;
                }
                Err(error) if is_passing(&error) => {} // that client is gone already
                Err(error) => {
                    reserve.warn(&error, "connections can't be taken");
                    return Turn::Failed;
                }
            }
        }
        Turn::Over
    }

    fn admit(&self, door: &Door, stream: TcpStream, peer: SocketAddr) {
        let houses = self.houses.load();
        let Some(rules) = houses.rules.get(door.listener) else { return };
        let Ok(server) = door.server.map_or_else(|| stream.local_addr(), Ok) else { return };
        match self.admission.admit_peer(peer.ip(), rules, Instant::now()) {
            Ok(place) => {
                // Of equals the first: its thread is awake, for this runs there.
                let worker = self.workers.iter().min_by_key(|worker| worker.sessions());
                if let Some(worker) = worker {
                    worker.serve(Accepted { stream, peer, server, listener: door.listener, place });
                }
            }
            Err(reply) => {
                tracing::info!(client_ip = %peer.ip(), code = reply.code.get(), reply = %reply, "connection refused");
                self.turn_away(&stream, &reply, rules.tls);
            }
        }
    }

    /// Says `reply` in place of the banner, as far as the socket takes it at once; where TLS comes first nothing, for that
    /// would be an answer that the client can't read.
    fn turn_away(&self, mut stream: &TcpStream, reply: &Reply, tls: TlsUse) {
        self.counters.connections_refused.increase();
        if tls != TlsUse::Implicit {
            let mut octets = Vec::new();
            reply.encode(&mut octets);
            let _ = stream.write(&octets); // nobody waits for a client that does not read
        }
        let _ = stream.shutdown(std::net::Shutdown::Write);
    }
}

/// `socket`, and the runtime tells when connections wait there.
#[expect(
    unsafe_code,
    reason = "the runtime has no other way to watch a listening socket that it doesn't accept from"
)]
fn watched(socket: Arc<TcpListener>) -> io::Result<AsyncFd<Arc<TcpListener>>> {
    // SAFETY: what is watched holds the socket, so its descriptor is open, and the same, for as long as it is watched.
    unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }.map_err(io::Error::from)
}

/// How a turn at a socket ended.
enum Turn {
    /// Nobody waits there now.
    Empty,
    /// Others have theirs now.
    Over,
    /// The system gives none, and will hardly give one at once.
    Failed,
}

/// What is there for the time when nothing is left.
struct Reserve {
    spare: Option<std::fs::File>,
    warned: Option<Instant>,
}

impl Reserve {
    fn new() -> Self {
        Reserve { spare: spare(), warned: None }
    }

    /// Says in the log what is wrong, but not for each client that it happens to.
    fn warn(&mut self, error: &io::Error, what: &str) {
        if self.warned.is_none_or(|warned| warned.elapsed() >= WARN_AGAIN) {
            self.warned = Some(Instant::now());
            tracing::warn!(%error, "{what}, pausing for 100 ms");
        }
    }
}

/// A descriptor in reserve.
fn spare() -> Option<std::fs::File> {
    std::fs::File::open("/dev/null").ok()
}

/// Whether the process or the system is out of descriptors or memory for sockets.
fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}

/// Whether it is the one connection that failed, not the socket. Source: accept(2), "Error handling".
fn is_passing(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    let of_network = [
        Errno::NETDOWN,
        Errno::PROTO,
        Errno::NOPROTOOPT,
        Errno::HOSTDOWN,
        Errno::NONET,
        Errno::HOSTUNREACH,
        Errno::OPNOTSUPP,
        Errno::NETUNREACH,
    ];
    match code {
        Some(Errno::CONNABORTED | Errno::INTR | Errno::PERM) => true, // PERM: a rule of the firewall
        Some(code) => of_network.contains(&code),
        None => error.kind() == io::ErrorKind::ConnectionAborted, // nobody's address came with it
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn every_connection_that_is_taken_has_tcp_nodelay() {
        for address in ["127.0.0.1:0", "[::]:0"] {
            // A machine without IPv6 has the first alone.
            let Ok(socket) = TcpListener::bind(address) else { continue };
            let port = socket.local_addr().unwrap().port();
            let door = Door::new(Arc::new(socket), 0).unwrap();
            for _ in 0..3 {
                let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let (stream, _) = door.accept().unwrap();
                assert!(stream.nodelay().unwrap(), "{address}");
                assert!(!client.nodelay().unwrap(), "what the system does by itself");
            }
        }
    }

    #[test]
    fn what_ails_one_connection_is_not_taken_for_what_ails_the_socket() {
        for (code, passes, exhausts) in [
            (Errno::CONNABORTED, true, false), // it was reset before its turn
            (Errno::INTR, true, false),
            (Errno::HOSTUNREACH, true, false), // Linux tells of its route here
            (Errno::PERM, true, false),        // a firewall's rule
            (Errno::MFILE, false, true),
            (Errno::NOMEM, false, true),
            (Errno::INVAL, false, false), // the socket listens no more
            (Errno::BADF, false, false),
        ] {
            let error = io::Error::from(code);
            assert_eq!((is_passing(&error), is_exhausted(&error)), (passes, exhausts), "{error}");
        }
    }
}
