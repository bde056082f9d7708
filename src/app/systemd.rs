//! What systemd and the process tell one another: sockets handed over at start, and how the service fares.

use std::net::TcpListener;
use std::os::fd::FromRawFd as _;
use std::sync::Arc;

use anyhow::Context as _;
use sd_notify::NotifyState;
use socket2::Type;

/// A listening socket that systemd has bound.
#[derive(Clone, Debug)]
pub struct Inherited {
    /// `FileDescriptorName=` of the socket unit: the name of the listener that it is for.
    pub name: String,
    /// The socket.
    pub socket: Arc<TcpListener>,
}

/// The sockets that systemd hands over; none without socket activation. To be called once, before anything else opens
/// descriptors.
///
/// *Errors*: the environment says nonsense, or a descriptor is no listening TCP socket.
pub fn inherited() -> anyhow::Result<Vec<Inherited>> {
    let given = sd_notify::listen_fds_with_names().context("systemd's LISTEN_FDS")?;
    given.map(|(descriptor, name)| take(descriptor, name)).collect()
}

#[expect(unsafe_code, reason = "a descriptor's number is all that the environment can carry")]
fn take(descriptor: i32, name: String) -> anyhow::Result<Inherited> {
    // SAFETY: LISTEN_PID names this process, so the descriptors from 3 on were opened for it by systemd, and nobody
    // else owns them: this runs once, before anything else opens one.
    let socket = unsafe { socket2::Socket::from_raw_fd(descriptor) };
    let what = || format!("the socket \"{name}\" that systemd hands over");
    let is_tcp = socket.r#type().with_context(what)? == Type::STREAM
        && socket.is_listener().with_context(what)?
        && socket.local_addr().with_context(what)?.as_socket().is_some();
    anyhow::ensure!(is_tcp, "{} is no listening TCP socket", what());
    socket.set_nonblocking(true).with_context(what)?;
    Ok(Inherited { name, socket: Arc::new(socket.into()) })
}

/// How the service fares, as `systemctl status` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State<'a> {
    /// It serves.
    Ready(&'a str),
    /// It reads its configuration again.
    Reloading,
    /// It ends.
    Stopping,
}

/// Tells systemd, if it wants to know (`Type=notify` or `notify-reload`).
pub fn tell(state: State<'_>) {
    let told = match state {
        State::Ready(status) => sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(status)]),
        State::Reloading => match NotifyState::monotonic_usec_now() {
            Ok(now) => sd_notify::notify(&[NotifyState::Reloading, now]),
            Err(error) => Err(error),
        },
        State::Stopping => sd_notify::notify(&[NotifyState::Stopping, NotifyState::Status("draining")]),
    };
    if let Err(error) = told {
        tracing::warn!(%error, "systemd can't be told how the service fares");
    }
}
