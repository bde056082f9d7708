//! The acceptor: one thread that takes connections from all sockets and hands each to the least busy worker.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{SocketFlags, acceptfrom_with};
use tokio::time::Instant;

use crate::observe::counters::Counters;
use crate::proxy::admission::Admission;
use crate::proxy::worker::{Accepted, WorkerHandle};
use crate::session::rules::Rules;
use crate::session::tls::TlsUse;
use crate::smtp::reply::Reply;

/// A bound socket and the number of its listener.
#[derive(Clone, Debug)]
pub struct Door {
    /// The socket, not blocking.
    pub socket: Arc<TcpListener>,
    /// Its listener.
    pub listener: usize,
}

impl Door {
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
/// How long the acceptor rests when no descriptors are left.
const REST: Duration = Duration::from_millis(100);

/// How long the log says nothing more of it.
const WARN_AGAIN: Duration = Duration::from_secs(10);

/// A running acceptor.
#[derive(Debug)]
pub struct AcceptorHandle {
    wake: io::PipeWriter,
    changes: Sender<Change>,
    thread: JoinHandle<()>,
}

/// Other doors, and what is done after the last connection through the old ones and before the first through these.
pub struct Change {
    /// The doors; an old one that is not among them is closed.
    pub doors: Vec<Door>,
    /// What is done in between, on the acceptor's thread.
    pub between: Box<dyn FnOnce() + Send>,
}

impl AcceptorHandle {
    /// Takes connections through other doors from now on.
    pub fn change(&mut self, change: Change) {
        // The thread ends only when this handle is gone, so both arrive.
        let _ = self.changes.send(change);
        let _ = self.wake.write_all(b"!");
    }

    /// Takes no more connections, closes the doors, and waits for the thread.
    pub fn close(self) {
        drop(self.wake);
        let _ = self.thread.join(); // it ends as soon as its pipe is closed
    }
}

impl Acceptor {
    /// Starts the thread.
    ///
    /// *Errors*: the system has no thread or no descriptor to give.
    pub fn start(self) -> io::Result<AcceptorHandle> {
        let (woken, wake) = io::pipe()?;
        let (changes, changed) = channel();
        let thread = std::thread::Builder::new().name("acceptor".to_owned());
        let thread = thread.spawn(move || self.accept_until_closed(woken, &changed))?;
        Ok(AcceptorHandle { wake, changes, thread })
    }

    fn accept_until_closed(mut self, mut woken: io::PipeReader, changed: &Receiver<Change>) {
        let mut reserve = Reserve::new();
        loop {
            let ready = {
                let mut sources: Vec<PollFd<'_>> = self
                    .doors
                    .iter()
                    .map(|door| PollFd::from_borrowed_fd(door.socket.as_fd(), PollFlags::IN))
                    .collect();
                sources.push(PollFd::from_borrowed_fd(woken.as_fd(), PollFlags::IN));
                match poll(&mut sources, None) {
                    Ok(_) => sources.iter().map(|source| !source.revents().is_empty()).collect::<Vec<bool>>(),
                    Err(_) => continue, // a signal
                }
            };
            if ready.last().copied().unwrap_or(true) {
                if !matches!(woken.read(&mut [0]), Ok(1)) {
                    return;
                }
                for change in changed.try_iter() {
                    (change.between)();
                    self.doors = change.doors;
                }
                continue;
            }
            for (door, _) in self.doors.iter().zip(ready).filter(|(_, is_ready)| *is_ready) {
                self.accept_turn(door, &mut reserve);
            }
        }
    }

    fn accept_turn(&self, door: &Door, reserve: &mut Reserve) {
        for _ in 0..TURN {
            match door.accept() {
                Ok((stream, peer)) => self.admit(door, stream, peer),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if is_exhausted(&error) => {
                    reserve.warn(&error);
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
                    std::thread::sleep(REST);
                    reserve.spare = spare();
                    return;
                }
                Err(_) => {} // that client is gone already
            }
        }
    }

    fn admit(&self, door: &Door, stream: TcpStream, peer: SocketAddr) {
        let houses = self.houses.load();
        let Some(rules) = houses.rules.get(door.listener) else { return };
        match self.admission.admit_peer(peer.ip(), rules, Instant::now()) {
            Ok(place) => {
                let worker = self.workers.iter().min_by_key(|worker| worker.sessions());
                if let Some(worker) = worker {
                    worker.serve(Accepted { stream, peer, listener: door.listener, place });
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

/// What is there for the time when nothing is left.
struct Reserve {
    spare: Option<std::fs::File>,
    warned: Option<Instant>,
}

impl Reserve {
    fn new() -> Self {
        Reserve { spare: spare(), warned: None }
    }

    /// Says in the log that there are no descriptors, but not for each client that hears so.
    fn warn(&mut self, error: &io::Error) {
        if self.warned.is_none_or(|warned| warned.elapsed() >= WARN_AGAIN) {
            self.warned = Some(Instant::now());
            tracing::warn!(%error, "no descriptors left, pausing for 100 ms");
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
