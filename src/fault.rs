//! What broke, on whose side, and the one map from that to a reply.

use crate::smtp::reply::Reply;

/// Something broke. Not a refusal, which is a value, and not a mistake of the client's syntax.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The client's side of the connection.
    #[error("client: {0}")]
    Client(#[from] ClientFault),
    /// The backend, or the way to it.
    #[error("backend: {0}")]
    Backend(#[from] BackendFault),
    /// Our own machine: disk, spool.
    #[error("local: {0}")]
    Local(String),
    /// We are ending.
    #[error("shutting down")]
    Shutdown,
}

/// What breaks on the client's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientFault {
    /// The connection is gone: closed or reset.
    #[error("connection lost")]
    Lost,
    /// Nothing, or too little, came in time.
    #[error("timed out")]
    Timeout,
}

/// What breaks on the backend's side.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendFault {
    /// No usable address can be connected, greets us and answers EHLO; or a replayed envelope was not taken.
    #[error("not reachable: {0}")]
    Unreachable(String),
    /// The connection ended, or an answer is overdue, when content was complete or under way.
    #[error("lost: {0}")]
    Lost(String),
    /// A reply that is malformed, or of a class that was not due.
    #[error("confused: {0}")]
    Confused(String),
    /// It offers less than it did, or not the XCLIENT that is required.
    #[error("misconfigured: {0}")]
    Misconfigured(&'static str),
    /// All connections that we may have to it are in use.
    #[error("busy: all connections are in use")]
    Busy,
    /// The connection that the client has logged in on is gone.
    #[error("lost: the connection that the client had logged in on")]
    LoginLost,
}

impl Fault {
    /// What the client hears; nothing where nobody is left to hear it.
    ///
    /// Backend, policy and local faults are 4yz: the client keeps the message and tries again.
    /// Source: RFC 5321 §4.2.1, RFC 1047.
    pub fn reply(&self) -> Option<Reply> {
        Some(match self {
            Fault::Client(ClientFault::Lost) => return None,
            Fault::Client(ClientFault::Timeout) => Reply::TIMEOUT,
            Fault::Backend(fault) => fault.reply(),
            Fault::Local(_) => Reply::SPOOL_FULL,
            Fault::Shutdown => Reply::SHUTTING_DOWN,
        })
    }
}

impl BackendFault {
    /// What the client hears.
    pub fn reply(&self) -> Reply {
        match self {
            BackendFault::Unreachable(_) => Reply::BACKEND_UNREACHABLE,
            BackendFault::Lost(_) => Reply::BACKEND_LOST,
            BackendFault::Confused(_) => Reply::BACKEND_CONFUSED,
            BackendFault::Misconfigured(_) => Reply::BACKEND_MISCONFIGURED,
            BackendFault::Busy => Reply::BACKEND_BUSY,
            BackendFault::LoginLost => Reply::LOGIN_LOST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_ours_never_refuses_for_good() {
        let backend = [
            BackendFault::Unreachable(String::new()),
            BackendFault::Lost(String::new()),
            BackendFault::Confused(String::new()),
            BackendFault::Misconfigured(""),
            BackendFault::Busy,
            BackendFault::LoginLost,
        ];
        let faults =
            backend.map(Fault::Backend).into_iter().chain([Fault::Local(String::new()), Fault::Shutdown]);
        for fault in faults {
            assert!(fault.reply().is_some_and(|reply| reply.is_transient()), "{fault}");
        }
        assert_eq!(Fault::Client(ClientFault::Lost).reply(), None);
    }
}
