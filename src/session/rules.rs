//! What a listener asks of its sessions: who we are, what we relay, how much is allowed.

use crate::session::limits::Limits;
use crate::session::login::Logins;
use crate::session::relay::Relay;
use crate::session::tls::TlsUse;
use crate::session::trust::Trust;

/// The rules of one listener, the same for all of its sessions.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The listener's name in logs and scripts.
    pub listener: String,
    /// What is spoken on it.
    pub protocol: Protocol,
    /// Our name: in the banner, the EHLO reply and the Received field.
    pub hostname: String,
    /// Whose mail we take, and who may relay.
    pub relay: Relay,
    /// Whom we believe when he speaks for others.
    pub trust: Trust,
    /// How much one session may carry.
    pub limits: Limits,
    /// Whether the two courtesies of RFC 5321 §4.1.2 (spaces, missing brackets) are refused.
    pub strict: bool,
    /// Whether VRFY is refused rather than answered 252.
    pub refuses_vrfy: bool,
    /// When TLS is spoken.
    pub tls: TlsUse,
    /// Whether clients may, or must, log in.
    pub logins: Logins,
}

impl Rules {
    /// The rules of a listener of which the configuration says no more than this.
    pub fn new(listener: &str, hostname: &str, relay: Relay) -> Rules {
        Rules {
            listener: listener.to_owned(),
            protocol: Protocol::default(),
            hostname: hostname.to_owned(),
            relay,
            trust: Trust::default(),
            limits: Limits::default(),
            strict: false,
            refuses_vrfy: false,
            tls: TlsUse::default(),
            logins: Logins::default(),
        }
    }
}

/// What is spoken on a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Mail from other servers.
    #[default]
    Smtp,
    /// Mail from people, who log in (RFC 6409).
    Submission,
}

impl Protocol {
    /// The word that the configuration and scripts use.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Smtp => "smtp",
            Protocol::Submission => "submission",
        }
    }
}
