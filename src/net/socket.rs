//! The socket under a stream, for whoever writes to it from another thread.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::Interest;

use crate::net::stream::Stream;

impl Stream {
    /// The socket, if what is written there goes out as it is: files can be sent to it from another thread.
    pub fn socket(&self) -> Option<io::Result<OwnedFd>> {
        match self {
            Stream::Tcp(stream) => Some(stream.as_fd().try_clone_to_owned()),
            Stream::Unix(stream) => Some(stream.as_fd().try_clone_to_owned()),
            Stream::Memory(_) | Stream::Tls(_) | Stream::Gone => None,
        }
    }

    /// Our end of the connection, over TCP.
    pub fn local_address(&self) -> Option<SocketAddr> {
        match self {
            Stream::Tcp(stream) => stream.local_addr().ok(),
            Stream::Tls(stream) => stream.get_ref().0.local_address(),
            Stream::Unix(_) | Stream::Memory(_) | Stream::Gone => None,
        }
    }

    /// Whether octets, or the end, may wait: not if the runtime knows of none, though they may come any moment. Asks
    /// nothing of the system.
    pub fn may_have_more(&self) -> bool {
        match self {
            Stream::Tcp(stream) => stream.try_io(Interest::READABLE, || Ok(())).is_ok(),
            Stream::Unix(stream) => stream.try_io(Interest::READABLE, || Ok(())).is_ok(),
            Stream::Memory(stream) => stream.is_readable(),
            Stream::Tls(_) | Stream::Gone => true, // some may be decrypted already
        }
    }

    /// Waits until the socket takes more, after it took none. Safe to drop.
    pub async fn takes_more(&self) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.async_io(Interest::WRITABLE, || has_room(stream)).await,
            Stream::Unix(stream) => stream.async_io(Interest::WRITABLE, || has_room(stream)).await,
            Stream::Memory(_) | Stream::Tls(_) | Stream::Gone => Ok(()), // files are not sent to it
        }
    }
}

/// Asks the system whether `socket` takes octets now, for the runtime knows nothing of what another thread has written;
/// `WouldBlock` if it doesn't.
fn has_room(socket: &impl AsFd) -> io::Result<()> {
    match poll(&mut [PollFd::new(socket, PollFlags::OUT)], Some(&Timespec::default()))? {
        0 => Err(io::ErrorKind::WouldBlock.into()),
        _ => Ok(()),
    }
}
