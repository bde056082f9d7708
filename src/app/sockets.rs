//! The sockets that clients connect to: bound once, kept over reloads.

use std::io;
use std::net::{SocketAddr, TcpListener};

use anyhow::Context as _;
use socket2::{Domain, Protocol, Socket, Type};

use crate::proxy::accept::Door;
use crate::proxy::config::Listener;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 4096;

/// A listening socket on `address`, which a restart can bind again at once; an IPv6 one takes IPv6 alone.
///
/// *Errors*: the system's, such as an address in use.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The doors of `listeners`; says where each of them is.
///
/// *Errors*: the first address that can't be bound, and why.
pub fn open(listeners: &[Listener]) -> anyhow::Result<Vec<Door>> {
    let mut doors = Vec::new();
    for (number, listener) in listeners.iter().enumerate() {
        for address in &listener.bind {
            let socket = bind(*address)
                .with_context(|| format!("listener {}: {address} can't be bound", listener.name))?;
            let bound = socket.local_addr()?;
            tracing::info!(address = %bound, listener = %listener.name, "listening");
            doors.push(Door { socket, listener: number });
        }
    }
    Ok(doors)
}
