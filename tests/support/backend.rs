//! A backend that a test plays: sockets on loopback whose connections say what the test tells them to.

use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::task::Poll;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::peer::Peer;

/// One address of a backend.
#[derive(Debug)]
pub struct Backend {
    address: SocketAddr,
    /// Gone when the backend is down.
    listener: Option<TcpListener>,
    /// Keeps the port meanwhile: bound and not listening, it refuses connections.
    kept: Option<TcpSocket>,
}

impl Backend {
    /// A backend on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Backend { address: listener.local_addr().unwrap(), listener: Some(listener), kept: None }
    }

    /// Where it listens, or did.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection.
    pub async fn accept(&self) -> Peer {
        let listener = self.listener.as_ref().expect("the backend is up");
        let (stream, _): (TcpStream, _) = listener.accept().await.unwrap();
        Peer::new(stream)
    }

    /// Whether a connection waits to be taken.
    pub async fn is_asked(&self) -> bool {
        let Some(listener) = &self.listener else { return false };
        poll_fn(|context| Poll::Ready(listener.poll_accept(context).is_ready())).await
    }

    /// Refuses connections from now on.
    pub fn stop(&mut self) {
        self.listener = None;
        let kept = TcpSocket::new_v4().unwrap();
        kept.set_reuseaddr(true).unwrap();
        kept.bind(self.address).unwrap();
        self.kept = Some(kept);
    }

    /// Takes connections again.
    pub fn restart(&mut self) {
        let kept = self.kept.take().expect("the backend is down");
        self.listener = Some(kept.listen(1024).unwrap());
    }
}
