//! The sockets that clients connect to: bound, or taken over from systemd, and kept over reloads.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};

use crate::app::systemd::Inherited;
use crate::proxy::accept::Door;
use crate::proxy::config::Listener;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 4096;

/// All sockets in service.
#[derive(Debug, Default)]
pub struct Sockets {
    open: Vec<Open>,
    /// Those that systemd gave, whether or not a listener has their name now.
    inherited: Vec<Inherited>,
}

/// One socket and why it is there.
#[derive(Clone, Debug)]
struct Open {
    listener: String,
    /// The address it was bound for; `None` if systemd bound it.
    bind: Option<SocketAddr>,
    socket: Arc<TcpListener>,
}

/// An address that can't be listened on.
#[derive(Debug)]
pub struct SocketError {
    listener: String,
    address: SocketAddr,
    cause: io::Error,
}

impl Sockets {
    /// The sockets of `listeners`. A listener that systemd has sockets for has those and binds none itself.
    ///
    /// *Errors*: the first address that can't be bound.
    pub fn open(listeners: &[Listener], inherited: Vec<Inherited>) -> Result<Sockets, SocketError> {
        Sockets { open: Vec::new(), inherited }.follow(listeners)
    }

    /// The sockets of `listeners`: what is open already stays as it is, what is new is bound. Nothing is closed before
    /// the last holder of a socket lets it go.
    ///
    /// *Errors*: the first address that can't be bound.
    pub fn follow(&self, listeners: &[Listener]) -> Result<Sockets, SocketError> {
        let mut known = self.open.clone();
        let mut open = Vec::new();
        for listener in listeners {
            let given: Vec<Open> = self.inherited_for(listener).collect();
            if !given.is_empty() {
                open.extend(given);
                continue;
            }
            for address in &listener.bind {
                // Port 0 is another port each time, so there it is the listener's name that tells which is meant.
                let is_it = |one: &Open| {
                    one.bind == Some(*address) && (address.port() != 0 || one.listener == listener.name)
                };
                let place = known.iter().position(is_it);
                let socket = match place.map(|place| known.swap_remove(place)) {
                    Some(one) => one.socket,
                    None => Arc::new(bind(*address).map_err(|cause| SocketError {
                        listener: listener.name.clone(),
                        address: *address,
                        cause,
                    })?),
                };
                open.push(Open { listener: listener.name.clone(), bind: Some(*address), socket });
            }
        }
        Ok(Sockets { open, inherited: self.inherited.clone() })
    }

    fn inherited_for(&self, listener: &Listener) -> impl Iterator<Item = Open> {
        let named = self.inherited.iter().filter(|given| given.name == listener.name);
        named.map(|given| Open {
            listener: given.name.clone(),
            bind: None,
            socket: Arc::clone(&given.socket),
        })
    }

    /// The doors that lead to `listeners`, each with the number of its listener.
    ///
    /// *Errors*: the system's; none of a socket that listens.
    pub fn doors(&self, listeners: &[Listener]) -> io::Result<Vec<Door>> {
        let number = |open: &Open| listeners.iter().position(|listener| listener.name == open.listener);
        let door = |open: &Open| Some(Door::new(Arc::clone(&open.socket), number(open)?));
        self.open.iter().filter_map(door).collect()
    }

    /// Says in the log where each listener is; of those that were not in `before`, if there was one.
    pub fn announce(&self, before: Option<&Sockets>) {
        let was_there = |open: &Open| {
            before.is_some_and(|before| before.open.iter().any(|old| Arc::ptr_eq(&old.socket, &open.socket)))
        };
        for open in self.open.iter().filter(|open| !was_there(open)) {
            if let Ok(address) = open.socket.local_addr() {
                tracing::info!(%address, listener = %open.listener, "listening");
            }
        }
        let stays = |old: &Open| self.open.iter().any(|open| Arc::ptr_eq(&old.socket, &open.socket));
        for old in before.iter().flat_map(|before| &before.open).filter(|old| !stays(old)) {
            if let Ok(address) = old.socket.local_addr() {
                tracing::info!(%address, listener = %old.listener, "no longer listening");
            }
        }
    }

    /// The address of the first socket of the listener called `name`.
    pub fn address_of(&self, name: &str) -> Option<SocketAddr> {
        self.open.iter().find(|open| open.listener == name)?.socket.local_addr().ok()
    }
}

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

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SocketError { listener, address, cause } = self;
        write!(f, "listener {listener}: can't listen on {address}: ")?;
        let port = address.port();
        match cause.kind() {
            io::ErrorKind::AddrInUse => write!(
                f,
                "the port is in use by another program (`ss -ltnp 'sport = :{port}'` shows which; a Postfix has its own in master.cf)"
            ),
            io::ErrorKind::PermissionDenied if port < 1024 => write!(
                f,
                "no right to a port below 1024 (start as root with [service] user, or let systemd bind it; a reload can't, it needs a restart)"
            ),
            io::ErrorKind::AddrNotAvailable => write!(f, "this machine does not have the address"),
            _ => write!(f, "{cause}"),
        }
    }
}

impl std::error::Error for SocketError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn listeners(text: &str) -> Vec<Listener> {
        let whole =
            format!("{text}\n[relay]\ndomains = \"a.example\"\n[[backend]]\naddress = \"127.0.0.1:25\"\n");
        config::load_str(&whole, std::path::Path::new("/"), &[]).expect("a configuration").config.listeners
    }

    #[test]
    fn a_reload_keeps_what_is_open_and_binds_what_is_new() {
        let one = listeners("[[listener]]\nname = \"a\"\nbind = \"127.0.0.1:0\"");
        let two = listeners(
            "[[listener]]\nname = \"b\"\nbind = [\"127.0.0.1:0\", \"127.0.0.1:0\"]\n[[listener]]\nname = \"a\"\nbind = \"127.0.0.1:0\"",
        );
        let before = Sockets::open(&one, Vec::new()).unwrap();
        let after = before.follow(&two).unwrap();
        assert_eq!(before.address_of("a"), after.address_of("a"));
        assert!(after.address_of("b").is_some_and(|address| Some(address) != after.address_of("a")));
        let numbers: Vec<usize> = after.doors(&two).unwrap().iter().map(Door::listener).collect();
        assert_eq!(numbers, [0, 0, 1]);
        let back = after.follow(&one).unwrap();
        assert_eq!(back.address_of("b"), None);
        assert_eq!(back.address_of("a"), before.address_of("a"));
    }

    #[test]
    fn a_port_in_use_is_one_clear_line() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let wanted = listeners(&format!("[[listener]]\nname = \"mx\"\nbind = \"127.0.0.1:{port}\""));
        let error = Sockets::open(&wanted, Vec::new()).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("listener mx: can't listen on 127.0.0.1:{port}: the port is in use"))
        );
        assert!(!error.contains('\n'));
    }

    #[test]
    fn what_systemd_gives_is_not_bound_again() {
        let given = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let inherited = vec![Inherited { name: "mx".to_owned(), socket: Arc::clone(&given) }];
        let wanted = listeners("[[listener]]\nname = \"mx\"\nbind = \"192.0.2.1:25\"");
        let sockets = Sockets::open(&wanted, inherited).unwrap();
        assert_eq!(sockets.address_of("mx"), given.local_addr().ok());
        assert_eq!(sockets.doors(&wanted).unwrap().len(), 1);
    }
}
