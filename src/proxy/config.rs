//! One door to the outside, as the configuration describes it: the tables `[[listener]]`.

use std::net::SocketAddr;
use std::time::Duration;

use crate::auth::config::Config as Auth;
use crate::net::tls::config::ClientCertificates;
use crate::policy::mode::PolicyUse;
use crate::session::limits::Limits;
use crate::session::login::Logins;
use crate::session::relay::Relay;
use crate::session::rules::Protocol;
use crate::session::tls::TlsUse;
use crate::session::trust::Trust;

/// One or several sockets that clients connect to, and what holds for their sessions.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its name in logs and for scripts.
    pub name: String,
    /// Where it listens; never empty. Port 0 is any free one.
    pub bind: Vec<SocketAddr>,
    /// What is spoken on it.
    pub protocol: Protocol,
    /// The name of its backend.
    pub backend: String,
    /// Its policies, in the order in which they are asked.
    pub policies: Vec<PolicyUse>,
    /// Whom mail is taken for and from: `[relay]` with its own `relay` laid over it.
    pub relay: Relay,
    /// Whom it believes when he speaks for others.
    pub trust: Trust,
    /// `[limits]` with its own `limits` laid over it.
    pub limits: Limits,
    /// Whether clients log in.
    pub logins: Logins,
    /// How logins are checked: `[auth]`.
    pub auth: Auth,
    /// The text after "220 "; `None` is "HOSTNAME ESMTP".
    pub banner: Option<String>,
    /// How long the banner is held back; `None` is not at all.
    pub greet_delay: Option<Duration>,
    /// What happens when the client talks before the banner.
    pub early_talk: CountOrRefuse,
    /// What happens when data is pipelined where RFC 2920 forbids it.
    pub bad_pipelining: CountOrRefuse,
    /// Whether the two courtesies in the syntax of paths are off.
    pub strict: bool,
    /// What becomes of a bare CR or LF in content.
    pub bare_newline: BareNewline,
    /// What our Received field tells.
    pub received: Received,
    /// The map of the logins that may use an address; none if any may use any.
    pub owners: Option<String>,
    /// What becomes of an address that is not the login's.
    pub mismatch: Mismatch,
    /// Whether Date and Message-ID are added where they are missing.
    pub add_missing: bool,
    /// How VRFY is answered.
    pub vrfy: Vrfy,
    /// Whether the client's forward-confirmed name is looked up.
    pub client_name: bool,
    /// Whether the text of our refusals ends in the session's id.
    pub reply_id: bool,
    /// When TLS is spoken.
    pub tls: TlsUse,
    /// What it wants to see of its clients' certificates.
    pub client_certificate: ClientCertificates,
}

/// What becomes of an address that is not the login's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// It is refused.
    Reject,
    /// The login's own stands in its place.
    Fix,
}

/// What happens when a client breaks the order of talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountOrRefuse {
    /// It is counted for policies.
    Count,
    /// The client is refused.
    Refuse,
}

/// What becomes of a bare CR or LF in content; it is never passed raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BareNewline {
    /// 550 5.6.11 at the end of data.
    Reject,
    /// Each becomes CRLF.
    Normalize,
}

/// What our Received field tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// All that RFC 5321 §4.4 asks for.
    Full,
    /// Nothing of the client.
    HideClient,
    /// There is no field.
    None,
}

/// How VRFY is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vrfy {
    /// 252 2.0.0.
    Neutral,
    /// 502 5.5.1.
    Refuse,
}
