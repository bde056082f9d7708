//! What a verifier is: it offers mechanisms, and leads an exchange with a client to a yes or a no.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use crate::auth::scram::Channel;
use crate::smtp::mechanism::{Mechanism, Mechanisms};
use crate::smtp::reply::Reply;
use crate::smtp::secret::Secret;

/// A future that stays on its worker.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// How long a verifier may take for one step; who leads an exchange gives up after 30 s.
pub const PATIENCE: Duration = Duration::from_secs(25);

/// Who knows whether a login is right.
pub trait Verifier {
    /// What it can check now.
    fn mechanisms(&self) -> Mechanisms;

    /// Begins an exchange. Each attempt has one of its own: nothing of an attempt is there for the next.
    fn begin(&self, attempt: Attempt) -> Box<dyn Exchange>;
}

/// One attempt to log in.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// By which mechanism.
    pub mechanism: Mechanism,
    /// From where.
    pub client: SocketAddr,
    /// The session's id.
    pub session: String,
    /// Where the client has connected to.
    pub server: SocketAddr,
    /// Whether nobody but the client reads what it says.
    pub is_encrypted: bool,
    /// What the connection has that a login can be bound to.
    pub channel: Channel,
    /// The names that the client's verified certificate stands for, the first the most.
    pub certificate: Vec<String>,
    /// The listener's name.
    pub listener: String,
    /// Whether logins from its network have failed too often lately.
    pub is_suspect: bool,
    /// What the client calls itself.
    pub ehlo: Option<String>,
    /// Its TLS.
    pub tls: Option<Tls>,
}

/// What is told of a client's TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// "TLSv1.2" or "TLSv1.3".
    pub version: &'static str,
    /// The cipher suite, by its name at IANA.
    pub cipher: &'static str,
    /// The server name that it asked for.
    pub sni: Option<String>,
}

impl Attempt {
    /// An attempt by `mechanism` from `client`, of which nothing else is known.
    pub fn new(mechanism: Mechanism, client: SocketAddr) -> Attempt {
        Attempt {
            mechanism,
            client,
            session: String::new(),
            server: client,
            is_encrypted: false,
            channel: Channel::default(),
            certificate: Vec::new(),
            listener: String::new(),
            is_suspect: false,
            ehlo: None,
            tls: None,
        }
    }
}

/// One exchange of an attempt.
pub trait Exchange {
    /// Takes the client's answer, decoded: none if AUTH came without one. After a `Step` that ends it, it is dropped.
    fn take(&mut self, answer: Option<Secret>) -> Pending<'_, Step>;

    /// Who the client claims to be and what it shows for it, as far as it has said so; for counting what was wrong.
    fn claim(&self) -> Option<Claim<'_>>;
}

/// Who a client claims to be, and what it shows for it.
#[derive(Clone, Copy)]
pub struct Claim<'a> {
    /// The name under which failures count; empty if there is none.
    pub user: &'a str,
    /// What is the same whenever the same secret is shown.
    pub secret: &'a [u8],
}

/// What comes next in an exchange.
#[derive(Debug)]
pub enum Step {
    /// The client has to answer this.
    Challenge(Secret),
    /// It is this user.
    Accepted(String),
    /// It is not, and the client has to answer this before it hears so: that it leaves instead saves it nothing.
    RefusedAfter(Secret),
    /// It is not: in the verifier's own words, where it has some that may be said.
    Refused(Option<Reply>),
    /// Nobody can tell now; why, for the log.
    Unavailable(String),
    /// Its answer is none that the mechanism knows.
    Malformed,
}
